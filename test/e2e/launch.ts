// One process of the system under test: started as an operator starts it, its whole log in a file, ended by signal.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '@stream-manager/testkit/wait-until';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Roles that run as processes of their own. */
export type Role = 'scheduler' | 'poller-worker' | 'producer-worker' | 'stream-manager';

/** How it ended: `code` null after a signal. */
interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process of the system. */
export interface SystemProcess {
  readonly role: Role;
  readonly pid: number;
  /** Its HTTP address; waits until it has started. Rejects with its own words when it ends before that. */
  url(): Promise<string>;
  /** Sends a signal; nothing if it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal and resolves with the exit code, or null after a kill. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null>;
  /** Null while it runs. */
  ended(): ProcessEnd | null;
  log(): Promise<string>;
}

export interface LaunchOptions {
  readonly role: Role;
  readonly logFile: string;
  /** Working directory. */
  readonly cwd: string;
  /** All of its environment but `PATH`. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a process without waiting for it. */
export const launch = (options: LaunchOptions): SystemProcess => {
  const { role, logFile } = options;
  const child = spawn(process.execPath, [join(root, 'apps', role, 'src', 'main.ts')], {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...options.env },
  });
  const log = createWriteStream(logFile);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  let end: ProcessEnd | null = null;
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code, signal) => {
      end = { code, signal };
      resolve(code);
    });
  });
  const readLog = (): Promise<string> => readFile(logFile, 'utf8').catch(() => '');
  const address = async (): Promise<string | null> => {
    const text = await readLog();
    const line = text.split('\n').find((entry) => entry.includes(`"msg":"${role} started"`));
    return line === undefined ? null : String(JSON.parse(line).url);
  };
  return {
    role,
    pid: child.pid ?? 0,
    log: readLog,
    url: async () => {
      const found = await waitUntil(`${role} to start`, async () => (await address()) ?? (end ? 'ended' : null), {
        timeoutMs: 60_000,
      });
      if (found !== 'ended') return found;
      throw new Error(`${role} ended with ${end?.code ?? end?.signal}:\n${(await readLog()).slice(-3000)}`);
    },
    signal: (signal) => {
      if (end === null) child.kill(signal);
    },
    end: async (signal) => {
      if (end === null) child.kill(signal);
      return exited;
    },
    ended: () => end,
  };
};
