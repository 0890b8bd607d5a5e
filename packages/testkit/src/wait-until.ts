// Waits for a condition instead of sleeping: the only way in which tests, drills and the stack wait for something that
// gives no event. A probe that throws counts as "not yet"; its last error is named when the time is up.
import { setTimeout as pause } from 'node:timers/promises';

/** What a probe gives while the condition does not hold. */
export type NotYet = false | null | undefined;

export interface WaitUntilOptions {
  /** How long to wait in all. Default 10000. */
  readonly timeoutMs?: number;
  /** Pause between two probes. Default 25. */
  readonly intervalMs?: number;
  /** Ends the wait at once; the signal's reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Calls `probe` until it gives a truthy value and returns that value.
 *
 * Throws an Error that names `what`, the time waited and the last error of the probe when `timeoutMs` is over, also when
 * a probe never answers. Throws the signal's reason when `signal` aborts.
 */
export async function waitUntil<T>(
  what: string,
  probe: () => T | NotYet | Promise<T | NotYet>,
  options: WaitUntilOptions = {},
): Promise<Exclude<T, NotYet>> {
  const { timeoutMs = 10_000, intervalMs = 25, signal } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const end = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  const ended = new Promise<never>((_resolve, reject) => {
    end.addEventListener('abort', () => reject(end.reason), { once: true });
  });
  // The race below is not always listening when the signal aborts; the loop's own checks report it then.
  ended.catch(() => {});

  let lastError: unknown;
  while (!end.aborted) {
    try {
      const value = await Promise.race([probe(), ended]);
      // `Exclude` says what the truth test has shown; the compiler cannot narrow a type parameter by it.
      if (value) return value as Exclude<T, NotYet>;
    } catch (error) {
      if (!end.aborted) lastError = error;
    }
    await pause(intervalMs, undefined, { signal: end }).catch(() => {});
  }

  if (signal?.aborted) throw signal.reason;
  const because = lastError === undefined ? '' : `; the last error was: ${describe(lastError)}`;
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}${because}`, { cause: lastError });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
