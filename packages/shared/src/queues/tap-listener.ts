// The listening end of the tap: a mark in Redis that is renewed while somebody listens, and a connection of its own per
// listener, as pub/sub needs one. When the listener dies, its mark expires, and nothing is sent any more.
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { messageOf } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { fleetKeys } from './keys.ts';
import { valuesOfPipeline } from './pipeline-replies.ts';
import { millisecondsOf } from './redis-time.ts';
import { type TapBatch, type TapStage, tapMark } from './tap.ts';

/** A mark lives for this long, and is renewed three times in it, in milliseconds. */
const markLivesMs = 15_000;
const renewMs = 5_000;

/** Listens at borders. */
export interface TapListener {
  /**
   * Calls back with what passes, until the returned function is called. Resolves when nothing more can be missed but
   * what processes send before their next look (a second). Rejects when Redis does.
   */
  listen(sourceId: string, stage: TapStage, onBatch: (batch: TapBatch) => void): Promise<() => Promise<void>>;
}

const parseBatch = (message: string): TapBatch => {
  // Written by createTap, here or in another version that knows more fields.
  const { records = [], skipped = 0 } = JSON.parse(message) as Partial<TapBatch>;
  return { records, skipped };
};

/** Creates the listening end on a shared connection. */
export const createTapListener = (
  deps: { readonly redis: Redis; readonly logger: Pick<Logger, 'debug'> },
  { keyPrefix }: { readonly keyPrefix: string },
): TapListener => {
  const keys = fleetKeys(keyPrefix);
  const report = (error: unknown): void => deps.logger.debug({ error: messageOf(error) }, 'tap failed');

  const renew = async (mark: string): Promise<void> => {
    const nowMs = millisecondsOf(await deps.redis.time());
    const replies = await deps.redis
      .pipeline()
      .zremrangebyscore(keys.tapped, '-inf', nowMs)
      .zadd(keys.tapped, nowMs + markLivesMs, mark)
      .pexpire(keys.tapped, markLivesMs)
      .exec();
    valuesOfPipeline(replies);
  };

  return {
    listen: async (sourceId, stage, onBatch) => {
      const mark = tapMark(sourceId, stage, randomUUID());
      const subscriber = deps.redis.duplicate();
      subscriber.on('error', report);
      subscriber.on('message', (_channel: string, message: string) => {
        try {
          onBatch(parseBatch(message));
        } catch (error) {
          report(error);
        }
      });
      try {
        await subscriber.subscribe(keys.tap(sourceId, stage));
        await renew(mark);
      } catch (error) {
        subscriber.disconnect();
        throw error;
      }
      const timer = setInterval(() => void renew(mark).catch(report), renewMs);
      return async () => {
        clearInterval(timer);
        subscriber.disconnect();
        // Whatever becomes of this, the mark expires.
        if (deps.redis.status === 'ready') await deps.redis.zrem(keys.tapped, mark).catch(report);
      };
    },
  };
};
