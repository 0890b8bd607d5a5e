// Ageing on a real Redis with real BullMQ jobs. Time is moved by making chunks older (the field `at` of their hash), never
// by waiting; order is what is asserted.
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { DelayedError, type Job, WaitingError } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { raiseChunks, readAgedChunks } from '../../src/queues/chunk-ageing.ts';
import { sweepSource } from '../../src/queues/records-queue.ts';
import type { PriorityClass } from '../../src/records/priority.ts';
import { jobOptions, openRecordsQueue, type RecordsQueueBundle } from './records-queue-bundle.ts';
import { limitsWith, record } from './small-records.ts';

const ageingMs = 60_000;

/** Lets a chunk be as old as that. */
const makeOlder = async (bundle: RecordsQueueBundle, chunkId: string, ms: number): Promise<void> => {
  await bundle.redis.hincrby(bundle.keys.chunk(chunkId), 'at', -ms);
};

/** Every page of aged chunks. */
const readAll = async (bundle: RecordsQueueBundle, limit = 500) => {
  const { redis, keyPrefix, sourceId } = bundle;
  const pages = [];
  for (let cursor: number | null = 0; cursor !== null; ) {
    const page = await readAgedChunks(redis, { keyPrefix, sourceId, ageingMs }, cursor, limit);
    pages.push(page.aged);
    cursor = page.next;
  }
  return pages;
};

const raiseAll = async (bundle: RecordsQueueBundle): Promise<number> =>
  raiseChunks(bundle.queue, (await readAll(bundle)).flat());

let serial = 0;
const enqueue = (bundle: RecordsQueueBundle, chunkId: string, priority: PriorityClass): Promise<string> =>
  bundle.enqueue([record(++serial)], { chunkId, priority, limits: limitsWith({ maxRecords: 100_000 }) });

/** Job ids as BullMQ will serve them. */
const order = (bundle: RecordsQueueBundle): Promise<string[]> =>
  bundle.redis.zrange(`${bundle.jobs}prioritized`, 0, -1);

/** The class in which a job stands in BullMQ's order. */
const standsIn = async (bundle: RecordsQueueBundle, chunkId: string): Promise<number> =>
  Math.floor(Number(await bundle.redis.zscore(`${bundle.jobs}prioritized`, chunkId)) / 2 ** 32);

