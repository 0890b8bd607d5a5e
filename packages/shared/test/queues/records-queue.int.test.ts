import { waitUntil } from '@stream-manager/testkit/wait-until';
import { UnrecoverableError } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { addChunkJobs, removeEvictedJobs, sweepSource } from '../../src/queues/records-queue.ts';
import { faultsOf } from './chunk-store-bundle.ts';
import { jobOptions, openRecordsQueue, type RecordsQueueBundle } from './records-queue-bundle.ts';
import { limitsWith, record, records } from './small-records.ts';

const sweep = (bundle: RecordsQueueBundle, healLostJobs = false) =>
  sweepSource(bundle, { sourceId: bundle.sourceId, job: jobOptions, healLostJobs });

const nothing = { added: 0, removed: 0, healed: 0, failed: [] };

describe('addChunkJobs', () => {
  it('adds a job with the chunk as its id, the class as its priority, and no records in it', async () => {
    await using bundle = openRecordsQueue();
    const chunk = { chunkId: 'c1', records: 500, priority: 2, pollId: 'poll-7', sample: [1, 2, 3, 4, 5] } as const;
    await addChunkJobs(bundle.queue, [chunk], { attempts: 6, backoff: { type: 'exponential', delay: 1000 } });
    const job = await bundle.queue.getJob('c1');
    expect(job?.name).toBe('chunk');
    expect(job?.data).toEqual({ records: 500, priority: 2, pollId: 'poll-7', payloadVersion: 1, sample: [1, 2, 3] });
    expect(job?.opts).toMatchObject({
      attempts: 6,
      priority: 2,
      removeOnComplete: true,
      removeOnFail: false,
      backoff: { type: 'exponential', delay: 1000 },
    });
  });

  it('adds any number, in several round trips, and leaves what is there as it is', async () => {
    await using bundle = openRecordsQueue();
    const chunks = Array.from(
      { length: 1100 },
      (_, at) => ({ chunkId: `c${at}`, records: 1, priority: 3, pollId: 'p', sample: [] }) as const,
    );
    await addChunkJobs(bundle.queue, [{ ...chunks[0]!, sample: ['first'] }], jobOptions);
    await addChunkJobs(bundle.queue, chunks, jobOptions);
    expect(await bundle.queue.getPrioritizedCount()).toBe(1100);
    expect((await bundle.queue.getJob('c0'))?.data.sample).toEqual(['first']);
  });

  it('adds nothing for nothing', async () => {
    await using bundle = openRecordsQueue();
    await addChunkJobs(bundle.queue, [], jobOptions);
    expect(await bundle.queue.getPrioritizedCount()).toBe(0);
  });
});

describe('removeEvictedJobs', () => {
  it('removes the jobs of evicted chunks and passes over those that are gone', async () => {
    await using bundle = openRecordsQueue();
    await bundle.enqueue(records(1, 3), { chunkId: 'old' });
    await bundle.enqueue(records(4, 3), { chunkId: 'young' });
    const limits = limitsWith({ maxRecords: 6, overflow: 'drop_oldest' });
    const admitted = await bundle.admit(records(7, 3), { limits });
    if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
    for (let time = 0; time < 2; time++) await removeEvictedJobs(bundle.queue, admitted.evicted);
    expect((await bundle.queue.getPrioritized()).map((job) => job.id)).toEqual(['young']);
  });

  it('leaves a job that a worker has taken meanwhile', async () => {
    await using bundle = openRecordsQueue();
    const { promise: stop, resolve } = Promise.withResolvers<void>();
    bundle.work(() => stop);
    await bundle.enqueue(records(1, 3), { chunkId: 'c1' });
    await waitUntil('the job to run', () => bundle.queue.getJobState('c1').then((state) => state === 'active'));
    await removeEvictedJobs(bundle.queue, [{ chunkId: 'c1', records: 3, priority: 3 }]);
    expect(await bundle.queue.getJobState('c1')).toBe('active');
    resolve();
  });
});

