// A server whose owner was killed: its guard is ending it, and until it is gone its files and ports are not free. The
// directory keeps the mark of the server that runs in it, so that the next run knows whom to wait for.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntil } from '../wait-until.ts';
import { isAlive, markProcess, parseMark } from './process-identity.ts';
import type { Say } from './progress.ts';

/** How long a server may take to write its files to the end, before SIGKILL. */
export const graceSeconds = 10;

/** Notes that this process serves in `dir`. */
export const noteServer = async (name: string, dir: string, pid: number): Promise<void> =>
  writeFile(markFileOf(name, dir), JSON.stringify(await markProcess(pid)));

/** Notes that none does. */
export const forgetServer = async (name: string, dir: string): Promise<void> =>
  rm(markFileOf(name, dir), { force: true });

/**
 * A server whose owner was killed is being ended by its guard: resolves when it is gone and its files may be used. To be
 * called only by the owner of the directory.
 */
export const endLeftover = async (name: string, dir: string, say: Say, signal: AbortSignal): Promise<void> => {
  const mark = parseMark(await readFile(markFileOf(name, dir), 'utf8').catch(() => ''));
  if (mark === null || !(await isAlive(mark))) return;
  say(`${name}: waiting for process ${mark.pid} of an earlier run to end`);
  const isGone = async (): Promise<boolean> => !(await isAlive(mark));
  const timeoutMs = (graceSeconds + 5) * 1_000;
  try {
    await waitUntil(`process ${mark.pid} to end`, isGone, { timeoutMs, intervalMs: 50, signal });
  } catch {
    signal.throwIfAborted();
    process.kill(mark.pid, 'SIGKILL'); // its guard was killed too
    await waitUntil(`process ${mark.pid} to end`, isGone, { signal });
  }
};

const markFileOf = (name: string, dir: string): string => join(dir, `${name}.process.json`);
