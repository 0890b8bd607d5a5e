// A disk that is full for one server, without root: the size of the files it may write is limited while it runs (RLIMIT_FSIZE).
// Its writes then fail as on a full disk. Linux only (`prlimit` of util-linux).
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Program } from './pypi.ts';
import { runCommand } from './run-command.ts';

/**
 * The program, started so that a write over the limit fails instead of ending the process (SIGXFSZ ends it by default;
 * an ignored signal stays ignored across exec). Writes a script to `dir`.
 */
export const survivingFullDisk = async (program: Program, dir: string): Promise<Program> => {
  const path = join(dir, 'without-sigxfsz.sh');
  await writeFile(path, `#!/bin/sh\ntrap '' XFSZ\nexec '${program.path.replaceAll("'", `'\\''`)}' "$@"\n`);
  await chmod(path, 0o755);
  return { path, label: program.label };
};

/** From now on no file of the process can grow beyond so many bytes; null: without limit again. */
export const limitFileSize = async (pid: number, bytes: number | null): Promise<void> => {
  const limit = bytes === null ? 'unlimited' : `${bytes}:unlimited`;
  await runCommand('prlimit', ['--pid', String(pid), `--fsize=${limit}`], { timeoutMs: 10_000 });
};
