// Dead letters of one source on a real Redis: a queue of its own, letters by number, and a worker that fails them as the
// producers do.
import { randomUUID } from 'node:crypto';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { type Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import type { DeadLetterJobData } from '../../../src/jobs/payloads.ts';
import { deadLetterQueueAddress, openQueue } from '../../../src/queues/bullmq.ts';
import { createLetterStocks } from '../../../src/queues/dead-letters/letter-stock.ts';
import { addDeadLetters, type DeadLetter } from '../../../src/queues/dead-letters.ts';
import { jobFailsForGood } from '../../../src/queues/job-endings.ts';

/** A letter whose record has this number; job id `letter-<n>-0`. */
export const letterOf = (sourceId: string, n: number, changes: Partial<DeadLetterJobData> = {}): DeadLetter => {
  const at = '2026-01-04T10:00:00.000Z';
  const data: DeadLetterJobData = {
    sourceId,
    code: 'publish_failed',
    reason: `refused ${n}`,
    topic: 'a-topic',
    record: { id: `record-${n}`, sourceId, data: { n, text: 'ü' } },
    attempts: [{ at, error: `refused ${n}` }],
    firstFailedAt: at,
    lastFailedAt: at,
    pollId: 'poll-1',
    payloadVersion: 1,
    replays: 0,
    ...changes,
  };
  return { jobId: `letter-${n}-0`, data };
};

/** Opens the letters of `sourceIds` (default one); `await using` closes everything and removes all keys. */
export const openLetters = (sourceIds: readonly string[] = ['firms'], redisUrl = inject('redisUrl')) => {
  const keyPrefix = `letters-${randomUUID().slice(0, 8)}`;
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const stocks = createLetterStocks(redis, keyPrefix);
  const queues = new Map<string, Queue>(
    sourceIds.map((id) => [id, openQueue(deadLetterQueueAddress(keyPrefix, id), redis, () => {})]),
  );
  const queue = (sourceId = sourceIds[0]!): Queue => queues.get(sourceId)!;
  return {
    keyPrefix,
    redis,
    stocks,
    queue,
    /** Adds letters that wait for their first run. */
    add: (letters: readonly DeadLetter[]) => addDeadLetters(queue(letters[0]!.data.sourceId), letters, stocks),
    /** Runs all that wait: a first run fails with the reason, a later one completes, as with the producers. */
    failAll: async (sourceId = sourceIds[0]!): Promise<void> => {
      const { name, prefix } = deadLetterQueueAddress(keyPrefix, sourceId);
      const worker = new Worker(
        name,
        async (job) => {
          if (job.attemptsMade === 0) throw jobFailsForGood(String(job.data.reason));
        },
        { connection: redis.duplicate(), prefix, concurrency: 50 },
      );
      worker.on('error', () => {});
      await waitUntil('all letters to be failed', async () => {
        const counts = await queue(sourceId).getJobCounts('wait', 'active', 'delayed', 'prioritized');
        return Object.values(counts).every((count) => count === 0);
      });
      await worker.close();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...queues.values()].map((opened) => opened.close()));
      for await (const keys of redis.scanStream({ match: `${keyPrefix}:*` }) as AsyncIterable<string[]>)
        if (keys.length > 0) await redis.unlink(...keys);
      redis.disconnect();
    },
  };
};