describe('a waiting chunk', () => {
  it.each<{ priority: PriorityClass; age: number; stands: number }>([
    { priority: 4, age: 0, stands: 4 },
    { priority: 4, age: ageingMs - 10_000, stands: 4 },
    { priority: 4, age: ageingMs, stands: 3 },
    { priority: 4, age: 2 * ageingMs, stands: 2 },
    { priority: 4, age: 1000 * ageingMs, stands: 2 },
    { priority: 3, age: ageingMs, stands: 2 },
    { priority: 3, age: 2 * ageingMs, stands: 2 },
    { priority: 2, age: 1000 * ageingMs, stands: 2 },
    { priority: 1, age: 1000 * ageingMs, stands: 1 },
  ])('of class $priority stands in $stands when it is $age ms old', async ({ priority, age, stands }) => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'old', priority);
    await makeOlder(bundle, 'old', age);
    expect(await raiseAll(bundle)).toBe(stands === priority ? 0 : 1);
    expect(await standsIn(bundle, 'old')).toBe(stands);
    expect((await readAll(bundle)).flat()).toEqual([]);
  });

  it('keeps its own class everywhere but in the order of jobs', async () => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'old', 4);
    await makeOlder(bundle, 'old', 2 * ageingMs);
    await raiseAll(bundle);
    const picture = await bundle.picture();
    expect(picture.chunks).toMatchObject([{ chunkId: 'old', priority: 4, score: 4 * 2 ** 40 + 1 }]);
    expect(picture.counts).toMatchObject({ total: 1, 4: 1 });
    expect(await bundle.store.take(bundle.sourceId, 'old')).toMatchObject({ priority: 4 });
    // Overflow takes the lowest class first: the raised one is still that.
    await enqueue(bundle, 'normal', 3);
    const limits = limitsWith({ maxRecords: 2, overflow: 'drop_lowest' });
    expect(await bundle.admit([record(++serial)], { limits, priority: 3 })).toMatchObject({
      evicted: [{ chunkId: 'old', priority: 4 }],
    });
  });

  it('shows its present class as job.priority when a worker has it, and its own in data and options', async () => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'old', 4);
    await makeOlder(bundle, 'old', 2 * ageingMs);
    await raiseAll(bundle);
    const seen: unknown[] = [];
    bundle.work(async (job: Job) => {
      seen.push([job.priority, job.opts.priority, job.data.priority]);
    });
    await waitUntil('the job to run', () => seen.length === 1);
    expect(seen).toEqual([[2, 4, 4]]);
  });

  it('goes behind those of its new class, the oldest first, and not again to the end of it with the next round', async () => {
    await using bundle = openRecordsQueue();
    for (const [chunkId, priority] of [
      ['low1', 4],
      ['low2', 4],
      ['normal', 3],
      ['high1', 2],
      ['critical', 1],
    ] as const)
      await enqueue(bundle, chunkId, priority);
    for (const chunkId of ['low1', 'low2', 'normal']) await makeOlder(bundle, chunkId, 2 * ageingMs);
    await raiseAll(bundle);
    await enqueue(bundle, 'high2', 2);
    expect(await raiseAll(bundle)).toBe(0);
    expect(await order(bundle)).toEqual(['critical', 'high1', 'normal', 'low1', 'low2', 'high2']);
  });

  it('that somebody has moved higher by hand is left there', async () => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'old', 4);
    await (await bundle.queue.getJob('old'))?.changePriority({ priority: 1 });
    await makeOlder(bundle, 'old', ageingMs);
    expect(await raiseAll(bundle)).toBe(0);
    expect(await standsIn(bundle, 'old')).toBe(1);
  });

  it('rises again from its own class when the sweep has added its job anew', async () => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'old', 4);
    await makeOlder(bundle, 'old', 2 * ageingMs);
    await raiseAll(bundle);
    await bundle.queue.remove('old');
    await sweepSource(bundle, { sourceId: bundle.sourceId, job: jobOptions });
    expect(await standsIn(bundle, 'old')).toBe(4);
    expect(await raiseAll(bundle)).toBe(1);
    expect(await standsIn(bundle, 'old')).toBe(2);
  });
});

describe('a chunk that was raised', () => {
  it.each<{ name: string; comesBack: (job: Job, token: string | undefined) => Promise<never> }>([
    {
      name: 'put back to wait',
      comesBack: async (job, token) => {
        await job.moveToWait(token);
        throw new WaitingError();
      },
    },
    {
      name: 'delayed',
      comesBack: async (job, token) => {
        await job.moveToDelayed(Date.now() - 1, token);
        throw new DelayedError();
      },
    },
    {
      name: 'failed and retried',
      comesBack: () => Promise.reject(new Error('once')),
    },
  ])('keeps its class when its job is $name', async ({ comesBack }) => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'old', 4);
    await makeOlder(bundle, 'old', 2 * ageingMs);
    await raiseAll(bundle);
    // In a lower class than the raised one: it may run before it comes back, never instead of it for good.
    await enqueue(bundle, 'normal', 3);
    const runs: string[] = [];
    const worker = bundle.work(
      async (job: Job, token) => {
        runs.push(`${job.id}@${job.priority}`);
        if (job.id === 'old' && job.attemptsStarted === 1) await comesBack(job, token);
      },
      { concurrency: 1 },
    );
    // `jobOptions` retry after a minute: not to be waited for.
    await waitUntil('the first run to end', async () => {
      const [delayed] = await bundle.queue.getDelayed();
      await delayed?.promote();
      return runs.filter((run) => run.startsWith('old')).length === 2;
    });
    expect(runs.filter((run) => run.startsWith('old'))).toEqual(['old@2', 'old@2']);
    await worker.close();
  });

  it('while a worker held it does not fall behind younger ones of its class when it is given back', async () => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'first', 4);
    const { promise: isAged, resolve: goOn } = Promise.withResolvers<void>();
    const runs: string[] = [];
    const worker = bundle.work(
      async (job: Job, token) => {
        runs.push(`${job.id}@${job.priority}`);
        if (runs.length > 1) return;
        await isAged;
        await job.moveToWait(token);
        throw new WaitingError();
      },
      { concurrency: 1 },
    );
    await waitUntil('the first to be held', () => runs.length === 1);
    await enqueue(bundle, 'second', 4);
    for (const chunkId of ['first', 'second']) await makeOlder(bundle, chunkId, 2 * ageingMs);
    expect(await raiseAll(bundle)).toBe(2);
    goOn();
    await waitUntil('all to run', () => runs.length === 3);
    expect(runs).toEqual(['first@4', 'first@2', 'second@2']);
    await worker.close();
  });

  it('of a dead holder goes before all others, once, whatever its age', async () => {
    await using bundle = openRecordsQueue();
    await enqueue(bundle, 'old', 4);
    await makeOlder(bundle, 'old', 2 * ageingMs);
    // As BullMQ leaves a job whose holder is dead: in wait, not in prioritized.
    await bundle.redis.zrem(`${bundle.jobs}prioritized`, 'old');
    await bundle.redis.lpush(`${bundle.jobs}wait`, 'old');
    await enqueue(bundle, 'critical', 1);
    expect(await raiseAll(bundle)).toBe(0);
    const runs: (string | undefined)[] = [];
    bundle.work(async (job: Job) => void runs.push(job.id));
    await waitUntil('both to run', () => runs.length === 2);
    expect(runs).toEqual(['old', 'critical']);
  });
});

