// What the chunk protocol takes for granted of BullMQ, each fact by itself. A new version of BullMQ that changes one of
// them fails here first, and says which.
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { recordsQueueAddress } from '../../src/queues/bullmq.ts';
import { createChunkId } from '../../src/queues/chunk-id.ts';
import { moveToFront } from '../../src/queues/move-to-front.ts';
import { hastyLocks, openRecordsQueue } from './records-queue-bundle.ts';
import { record, records } from './small-records.ts';

/** A processor that stands still until it is told to go on, and tells which jobs it was given. */
const haltingProcessor = () => {
  const given: Job[] = [];
  const releases = new Map<string, () => void>();
  return {
    given,
    process: (job: Job): Promise<void> => {
      given.push(job);
      const { promise, resolve } = Promise.withResolvers<void>();
      releases.set(String(job.id), resolve);
      return promise;
    },
    release: (jobId: string) => releases.get(jobId)?.(),
  };
};

describe("the lock's key", () => {
  it('is <prefix>:<queue>:<job id>:lock; it stands exactly while a worker holds the job', async () => {
    await using bundle = openRecordsQueue();
    const halting = haltingProcessor();
    const chunkId = await bundle.enqueue([record(1)]);
    const lock = `${bundle.keyPrefix}:{firms}:records.firms:${chunkId}:lock`;
    expect(await bundle.redis.exists(lock)).toBe(0);
    bundle.work(halting.process);
    await waitUntil('the job to run', () => halting.given.length === 1);
    expect(await bundle.redis.get(lock)).toBe(halting.given[0]!.token);
    expect(await bundle.redis.pttl(lock)).toBeGreaterThan(0);
    halting.release(chunkId);
    await waitUntil('the job to complete', () => bundle.queue.getActiveCount().then((count) => count === 0));
    expect(await bundle.redis.exists(lock)).toBe(0);
  });

  it('is gone from a job that is delayed or put back', async () => {
    await using bundle = openRecordsQueue();
    const chunkId = await bundle.enqueue([record(1)]);
    bundle.work(async (job, token) => {
      await job.moveToDelayed(Date.now() + 60_000, token);
      throw new DelayedError();
    });
    await waitUntil('the job to be delayed', () => bundle.queue.getDelayedCount().then((count) => count === 1));
    expect(await bundle.redis.exists(`${bundle.jobs}${chunkId}:lock`)).toBe(0);
  });

  it('is renewed while the job runs, longer than it lasts', async () => {
    await using bundle = openRecordsQueue();
    const halting = haltingProcessor();
    const chunkId = await bundle.enqueue([record(1)]);
    bundle.work(halting.process);
    await waitUntil('the job to run', () => halting.given.length === 1);
    const from = Date.now();
    while (Date.now() - from < 3 * hastyLocks.lockDuration) {
      expect(await bundle.redis.exists(`${bundle.jobs}${chunkId}:lock`)).toBe(1);
      await waitUntil('the next look', () => new Promise<true>((resolve) => setImmediate(resolve, true)));
    }
    expect(halting.given).toHaveLength(1);
  });
});

describe('the marker', () => {
  it('is what an idle worker waits on; a job that is put back does not set it, moveToFront does', async () => {
    await using bundle = openRecordsQueue();
    const address = recordsQueueAddress(bundle.keyPrefix, 'firms');
    const marker = `${address.prefix}:${address.name}:marker`;
    const markers: (readonly string[])[] = [];
    await bundle.enqueue([record(1)]);
    markers.push(await bundle.redis.zrange(marker, 0, -1));
    bundle.work(async (job, token) => {
      await bundle.redis.del(marker);
      if (markers.length === 1) await job.moveToWait(token);
      else if (markers.length === 2) await moveToFront(bundle.redis, address, job, token ?? '');
      markers.push(await bundle.redis.zrange(marker, 0, -1));
      if (markers.length < 4) throw new WaitingError();
    });
    await waitUntil('three runs', () => markers.length === 4, { timeoutMs: 30_000 });
    expect(markers).toEqual([['0'], [], ['0'], []]);
  });
});

