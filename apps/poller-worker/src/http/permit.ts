// Waiting for the rate limit: a short wait is spent here, a long one is the poll's business, which can let its worker go
// meanwhile.
import { setTimeout as pause } from 'node:timers/promises';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { RateLimit } from './rate-limit.ts';

export interface PermitRequest {
  readonly target: string;
  /** The address as it may be shown in errors. */
  readonly place: string;
  readonly limitPerMinute: number;
  /** How long to wait here in all, in milliseconds. */
  readonly maxWaitMs: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Gives the ticket of one request. Rejects with `budget_exhausted` (with retryAfterMs), `stopped`, `redis_unreachable`. */
export const waitForPermit = async (rateLimit: RateLimit, request: PermitRequest): Promise<string> => {
  const { target, place, limitPerMinute, signal, now } = request;
  const deadlineMs = now() + request.maxWaitMs;
  for (;;) {
    const permit = await unlessStopped(rateLimit.acquire(target, limitPerMinute), signal, place);
    if (permit.granted) return permit.ticket;
    if (now() + permit.waitMs > deadlineMs) {
      const why =
        permit.reason === 'closed'
          ? 'the provider asked for a pause'
          : `the limit of ${limitPerMinute} requests per minute is used up`;
      throw new StreamManagerError('budget_exhausted', `${place}: ${why}`, { retryAfterMs: permit.waitMs });
    }
    await unlessStopped(pause(permit.waitMs, undefined, { signal }), signal, place);
  }
};

/** A wait that the signal ends with `stopped`, whatever the wait itself knows of signals. */
export const unlessStopped = async <T>(wait: Promise<T>, signal: AbortSignal, place: string): Promise<T> => {
  const stopped = (): StreamManagerError =>
    new StreamManagerError('stopped', `stopped before fetching ${place}`, { cause: signal.reason });
  if (signal.aborted) {
    wait.catch(() => {}); // its end does not matter any more
    throw stopped();
  }
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(stopped());
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([wait, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
};
