// A producer worker as it is composed: it lets waiting chunks rise, and makes letters of what a killed poller's drop has left.
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, it } from 'vitest';
import { numberedRecords, openProducer, sourceId } from '../producer-bundle.ts';

it('a chunk that waits in a paused queue rises as its source says, and no further than high', {
  timeout: 60_000,
}, async () => {
  await using producer = await openProducer({ config: { queue: { agingSeconds: 1 } } });
  await producer.createTopic();
  await producer.records.pause();
  const chunkId = await producer.enqueue(numberedRecords(0, 3), { priority: 4 });
  await producer.startWorker();
  const prioritized = producer.records.toKey('prioritized');
  await waitUntil(
    'the chunk to rise',
    async () => Math.floor(Number(await producer.redis.zscore(prioritized, chunkId)) / 2 ** 32) === 2,
    { timeoutMs: 30_000 },
  );
  await producer.records.resume();
  await producer.drained();
  expect(await producer.stored()).toHaveLength(3);
});

it('what a killed poller has left of dropped records becomes letters, shown as failed', {
  timeout: 60_000,
}, async () => {
  await using producer = await openProducer();
  await producer.createTopic();
  await producer.records.pause();
  const limits = {
    maxRecords: 5,
    criticalReserve: 0,
    overflow: 'drop_oldest',
    keepDropped: true,
    dedupeWindowMs: 3_600_000,
    dedupeMaxIds: 1_000_000,
    publishCorrections: true,
  } as const;
  for (const [at, chunkId] of ['first', 'second'].entries()) {
    const records = numberedRecords(at * 5, 5);
    await producer.store.admit({ sourceId, chunkId, priority: 3, limits, records, pollId: 'p' });
  }
  await producer.redis.zincrby(sourceKeys(producer.config.redis.keyPrefix, sourceId).droppedChunks, -10_000, 'first');
  await producer.startWorker();
  await waitUntil(
    'the letters to be shown as failed',
    async () => (await producer.deadLetters.getFailedCount()) === 5,
    {
      timeoutMs: 30_000,
    },
  );
  const [letter] = await producer.deadLetters.getFailed();
  expect(letter?.failedReason).toBe(
    'dropped for newer or more urgent records: the queue was full (queue.overflow: drop_oldest)',
  );
  await producer.records.resume();
  await producer.drained();
  // The dropped five wait in the letters; the others are published.
  expect(await producer.stored()).toHaveLength(5);
});