describe("a job's hash", () => {
  it('is there while the job waits, runs, is delayed or failed, and gone when it completed or was removed', async () => {
    await using bundle = openRecordsQueue();
    const halting = haltingProcessor();
    const exists = (chunkId: string) => bundle.redis.exists(bundle.jobs + chunkId);

    const chunkId = await bundle.enqueue([record(1)]);
    expect([await bundle.queue.getJobState(chunkId), await exists(chunkId)]).toEqual(['prioritized', 1]);
    bundle.work(async (job, token) => {
      await halting.process(job);
      if (job.attemptsStarted === 1) {
        await job.moveToDelayed(Date.now() + 60_000, token);
        throw new DelayedError();
      }
      if (job.attemptsStarted === 2) throw new UnrecoverableError('refused by a test');
    });
    await waitUntil('the first run', () => halting.given.length === 1);
    expect([await bundle.queue.getJobState(chunkId), await exists(chunkId)]).toEqual(['active', 1]);
    halting.release(chunkId);
    await waitUntil('the delay', () => bundle.queue.getJobState(chunkId).then((state) => state === 'delayed'));
    expect(await exists(chunkId)).toBe(1);
    await (await bundle.queue.getJob(chunkId))?.promote();
    await waitUntil('the second run', () => halting.given.length === 2);
    halting.release(chunkId);
    await waitUntil('the failure', () => bundle.queue.getJobState(chunkId).then((state) => state === 'failed'));
    expect(await exists(chunkId)).toBe(1);
    await (await bundle.queue.getJob(chunkId))?.retry();
    await waitUntil('the third run', () => halting.given.length === 3);
    halting.release(chunkId);
    await waitUntil('the end', () => bundle.queue.getJobState(chunkId).then((state) => state === 'unknown'));
    expect(await exists(chunkId)).toBe(0);

    await bundle.queue.pause();
    const removed = await bundle.enqueue([record(2)]);
    await bundle.queue.remove(removed);
    expect(await exists(removed)).toBe(0);
  });

  it('stands in prioritized while it waits, in wait after a stall, in delayed and failed: where the sweep looks', async () => {
    await using bundle = openRecordsQueue();
    const chunkId = await bundle.enqueue([record(1)]);
    expect(await bundle.redis.zscore(`${bundle.jobs}prioritized`, chunkId)).not.toBeNull();
    const dead = bundle.work(() => new Promise(() => {}));
    await waitUntil('the job to run', () => bundle.queue.getActiveCount().then((count) => count === 1));
    expect(await bundle.redis.lrange(`${bundle.jobs}active`, 0, -1)).toEqual([chunkId]);
    await dead.close(true);
    // While the queue is paused the second worker only looks for stalled jobs.
    await bundle.queue.pause();
    bundle.work(async (job, token) => {
      if (job.attemptsStarted > 2) throw new UnrecoverableError('refused by a test');
      await job.moveToDelayed(Date.now() + 60_000, token);
      throw new DelayedError();
    });
    const wait = () => bundle.redis.lrange(`${bundle.jobs}wait`, 0, -1);
    await waitUntil('the stalled check', () => wait().then((ids) => ids.length === 1));
    expect(await wait()).toEqual([chunkId]);
    await bundle.queue.resume();
    await waitUntil('the delay', () => bundle.redis.zscore(`${bundle.jobs}delayed`, chunkId));
    await (await bundle.queue.getJob(chunkId))?.promote();
    await waitUntil('the failure', () => bundle.redis.zscore(`${bundle.jobs}failed`, chunkId));
    expect(await bundle.queue.getJobState(chunkId)).toBe('failed');
  });
});

describe('adding', () => {
  it('ignores a job id that exists, and takes it again after the job completed', async () => {
    await using bundle = openRecordsQueue();
    const add = (note: string) =>
      bundle.queue.addBulk([
        {
          name: 'chunk',
          data: { records: 1, priority: 3, pollId: note, payloadVersion: 1, sample: [] },
          opts: { jobId: 'c1', priority: 3, removeOnComplete: true },
        },
      ]);
    await add('first');
    await add('second');
    expect(await bundle.queue.getPrioritizedCount()).toBe(1);
    expect((await bundle.queue.getJob('c1'))?.data.pollId).toBe('first');
    bundle.work(() => Promise.resolve());
    await waitUntil('the job to complete', () => bundle.queue.getJobState('c1').then((state) => state === 'unknown'));
    await bundle.queue.pause();
    await add('third');
    expect((await bundle.queue.getJob('c1'))?.data.pollId).toBe('third');
  });

  it('takes our chunk ids as job ids', async () => {
    await using bundle = openRecordsQueue();
    for (let at = 0; at < 20; at++) await bundle.enqueue([record(at)], { chunkId: createChunkId() });
    expect(await bundle.queue.getPrioritizedCount()).toBe(20);
  });
});

describe('removing', () => {
  it('leaves a job that is locked, removes one that is active without a lock, and does not mind one that is gone', async () => {
    await using bundle = openRecordsQueue();
    const halting = haltingProcessor();
    const chunkId = await bundle.enqueue([record(1)]);
    const worker = bundle.work(halting.process);
    await waitUntil('the job to run', () => halting.given.length === 1);
    expect(await bundle.queue.remove(chunkId, { removeChildren: false })).toBe(0);
    await worker.close(true);
    await waitUntil('the lock to run out', () =>
      bundle.redis.exists(`${bundle.jobs}${chunkId}:lock`).then((count) => count === 0),
    );
    expect(await bundle.queue.remove(chunkId, { removeChildren: false })).toBe(1);
    expect(await bundle.queue.getActiveCount()).toBe(0);
    expect(await bundle.queue.remove('never', { removeChildren: false })).toBe(1);
  });
});