describe('sweep', () => {
  it('finds nothing in a source at peace, in one call', async () => {
    await using bundle = openRecordsQueue();
    for (let at = 0; at < 5; at++) await bundle.enqueue([record(at)]);
    expect(await bundle.store.sweep(bundle.sourceId, 0, 500)).toEqual({
      missing: [],
      orphans: [],
      failed: [],
      next: null,
    });
    expect(await sweep(bundle)).toEqual(nothing);
    expect(await bundle.queue.getPrioritizedCount()).toBe(5);
  });

  it('adds the job of a chunk that has none, with class and count from the chunk', async () => {
    await using bundle = openRecordsQueue();
    await bundle.admit(records(1, 5), { chunkId: 'c1', priority: 2 });
    await bundle.store.settle(bundle.sourceId, 'c1', Buffer.from([0b1100_0000]), 2);
    expect(await sweep(bundle)).toEqual({ ...nothing, added: 1 });
    expect(await sweep(bundle)).toEqual(nothing);
    const job = await bundle.queue.getJob('c1');
    expect(job?.data).toEqual({ records: 3, priority: 2, pollId: 'poll-1', payloadVersion: 1, sample: [] });
    expect(job?.opts).toMatchObject({ priority: 2, attempts: 3, removeOnComplete: true });
  });

  it('removes jobs without a chunk from prioritized, wait and delayed', async () => {
    await using bundle = openRecordsQueue();
    const orphans = ['in-prioritized', 'in-wait', 'in-delayed'];
    for (const [at, chunkId] of [...orphans, 'alive'].entries()) await bundle.enqueue([record(at)], { chunkId });
    // As a stalled job comes back, and as a backoff leaves one.
    await bundle.redis.zrem(`${bundle.jobs}prioritized`, 'in-wait', 'in-delayed');
    await bundle.redis.rpush(`${bundle.jobs}wait`, 'in-wait');
    await bundle.redis.zadd(`${bundle.jobs}delayed`, 9e15, 'in-delayed');
    for (const chunkId of orphans) await bundle.store.settle(bundle.sourceId, chunkId, null, 1);
    expect(await sweep(bundle)).toEqual({ ...nothing, removed: 3 });
    expect(await bundle.queue.getJobCountByTypes('wait', 'prioritized', 'delayed')).toBe(1);
    expect(await bundle.redis.exists(...orphans.map((chunkId) => bundle.jobs + chunkId))).toBe(0);
  });

  it('leaves a job alone that runs, with or without a chunk', async () => {
    await using bundle = openRecordsQueue();
    const { promise: stop, resolve } = Promise.withResolvers<void>();
    bundle.work(() => stop);
    await bundle.enqueue(records(1, 3), { chunkId: 'c1' });
    await waitUntil('the job to run', () => bundle.queue.getJobState('c1').then((state) => state === 'active'));
    expect(await sweep(bundle, true)).toEqual(nothing);
    await bundle.store.settle(bundle.sourceId, 'c1', null, 3);
    expect(await sweep(bundle, true)).toEqual(nothing);
    resolve();
    await waitUntil('the job to complete', () => bundle.queue.getJob('c1').then((job) => job === undefined));
  });

  it('names failed jobs whose chunk is there, leaves them, and removes failed jobs without one', async () => {
    await using bundle = openRecordsQueue();
    await bundle.enqueue(records(1, 3), { chunkId: 'dead' });
    await bundle.enqueue(records(4, 3), { chunkId: 'settled' });
    bundle.work(() => Promise.reject(new UnrecoverableError('refused by a test')));
    await waitUntil('both to fail', () => bundle.queue.getFailedCount().then((count) => count === 2));
    await bundle.store.settle(bundle.sourceId, 'settled', null, 3);
    expect(await sweep(bundle)).toEqual({ ...nothing, removed: 1, failed: ['dead'] });
    expect(await sweep(bundle)).toEqual({ ...nothing, failed: ['dead'] });
    expect(await bundle.queue.getJob('settled')).toBeUndefined();
  });

  it('brings back what was emptied, removed or obliterated in the dashboard', async () => {
    await using bundle = openRecordsQueue();
    for (let at = 0; at < 6; at++) await bundle.enqueue([record(at)], { chunkId: `c${at}` });
    await bundle.queue.drain(true);
    expect(await sweep(bundle)).toEqual({ ...nothing, added: 6 });
    await bundle.queue.remove('c1');
    expect(await sweep(bundle)).toEqual({ ...nothing, added: 1 });
    await bundle.queue.obliterate({ force: true });
    expect(await sweep(bundle)).toEqual({ ...nothing, added: 6 });
    expect(await bundle.queue.getPrioritizedCount()).toBe(6);
  });

  it('removes a copy of a job that somebody made in the dashboard: it has no chunk', async () => {
    await using bundle = openRecordsQueue();
    const chunkId = await bundle.enqueue([record(1)]);
    const job = await bundle.queue.getJob(chunkId);
    await bundle.queue.add('chunk', job!.data, { priority: 3 });
    expect(await sweep(bundle)).toEqual({ ...nothing, removed: 1 });
    expect((await bundle.queue.getPrioritized()).map((left) => left.id)).toEqual([chunkId]);
  });

  it('goes through any number of entries by pages, none larger than 500, and misses none', async () => {
    await using bundle = openRecordsQueue();
    const limits = limitsWith({ maxRecords: 5000 });
    const ids = Array.from({ length: 1700 }, (_, at) => `c${at}`);
    await Promise.all(
      ids.map((chunkId, at) => bundle.admit([record(at)], { chunkId, limits, priority: at % 2 === 0 ? 3 : 1 })),
    );
    await addChunkJobs(
      bundle.queue,
      ids.slice(0, 900).map((chunkId) => ({ chunkId, records: 1, priority: 3, pollId: 'p', sample: [] }) as const),
      jobOptions,
    );
    const orphans = Array.from({ length: 1300 }, (_, at) => `orphan${at}`);
    await addChunkJobs(
      bundle.queue,
      orphans.map((chunkId) => ({ chunkId, records: 1, priority: 2, pollId: 'p', sample: [] }) as const),
      jobOptions,
    );

    const found = { missing: new Set<string>(), orphans: new Set<string>() };
    let calls = 0;
    for (let cursor: number | null = 0; cursor !== null; calls++) {
      const page = await bundle.store.sweep(bundle.sourceId, cursor, 10_000);
      expect(page.missing.length + page.orphans.length).toBeLessThanOrEqual(500);
      for (const chunk of page.missing) found.missing.add(chunk.chunkId);
      for (const orphan of page.orphans) found.orphans.add(orphan);
      cursor = page.next;
    }
    expect(calls).toBe(Math.ceil((1700 + 2200) / 500));
    expect(found.missing).toEqual(new Set(ids.slice(900)));
    expect(found.orphans).toEqual(new Set(orphans));

    expect(await sweep(bundle)).toEqual({ ...nothing, added: 800, removed: 1300 });
    expect(await sweep(bundle)).toEqual(nothing);
    expect(await bundle.queue.getPrioritizedCount()).toBe(1700);
  });

  it('may run in several processes at once', async () => {
    await using bundle = openRecordsQueue();
    for (let at = 0; at < 300; at++) await bundle.admit([record(at)]);
    await addChunkJobs(
      bundle.queue,
      records(0, 300).map(
        (_, at) => ({ chunkId: `orphan${at}`, records: 1, priority: 3, pollId: 'p', sample: [] }) as const,
      ),
      jobOptions,
    );
    await Promise.all(Array.from({ length: 5 }, () => sweep(bundle, true)));
    expect(await sweep(bundle, true)).toEqual(nothing);
    expect(await bundle.queue.getPrioritizedCount()).toBe(300);
    expect(faultsOf(await bundle.picture(), 1000)).toEqual([]);
  });

  it('ends between two pages when it is asked to', async () => {
    await using bundle = openRecordsQueue();
    await bundle.admit([record(1)]);
    const reason = new Error('stopping');
    const options = { sourceId: bundle.sourceId, job: jobOptions, signal: AbortSignal.abort(reason) };
    await expect(sweepSource(bundle, options)).rejects.toBe(reason);
    expect(await bundle.queue.getPrioritizedCount()).toBe(0);
  });
});

