// One server on this machine in a directory of its own: started, watched until it serves, killed and started again by
// drills, stopped for good. Redis, Kafka and mosquitto differ only in what they prepare and in how they are asked whether
// they serve.
//
// stopped ──start()──► starting ──it serves──► running ──kill('SIGKILL') or a crash──► down ──start()──► starting …
// any state ──stop()──► stopped (the directory is free for others again)
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntil } from '../wait-until.ts';
import { type Claim, claimDirectory } from './claim-directory.ts';
import { type GuardedProcess, type ServerSignal, spawnGuarded } from './guarded-process.ts';
import { endLeftover, forgetServer, graceSeconds, noteServer } from './leftover.ts';
import { type Say, withProgress } from './progress.ts';
import { lastLines } from './run-command.ts';

export interface ServerPlan {
  /** `redis`, `kafka` or `mosquitto`, as it stands in messages and file names. */
  readonly name: string;
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: Say;
  /** Called before every start, when the directory is ours: gives the command. */
  readonly prepare: (signal: AbortSignal) => Promise<{ readonly command: string; readonly args: readonly string[] }>;
  /** Throws while the server does not serve, and when it is another process than `pid` that answers. */
  readonly ask: (pid: number) => Promise<void>;
}

export interface LocalServer {
  /** Of the process that runs, or ran last. 0 before the first start. */
  readonly pid: number;
  /**
   * Starts the server and waits until it serves. Throws when it already runs; an Error with the last lines of its log when
   * it ends or does not serve within two minutes; `StackError` `in_use` when another run has the directory.
   */
  readonly start: (signal?: AbortSignal) => Promise<void>;
  /** Sends the signal; after SIGKILL resolves when the process has ended. Its data stays. */
  readonly kill: (signal: ServerSignal) => Promise<void>;
  /** Stops the server, within the grace time, and gives the directory free. Idempotent, safe at any time. */
  readonly stop: () => Promise<void>;
}

const readyTimeoutMs = 120_000;
const logSizeMax = 16 * 1_048_576;

export const createLocalServer = (plan: ServerPlan): LocalServer => {
  const { name, dir, say } = plan;
  const logFile = join(dir, `${name}.log`);
  let claim: Claim | null = null;
  let server: GuardedProcess | null = null;
  let starting: { readonly abort: AbortController; readonly done: Promise<void> } | null = null;
  /** The process whose end was asked for, so that a crash can be told from it. */
  let expectedToEnd: GuardedProcess | null = null;

  const launch = async (signal: AbortSignal): Promise<void> => {
    const isFirst = claim === null;
    claim ??= await claimDirectory(dir);
    let launched: GuardedProcess | null = null;
    try {
      await endLeftover(name, dir, say, signal);
      await shortenLog(logFile);
      const { command, args } = await plan.prepare(signal);
      signal.throwIfAborted();
      launched = await spawnGuarded({ command, args, cwd: dir, env: plan.env, logFile, graceSeconds });
      server = launched;
      await noteServer(name, dir, launched.pid);
      await waitUntilServing(plan, launched, logFile, signal);
      void reportCrash(launched);
    } catch (error) {
      if (launched !== null) {
        expectedToEnd = launched;
        await launched.end();
      }
      if (isFirst) {
        await claim?.release();
        claim = null;
      }
      throw error;
    }
  };

  const reportCrash = async (watched: GuardedProcess): Promise<void> => {
    const code = await watched.exited;
    if (watched !== expectedToEnd) say(`${name}: process ${watched.pid} ended by itself with ${code}; see ${logFile}`);
  };

  return {
    get pid() {
      return server?.pid ?? 0;
    },
    start: async (signal) => {
      if (starting !== null || server?.isRunning() === true) throw new Error(`${name} in ${dir} runs already`);
      const abort = new AbortController();
      const done = launch(signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]));
      starting = { abort, done };
      try {
        await done;
      } finally {
        starting = null;
      }
    },
    kill: async (signal) => {
      if (server === null) return;
      if (signal === 'SIGKILL' || signal === 'SIGTERM') expectedToEnd = server;
      server.kill(signal);
      if (signal === 'SIGKILL') await server.exited;
    },
    stop: async () => {
      if (starting !== null) {
        starting.abort.abort(new Error(`${name} is being stopped`));
        await starting.done.catch(() => {}); // told to whoever called start()
      }
      if (server !== null) {
        expectedToEnd = server;
        await server.end();
        await forgetServer(name, dir);
      }
      await claim?.release();
      claim = null;
    },
  };
};

/**
 * The first start of a server that chooses its own ports: between the choice and the server's own listen a stranger may
 * take one. `chooseAgain` says whether that happened, and forgets the choice.
 */
export const startOnOwnPorts = async (
  server: LocalServer,
  signal: AbortSignal | undefined,
  chooseAgain: () => Promise<boolean>,
): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await server.start(signal);
      return;
    } catch (error) {
      if (signal?.aborted || attempt === 3 || !(await chooseAgain())) throw error;
    }
  }
};

const waitUntilServing = async (
  plan: ServerPlan,
  server: GuardedProcess,
  logFile: string,
  signal: AbortSignal,
): Promise<void> => {
  const ended = new AbortController();
  void server.exited.then((code) => ended.abort(new Error(`it ended with ${code} before it served`)));
  const probe = async (): Promise<true> => {
    await plan.ask(server.pid);
    return true;
  };
  const options = { timeoutMs: readyTimeoutMs, intervalMs: 50, signal: AbortSignal.any([signal, ended.signal]) };
  const waiting = waitUntil(`${plan.name} to serve`, probe, options);
  try {
    await withProgress(plan.say, `waiting for ${plan.name} to serve`, waiting);
  } catch (error) {
    if (signal.aborted) throw error;
    const log = await readFile(logFile, 'utf8').catch(() => '');
    throw new Error(`${plan.name} in ${plan.dir} does not start. The end of ${logFile}:\n${lastLines(log)}`, {
      cause: error,
    });
  }
};

const shortenLog = async (logFile: string): Promise<void> => {
  await mkdir(join(logFile, '..'), { recursive: true });
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > logSizeMax) await rename(logFile, `${logFile}.1`);
};