describe('attemptsMade', () => {
  it('is 0 in the first run, counts failures, and survives retry', async () => {
    await using bundle = openRecordsQueue();
    const seen: number[] = [];
    const chunkId = await bundle.enqueue([record(1)]);
    bundle.work((job) => {
      seen.push(job.attemptsMade);
      return Promise.reject(seen.length < 3 ? new UnrecoverableError('refused by a test') : new Error('backs off'));
    });
    for (const runs of [1, 2]) {
      await waitUntil(`failure ${runs}`, () =>
        bundle.queue.getJobState(chunkId).then((state) => seen.length === runs && state === 'failed'),
      );
      await (await bundle.queue.getJob(chunkId))?.retry();
    }
    await waitUntil('the third run', () => seen.length === 3);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('does not grow when a job is put back or delayed, and survives a stall', async () => {
    await using bundle = openRecordsQueue();
    const seen: number[] = [];
    await bundle.enqueue([record(1)]);
    const first = bundle.work(async (job, token) => {
      seen.push(job.attemptsMade);
      if (seen.length === 1) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (seen.length === 2) {
        await job.moveToDelayed(Date.now(), token);
        throw new DelayedError();
      }
      await new Promise(() => {});
    });
    await waitUntil('the third run', () => seen.length === 3);
    await first.close(true);
    bundle.work((job) => {
      seen.push(job.attemptsMade);
      return Promise.resolve();
    });
    await waitUntil('the run after the stall', () => seen.length === 4);
    expect(seen).toEqual([0, 0, 0, 0]);
  });
});

describe('moveToWait', () => {
  it('puts a job at the front of its class, behind more urgent classes', async () => {
    await using bundle = openRecordsQueue();
    const order: string[] = [];
    const halting = haltingProcessor();
    for (const [at, chunkId] of ['first', 'second', 'third'].entries()) await bundle.enqueue([record(at)], { chunkId });
    bundle.work(async (job, token) => {
      order.push(String(job.id));
      if (order.length > 1) return;
      await halting.process(job);
      await job.moveToWait(token);
      throw new WaitingError();
    });
    await waitUntil('the first to run', () => order.length === 1);
    await bundle.enqueue([record(9)], { chunkId: 'urgent', priority: 1 });
    halting.release('first');
    await waitUntil('all to run', () => order.length === 5);
    expect(order).toEqual(['first', 'urgent', 'first', 'second', 'third']);
  });
});

describe('priorities', () => {
  it('are strict, and first in first out inside a class', async () => {
    await using bundle = openRecordsQueue();
    for (const [at, priority] of ([3, 1, 4, 2, 3, 1] as const).entries())
      await bundle.enqueue([record(at)], { chunkId: `p${priority}-${at}`, priority });
    const order: string[] = [];
    bundle.work((job) => {
      order.push(String(job.id));
      return Promise.resolve();
    });
    await waitUntil('all to run', () => order.length === 6);
    expect(order).toEqual(['p1-1', 'p1-5', 'p2-3', 'p3-0', 'p3-4', 'p4-2']);
  });

  it('give way once to the job of a dead holder', async () => {
    await using bundle = openRecordsQueue();
    const dead = bundle.work(() => new Promise(() => {}));
    await bundle.enqueue([record(1)], { chunkId: 'of-the-dead', priority: 4 });
    await waitUntil('the job to run', () => bundle.queue.getActiveCount().then((count) => count === 1));
    await dead.close(true);
    await bundle.queue.pause();
    await bundle.enqueue([record(2)], { chunkId: 'urgent', priority: 1 });
    const order: string[] = [];
    bundle.work((job) => {
      order.push(String(job.id));
      return Promise.resolve();
    });
    await waitUntil('the stalled check', () => bundle.redis.llen(`${bundle.jobs}wait`).then((length) => length === 1));
    await bundle.queue.resume();
    await waitUntil('both to run', () => order.length === 2);
    expect(order).toEqual(['of-the-dead', 'urgent']);
  });
});

describe('worker.concurrency', () => {
  it('may change while the worker runs: it is how many jobs are held', async () => {
    await using bundle = openRecordsQueue();
    const halting = haltingProcessor();
    for (const one of records(0, 8)) await bundle.enqueue([one]);
    const worker = bundle.work(halting.process, { concurrency: 1 });
    await waitUntil('one job', () => halting.given.length === 1);
    worker.concurrency = 3;
    halting.release(String(halting.given[0]!.id));
    await waitUntil('three jobs beside the first', () => halting.given.length === 4);
    worker.concurrency = 1;
    for (const job of halting.given.slice(1, 3)) halting.release(String(job.id));
    await waitUntil('two to complete', () =>
      bundle.queue
        .getPrioritizedCount()
        .then(async (waiting) => waiting === 4 && (await bundle.queue.getActiveCount()) === 1),
    );
    expect(halting.given).toHaveLength(4);
    halting.release(String(halting.given[3]!.id));
    await waitUntil('the next one', () => halting.given.length === 5);
    expect(await bundle.queue.getActiveCount()).toBe(1);
  });
});
