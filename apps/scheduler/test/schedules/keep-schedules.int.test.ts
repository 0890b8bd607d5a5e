import { randomUUID } from 'node:crypto';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createBackfillStore } from '@stream-manager/shared/queues/backfill-store';
import { backfillJobId, createBackfills } from '@stream-manager/shared/queues/backfills';
import { openQueue, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { createScheduleKeeper } from '../../src/schedules/keep-schedules.ts';

describe('the keeper of schedules', () => {
  it('gives a backfill its job back that somebody removed', async () => {
    const keyPrefix = `t-${randomUUID().slice(0, 8)}`;
    const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
    const queue = openQueue(pollQueueAddress(keyPrefix), redis, () => {});
    const store = createBackfillStore(redis, keyPrefix);
    const backfills = createBackfills({ store, queue, now: Date.now });
    const keeper = createScheduleKeeper({
      queue,
      streams: { wantedSchedules: async () => [] },
      sourceIds: ['one', 'two'],
      backfills,
      logger: createLogger({ role: 'test', instance: 'test', level: 'silent' }),
    });
    try {
      await store.writeSlices(new Map([['two', 86_400_000]]));
      const request = { sourceId: 'two', fromMs: 0, toMs: 86_400_000, requestedBy: 'the test' };
      const answer = await backfills.request(request);
      if (answer.kind !== 'queued') throw new Error('expected a new backfill');
      const jobId = backfillJobId('two', answer.backfillId);
      await queue.remove(jobId);
      await keeper.start(new AbortController().signal);
      expect(await queue.getJobState(jobId)).toBe('prioritized');
      await queue.remove(jobId);
      keeper.reconcileSoon();
      await waitUntil('the job', async () => (await queue.getJobState(jobId)) === 'prioritized', { timeoutMs: 30_000 });
    } finally {
      await keeper.stop();
      await redis.del(await redis.keys(`${keyPrefix}:*`));
      await queue.close();
      redis.disconnect();
    }
  });
});
