// A revision of a record may become a letter again after its letter was replayed (11, 12, 11 again, and dropped or refused
// each time): under the same job id, and with a replay of its own. On a real dead-letter queue, whose jobs tell the lives apart.
import { randomBytes } from 'node:crypto';
import type { DeadLetterJobData, ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { after } from '@stream-manager/shared/ops/after';
import {
  deadLetterQueueAddress,
  openQueue,
  openWorker,
  pollQueueAddress,
  recordsQueueAddress,
} from '@stream-manager/shared/queues/bullmq';
import { addDeadLetters } from '@stream-manager/shared/queues/dead-letters';
import { createAskReparse } from '@stream-manager/shared/queues/dead-letters/ask-reparse';
import { retryLetter } from '@stream-manager/shared/queues/dead-letters/retry-letter';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job } from 'bullmq';
import { expect, inject, it } from 'vitest';
import { openDeadLetterQueue } from '../../src/dead-letters/run-letters.ts';
import { createRowParser } from '../row-parser.ts';

const sourceId = 'firms';
const at = '2026-01-04T10:00:00.000Z';
const limits = {
  maxRecords: 100,
  criticalReserve: 0,
  overflow: 'drop_oldest',
  dedupeWindowMs: 3_600_000,
  dedupeMaxIds: 1_000_000,
  publishCorrections: true,
} as const;
const job = { attempts: 3, backoff: { type: 'fixed' } } as const;
const patience = { timeoutMs: 40_000 };

/** The letters of one source, at work, and a poller that parses what it is asked for. */
const open = async () => {
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const redis = createRedis(inject('redisUrl'), { name: 'test', logger });
  await redis.connect();
  const store = createRedisChunkStore({ redis, keyPrefix });
  const letters = openQueue(deadLetterQueueAddress(keyPrefix, sourceId), redis, () => {});
  const records = openQueue(recordsQueueAddress(keyPrefix, sourceId), redis, () => {});
  const polls = openQueue(pollQueueAddress(keyPrefix), redis, () => {});
  const parsed: ReparseJobData[] = [];
  const parse = createRowParser({ store, recordsQueue: records }, { limits, job });
  const poller = openWorker(
    pollQueueAddress(keyPrefix),
    redis,
    async (row: Job<ReparseJobData>) => {
      parsed.push(row.data);
      await parse(row);
    },
    { concurrency: 1, name: 'poller' },
    () => {},
  );
  const work = openDeadLetterQueue(
    {
      redis,
      store,
      memory: { high: async () => null },
      reparse: createAskReparse({ redis, queue: polls }, { keyPrefix }),
      recordsQueue: () => records,
      ring: () => {},
      logger,
      after,
    },
    { sourceId, keyPrefix, workerName: 'test', limits, job, isRetired: false },
  );
  const stateOf = (jobId: string) => letters.getJobState(jobId);
  return {
    parsed,
    /** Adds a letter, lets it fail and be retried until it is gone; gives how many records that brought, and publishes them. */
    live: async (jobId: string, data: DeadLetterJobData): Promise<number> => {
      await addDeadLetters(letters, [{ jobId, data }], { added: async () => {} });
      await waitUntil('the letter to fail', async () => (await stateOf(jobId)) === 'failed', patience);
      expect(await retryLetter(letters, jobId)).toBe('retried');
      await waitUntil('the letter to be gone', async () => (await stateOf(jobId)) === 'unknown', patience);
      const chunks = await redis.zrange(sourceKeys(keyPrefix, sourceId).index, 0, -1);
      for (const chunkId of chunks) await store.settle(sourceId, chunkId, null, 1);
      return chunks.length;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([work.close(), poller.close()]);
      await Promise.all([letters.close(), records.close(), polls.close()]);
      const left = await redis.keys(`${keyPrefix}:*`);
      if (left.length > 0) await redis.unlink(...left);
      redis.disconnect();
    },
  };
};

const letter: DeadLetterJobData = {
  sourceId,
  code: 'dropped',
  reason: 'dropped',
  topic: null,
  attempts: [],
  firstFailedAt: at,
  lastFailedAt: at,
  pollId: 'poll-1',
  payloadVersion: 1,
  replays: 0,
};

it('replays a record whose revision is a letter again, as often as that happens', async () => {
  await using part = await open();
  const record = { id: 'AAAAAAAAAAAAAAAAAAAAAA', observedAt: at, priority: 'normal', data: { temperatureC: 11 } };
  const data = { ...letter, record, key: 'S1', contentHash: '0102030405060708', isCorrection: false };
  for (const life of [1, 2, 3])
    expect([life, await part.live('AAAAAAAAAAAAAAAAAAAAAA-010203-0', data)]).toEqual([life, 1]);
});

it('has a row parsed again whose letter is there again', async () => {
  await using part = await open();
  const data = { ...letter, code: 'invalid_row', raw: '7', rawContext: '' };
  expect(await part.live('row-abcdef-0', data)).toBe(1);
  // The record that it is now is known by its own id.
  expect(await part.live('row-abcdef-0', data)).toBe(0);
  expect(part.parsed.map(({ letterId }) => letterId)).toEqual(['row-abcdef-0', 'row-abcdef-0']);
});
