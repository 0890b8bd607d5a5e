// The failed letters of a source in Redis, those that a person can replay or discard: how many there are, up to when, and
// their end. A letter's age is the time at which its job failed, the score of BullMQ's failed set.
import type { Redis } from 'ioredis';
import { deadLetterQueueAddress } from '../bullmq.ts';
import { sourceKeys } from '../keys.ts';
import { valuesOfPipeline } from '../pipeline-replies.ts';
import { millisecondsOf } from '../redis-time.ts';
import { listOf, numberOf, runScript } from '../script-runner.ts';
import { maxRemovedLetters, removeLettersScript } from '../scripts/remove-letters.ts';

/** Counts and removes failed letters. Every method rejects with what Redis answered. */
export interface FailedLetters {
  /**
   * The time of Redis, in milliseconds since the epoch: what an age is reckoned by. The clock of a process may be weeks
   * ahead, and would end every letter.
   */
  now(): Promise<number>;
  /** Letters of each source that failed at `at` or before; one pipeline, logarithmic time. */
  countUntil(sourceIds: readonly string[], at: number): Promise<ReadonlyMap<string, number>>;
  /** Removes letters by job id; of each whether it was there and failed. At most 500 a round trip. */
  remove(sourceId: string, jobIds: readonly string[]): Promise<readonly boolean[]>;
  /** Removes up to `limit` letters that failed at `at` or before, the oldest first; gives how many. */
  removeUntil(sourceId: string, at: number, limit: number): Promise<number>;
}

/** Creates them on a shared connection. */
export const createFailedLetters = (redis: Redis, keyPrefix: string): FailedLetters => {
  const queueKey = (sourceId: string): string => {
    const { prefix, name } = deadLetterQueueAddress(keyPrefix, sourceId);
    return `${prefix}:${name}`;
  };
  const removePart = async (
    sourceId: string,
    jobIds: readonly string[],
    latest: number | '',
  ): Promise<readonly boolean[]> => {
    const key = queueKey(sourceId);
    const keys = [`${key}:failed`, sourceKeys(keyPrefix, sourceId).letters];
    const reply = await runScript(redis, removeLettersScript, keys, [`${key}:`, latest, ...jobIds]);
    return listOf(reply).map((one) => numberOf(one) === 1);
  };
  return {
    now: async () => millisecondsOf(await redis.time()),
    countUntil: async (sourceIds, at) => {
      const pipeline = redis.pipeline();
      for (const sourceId of sourceIds) pipeline.zcount(`${queueKey(sourceId)}:failed`, '-inf', at);
      const values = valuesOfPipeline(await pipeline.exec());
      return new Map(sourceIds.map((sourceId, index) => [sourceId, Number(values[index])]));
    },
    remove: async (sourceId, jobIds) => {
      const removed: boolean[] = [];
      for (let from = 0; from < jobIds.length; from += maxRemovedLetters)
        removed.push(...(await removePart(sourceId, jobIds.slice(from, from + maxRemovedLetters), '')));
      return removed;
    },
    removeUntil: async (sourceId, at, limit) => {
      let removed = 0;
      while (removed < limit) {
        const page = Math.min(maxRemovedLetters, limit - removed);
        const ids = await redis.zrangebyscore(`${queueKey(sourceId)}:failed`, '-inf', at, 'LIMIT', 0, page);
        if (ids.length === 0) break;
        removed += (await removePart(sourceId, ids, at)).filter(Boolean).length;
        if (ids.length < page) break;
      }
      return removed;
    },
  };
};