describe('lost jobs', () => {
  it('are jobs in no list that nobody holds; healing brings them back', async () => {
    await using bundle = openRecordsQueue();
    const chunkIds = ['lost', 'lost2', 'fine', 'held', 'completed-1'];
    for (const [at, chunkId] of chunkIds.entries()) await bundle.enqueue([record(at)], { chunkId });
    await bundle.redis.zrem(`${bundle.jobs}prioritized`, 'lost', 'lost2', 'held', 'completed-1');
    await bundle.redis.zadd(`${bundle.jobs}completed`, 1, 'completed-1');
    await bundle.hold('held');
    expect([...(await bundle.store.lostJobs(bundle.sourceId))].sort()).toEqual(['completed-1', 'lost', 'lost2']);
    expect(await sweep(bundle)).toEqual(nothing);
    expect(await sweep(bundle, true)).toEqual({ ...nothing, added: 3, healed: 3 });
    expect(await bundle.store.lostJobs(bundle.sourceId)).toEqual([]);
    const waiting = (await bundle.queue.getPrioritized()).map((job) => job.id);
    expect(new Set(waiting)).toEqual(new Set(['completed-1', 'fine', 'lost', 'lost2']));
  });

  it('are not those in wait, active, delayed or failed', async () => {
    await using bundle = openRecordsQueue();
    for (const [at, list] of ['wait', 'active', 'delayed', 'failed'].entries()) {
      const chunkId = await bundle.enqueue([record(at)]);
      await bundle.redis.zrem(`${bundle.jobs}prioritized`, chunkId);
      const isList = list === 'wait' || list === 'active';
      await (isList
        ? bundle.redis.lpush(bundle.jobs + list, chunkId)
        : bundle.redis.zadd(bundle.jobs + list, 9e15, chunkId));
    }
    expect(await bundle.store.lostJobs(bundle.sourceId)).toEqual([]);
  });

  it('are found by pages', async () => {
    await using bundle = openRecordsQueue();
    const limits = limitsWith({ maxRecords: 5000 });
    await Promise.all(
      Array.from({ length: 1200 }, (_, at) => bundle.admit([record(at)], { chunkId: `c${at}`, limits })),
    );
    await sweep(bundle);
    await bundle.redis.del(`${bundle.jobs}prioritized`);
    expect(await bundle.store.lostJobs(bundle.sourceId)).toHaveLength(1200);
  });
});
