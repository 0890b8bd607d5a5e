import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import type { SendFailure } from '../../src/delivery/publish.ts';
import { openQueueWith } from '../open-queue.ts';
import { numberedRecord, numberedRecords, openProducer, sourceId } from '../producer-bundle.ts';

const other = (indexes: readonly number[]): SendFailure => ({
  outcome: 'other',
  code: 'SOMETHING_NEW',
  message: 'not now',
  indexes,
});

describe('openRecordsQueue', () => {
  it('sends only what is left again after each backoff, and makes letters of what fails in the last attempt', async () => {
    await using producer = await openProducer();
    const sends: number[] = [];
    const chunkId = await producer.enqueue(numberedRecords(0, 4));
    await using queue = openQueueWith(producer, async (records) => {
      sends.push(records.length);
      // The last record never passes; the one before it passes the second time.
      return sends.length === 1 ? [other([2, 3])] : [other([records.length - 1])];
    });
    await producer.drained();
    expect(sends).toEqual([4, 2, 1]);
    expect(queue.letters).toHaveLength(1);
    const { data, jobId } = queue.letters[0] ?? { data: null, jobId: '' };
    expect(jobId).toContain(numberedRecord(3).id.toString('base64url'));
    expect(data).toMatchObject({ code: 'SOMETHING_NEW', reason: 'not now (after 3 attempts)' });
    expect(data?.attempts).toHaveLength(3);
    expect(await producer.records.getJob(chunkId)).toBeUndefined();
    expect((await producer.store.totals([sourceId])).get(sourceId)?.published).toBe(3);
  });

  it('leaves the wait before the next attempt to BullMQ, so that a crash does not forget it', async () => {
    await using producer = await openProducer();
    const chunkId = await producer.enqueue(numberedRecords(0, 2));
    await using queue = openQueueWith(producer, async () => [other([0])], { backoffMs: [3_600_000] });
    await waitUntil('the chunk to be delayed', async () => (await producer.records.getDelayedCount()) === 1);
    const job = await producer.records.getJob(chunkId);
    expect(job).toMatchObject({ attemptsMade: 1, delay: 3_600_000, failedReason: 'not now' });
    expect((await producer.store.take(sourceId, chunkId))?.tries).toMatchObject({
      made: 1,
      attempts: [{ error: 'not now' }],
    });
    expect(queue.letters).toEqual([]);
  });

  it('uses no attempt while nothing is wrong with the records', async () => {
    await using producer = await openProducer();
    let sends = 0;
    const chunkId = await producer.enqueue(numberedRecords(0, 2));
    await using queue = openQueueWith(producer, async () => {
      sends += 1;
      return [{ outcome: 'outage', code: 'LEADER_NOT_AVAILABLE', message: 'no leader', indexes: [0, 1] }];
    });
    await waitUntil('more sends than there are attempts', () => sends >= 4, { timeoutMs: 20_000 });
    const job = await producer.records.getJob(chunkId);
    expect(job?.attemptsMade).toBe(0);
    expect(queue.letters).toEqual([]);
  });

  it('holds no more records than it has room for, whatever waits', async () => {
    await using producer = await openProducer();
    for (let from = 0; from < 10_000; from += 500) await producer.enqueue(numberedRecords(from, 500));
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let mostActive = 0;
    await using queue = openQueueWith(producer, async () => {
      mostActive = Math.max(mostActive, await producer.records.getActiveCount());
      await released;
      mostActive = Math.max(mostActive, await producer.records.getActiveCount());
      return [];
    });
    await waitUntil('the room to be used up', async () => (await producer.records.getActiveCount()) === 5);
    release();
    await producer.drained();
    expect(mostActive).toBeLessThanOrEqual(6);
    expect(queue.letters).toEqual([]);
  });

  it('lets a chunk go without a send when its lock was lost while it waited behind a slow one', async () => {
    await using producer = await openProducer();
    const sent: number[] = [];
    let release: () => void = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    await producer.enqueue(numberedRecords(0, 1), { priority: 1 });
    await using queue = openQueueWith(producer, async (records) => {
      sent.push(records.length);
      if (sent.length === 1) await slow;
      return [];
    });
    await waitUntil('the first send', () => sent.length === 1);
    const chunkId = await producer.enqueue(numberedRecords(1, 2));
    await waitUntil('the second chunk to be held', async () => (await producer.records.getActiveCount()) === 2);
    const heldAt = performance.now();
    // Another worker holds it now: this one stood still for longer than its lock lasted.
    const prefix = `${producer.config.redis.keyPrefix}:{${sourceId}}:records.${sourceId}`;
    await producer.redis.set(`${prefix}:${chunkId}:lock`, 'another', 'PX', 60_000);
    await waitUntil('half of the duration of the lock', () => performance.now() - heldAt > 5_200, {
      timeoutMs: 20_000,
    });
    release();
    await waitUntil('the first chunk to be done', async () => (await producer.records.getActiveCount()) === 1);
    expect((await producer.store.counts([sourceId])).get(sourceId)?.total).toBe(2);
    expect(sent).toEqual([1]);
    expect(queue.letters).toEqual([]);
  }, 40_000);
});
