// Leave to send one request: its host's share of the slots, then the rate limit. A short wait is spent here, a long one is
// the poll's business, which can let its worker go meanwhile. While it waits for the limit, it holds nothing of the share.
import { setTimeout as pause } from 'node:timers/promises';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { RateLimit } from './rate-limit.ts';

/** A request that is to be sent. */
export interface LeaveRequest {
  readonly target: string;
  /** The address as it may be shown in errors. */
  readonly place: string;
  readonly limitPerMinute: number;
  /** Enters its host's share; gives how to leave. Rejects with `host_busy`, `stopped`. */
  readonly enter: () => Promise<() => void>;
  /** How long to wait here for the limit, in milliseconds. */
  readonly maxWaitMs: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Leave to send one request. */
export interface Leave {
  readonly ticket: string;
  /** To be called when nothing of the request goes on any more. Idempotent. */
  readonly leave: () => void;
}

/** Rejects with `host_busy`, `budget_exhausted` (with retryAfterMs), `stopped`, `redis_unreachable`; then nothing is held. */
export const waitForLeave = async (rateLimit: RateLimit, request: LeaveRequest): Promise<Leave> => {
  const { target, place, limitPerMinute, signal, now } = request;
  let deadlineMs: number | null = null;
  for (;;) {
    const leave = await request.enter();
    // The wait for the host's share is none for the limit.
    deadlineMs ??= now() + request.maxWaitMs;
    const permit = await unlessStopped(rateLimit.acquire(target, limitPerMinute), signal, place).catch(
      (error: unknown) => {
        leave();
        throw error;
      },
    );
    if (permit.granted) return { ticket: permit.ticket, leave };
    leave();
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
