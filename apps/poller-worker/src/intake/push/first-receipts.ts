// When a body was received first. Rows without a time of their own get the time of their arrival, and a sender that got no
// answer sends the same body again: so that its rows are known then, the time is kept in Redis from before they are admitted
// until they are in. A body that is equal and comes after that is another one. With an `Idempotency-Key` of the sender's the
// time is kept for as long as ids are remembered, so that also an answer that was lost on its way doubles nothing.
import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** The first receipts of the bodies of one source. */
export interface FirstReceipts {
  /** The time for the rows of a body; `now` if it is new. */
  of(body: Buffer, idempotencyKey: string | undefined, now: number): Promise<FirstReceipt>;
}

/** A body that is on its way into the queues. */
export interface FirstReceipt {
  /** Milliseconds since the epoch. */
  readonly receivedAtMs: number;
  /** Its rows are in: an equal body is another one from now on. */
  done(): Promise<void>;
}

/** Creates it. `keyOf`: the Redis key of a body; `keepMs`: how long ids are remembered. */
export const createFirstReceipts = (
  redis: Redis,
  options: { readonly keyOf: (digest: string) => string; readonly keepMs: number },
): FirstReceipts => ({
  of: async (body, idempotencyKey, now) => {
    const what = idempotencyKey === undefined ? body : Buffer.from(`key\0${idempotencyKey}`);
    const key = options.keyOf(hash('sha256', what, 'base64url'));
    const kept = await redis.set(key, now, 'PX', options.keepMs, 'NX', 'GET');
    return {
      receivedAtMs: kept === null ? now : Number(kept),
      done: async () => {
        if (idempotencyKey === undefined) await redis.del(key);
      },
    };
  },
});
