// The outermost layer of a process' main: signals, exit codes, and the one readable line when it cannot start.
// Exit codes: 0 ended as asked, 2 refused (bad config, missing secret, unsafe Redis), 1 anything else.
import { ConfigError } from '../config/config-error.ts';
import { formatConfigError } from '../config/format-config-error.ts';
import { codeOf, type ErrorCode, messageOf } from '../failures/errors.ts';
import { type ProcessOptions, startProcess } from './start-process.ts';

const refusals: ReadonlySet<ErrorCode | null> = new Set<ErrorCode>([
  'config_invalid',
  'secret_missing',
  'redis_unreachable',
  'redis_refused',
  'redis_unsafe',
  'source_unsupported',
]);

/** How an error that ends a process is told and what the process exits with. */
export const describeFatal = (error: unknown): { readonly text: string; readonly exitCode: 1 | 2 } => {
  if (error instanceof ConfigError) return { text: formatConfigError(error), exitCode: 2 };
  if (refusals.has(codeOf(error))) return { text: messageOf(error), exitCode: 2 };
  return { text: messageOf(error), exitCode: 1 };
};

/** One Ctrl-C can arrive twice (npm and `exec`): a repeat within this time is the same one. */
const sameSignalMs = 1_000;

/**
 * Calls `onFirst` for the first SIGINT or SIGTERM and `onSecond` for the next one after a second. Returns the undo.
 */
export const onStopSignals = (onFirst: (signal: NodeJS.Signals) => void, onSecond: () => void): (() => void) => {
  let firstAt: number | null = null;
  const handler = (signal: NodeJS.Signals): void => {
    if (firstAt === null) {
      firstAt = performance.now();
      onFirst(signal);
    } else if (performance.now() - firstAt > sameSignalMs) onSecond();
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return () => {
    process.off('SIGINT', handler);
    process.off('SIGTERM', handler);
  };
};

/** Runs a process until a signal ends it. Never returns: it exits. */
export const runProcess = async (options: Omit<ProcessOptions, 'signal' | 'env' | 'cwd'>): Promise<never> => {
  const startAbort = new AbortController();
  let requestStop: () => void = () => {};
  const stopRequested = new Promise<void>((resolve) => {
    requestStop = resolve;
  });
  onStopSignals(
    () => {
      startAbort.abort();
      requestStop();
    },
    () => process.exit(1),
  );
  try {
    const running = await startProcess({ ...options, env: process.env, cwd: process.cwd(), signal: startAbort.signal });
    const die = (error: unknown): void => {
      running.logger.fatal(
        { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
        'unexpected error',
      );
      process.exit(1);
    };
    process.on('uncaughtException', die);
    process.on('unhandledRejection', die);
    await stopRequested;
    const isClean = await running.stop();
    process.exit(isClean ? 0 : 1);
  } catch (error) {
    if (startAbort.signal.aborted) process.exit(0);
    const { text, exitCode } = describeFatal(error);
    process.stderr.write(`${options.role}: ${text}\n`);
    process.exit(exitCode);
  }
};