it.each<{ name: string; spoil: (bundle: RecordsQueueBundle) => Promise<unknown> }>([
  // The clock of Redis was put back, or another Redis has taken over whose clock is behind.
  {
    name: 'that was admitted in the future',
    spoil: (bundle) => makeOlder(bundle, 'first', -3_600_000),
  },
  { name: 'whose time is lost', spoil: ({ redis, keys }) => redis.hdel(keys.chunk('first'), 'at') },
])('a chunk $name does not keep the older ones behind it from rising', async ({ spoil }) => {
  await using bundle = openRecordsQueue();
  for (const chunkId of ['first', 'second', 'young', 'last']) await enqueue(bundle, chunkId, 4);
  await spoil(bundle);
  await makeOlder(bundle, 'second', ageingMs);
  // Behind a young one there are only younger ones: nobody looks there.
  await makeOlder(bundle, 'last', ageingMs);
  expect((await readAll(bundle)).flat()).toEqual([{ chunkId: 'second', target: 3 }]);
});

describe('the pages', () => {
  it('hold no more than was asked for and miss none', async () => {
    await using bundle = openRecordsQueue();
    for (let at = 0; at < 25; at++) {
      await enqueue(bundle, `normal-${at}`, 3);
      await enqueue(bundle, `low-${at}`, 4);
    }
    for (let at = 0; at < 20; at++) {
      await makeOlder(bundle, `normal-${at}`, ageingMs);
      await makeOlder(bundle, `low-${at}`, ageingMs);
    }
    const { redis, keyPrefix, sourceId } = bundle;
    const source = { keyPrefix, sourceId, ageingMs };
    // Of each class the first young one tells that all behind it are younger.
    expect(await readAgedChunks(redis, source, 0, 500)).toMatchObject({ next: null, looks: 42 });
    expect(await readAgedChunks(redis, source, 0, 30)).toMatchObject({ looks: 30 });
    for (const limit of [1, 7, 20, 21, 40, 500]) {
      const pages = await readAll(bundle, limit);
      expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(limit);
      const found = pages.flat().map(({ chunkId, target }) => `${chunkId}>${target}`);
      expect(found).toEqual([
        ...Array.from({ length: 20 }, (_, at) => `normal-${at}>2`),
        ...Array.from({ length: 20 }, (_, at) => `low-${at}>3`),
      ]);
    }
  });

  it('name nothing that is gone; a chunk that goes after the page was read is passed over', async () => {
    await using bundle = openRecordsQueue();
    for (const chunkId of ['gone', 'there']) {
      await enqueue(bundle, chunkId, 4);
      await makeOlder(bundle, chunkId, ageingMs);
    }
    const aged = (await readAll(bundle)).flat();
    await bundle.store.settle(bundle.sourceId, 'gone', null, 1);
    await bundle.queue.remove('gone');
    expect(await raiseChunks(bundle.queue, aged)).toBe(1);
    expect(await order(bundle)).toEqual(['there']);
    expect((await readAll(bundle)).flat()).toEqual([]);
  });
});
