// A server process that cannot outlive us: it runs under guard.sh, which stops it when our end of a pipe closes. It has a
// session of its own, so that a Ctrl-C in the terminal reaches us and not the server: it must live until we have drained.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const guardScript = fileURLToPath(new URL('./guard.sh', import.meta.url));

/** SIGSTOP freezes a server (its connections stay open), SIGCONT thaws it. */
export type ServerSignal = 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL';

export interface GuardedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Takes what the server prints; appended to. */
  readonly logFile: string;
  /** How long the server may take to stop by itself after SIGTERM, before SIGKILL. */
  readonly graceSeconds: number;
}

export interface GuardedProcess {
  /** Of the server, not of its guard. */
  readonly pid: number;
  /** Resolves with the exit code (128 + signal number after a signal). Never rejects. */
  readonly exited: Promise<number>;
  readonly isRunning: () => boolean;
  /** Sends a signal to the server; does nothing when it has ended. */
  readonly kill: (signal: ServerSignal) => void;
  /** SIGTERM, and SIGKILL after the grace time; resolves when the server has ended. */
  readonly end: () => Promise<void>;
}

/** Starts the command. Throws when the shell cannot be started; a command that fails shows by `exited` and in the log. */
export const spawnGuarded = async (plan: GuardedCommand): Promise<GuardedProcess> => {
  const args = [guardScript, plan.logFile, String(plan.graceSeconds), plan.command, ...plan.args];
  const guard = spawn('/bin/sh', args, {
    cwd: plan.cwd,
    env: plan.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let isRunning = true;
  const exited = new Promise<number>((resolve) => {
    guard.once('exit', (code) => {
      isRunning = false;
      guard.stdin.destroy();
      resolve(code ?? 1);
    });
  });
  guard.stdin.on('error', () => {}); // the guard's end closes when it exits, which `exited` tells
  await once(guard, 'spawn');
  const firstLine = createInterface({ input: guard.stdout });
  const pid = Number(
    await Promise.race([once(firstLine, 'line').then(([line]) => String(line)), exited.then(() => Number.NaN)]),
  );
  firstLine.close();
  if (!Number.isInteger(pid)) throw new Error(`${plan.command} could not be started: its guard ended (${guardScript})`);

  const kill = (signal: ServerSignal): void => {
    if (!isRunning) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the check and the call; `exited` tells.
    }
  };
  return {
    pid,
    exited,
    isRunning: () => isRunning,
    kill,
    end: async () => {
      kill('SIGTERM');
      kill('SIGCONT'); // a frozen server takes its SIGTERM only when it is thawed
      const isOver = new AbortController();
      const grace = pause(plan.graceSeconds * 1_000, undefined, { signal: isOver.signal }).then(
        () => kill('SIGKILL'),
        () => {}, // it ended in time
      );
      await exited;
      isOver.abort();
      await grace;
    },
  };
};
