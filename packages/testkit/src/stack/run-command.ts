// Runs one command to its end, bounded in time and in output: package clients and version questions, never servers.
import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Longest run. Default 600000 (a download on a slow line). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Of each output the last so many characters are kept. */
const keptCharacters = 200_000;

/**
 * Gives the output of `command` when it exits with 0. Throws an Error with the exit code and the last lines of its output
 * otherwise, when it cannot be started, and when the time is over; the signal's reason when `signal` aborts.
 */
export const runCommand = async (
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> => {
  const { timeoutMs = 600_000, signal } = options;
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-keptCharacters);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptCharacters);
  });
  const code = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, exitSignal) => resolve(exitCode ?? exitSignal ?? 'unknown'));
  }).catch((error: unknown) => {
    if (signal?.aborted) throw signal.reason;
    if (timeout.aborted) throw new Error(`${command} took more than ${timeoutMs / 1_000} s and was ended`);
    throw new Error(`${command} could not be started`, { cause: error });
  });
  if (code !== 0) {
    const output = lastLines(stderr.trim() === '' ? stdout : stderr);
    throw new Error(`${command} ended with ${code}${output === '' ? '' : `:\n${output}`}`);
  }
  return { stdout, stderr };
};

/** The last lines of a program's output, indented, for an error message; without the frames of Java's stack traces. */
export const lastLines = (text: string, count = 12): string =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
    .slice(-count)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n')
    .trimEnd();
