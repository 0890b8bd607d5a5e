// Ageing beside workers that run: nothing is run twice or left, nobody starves, and critical chunks stay first.
import { randomBytes } from 'node:crypto';
import { recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { raiseChunks, readAgedChunks } from '@stream-manager/shared/queues/chunk-ageing';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { addChunkJobs, type RecordsQueue } from '@stream-manager/shared/queues/records-queue';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, it } from 'vitest';
import { createAgeing } from '../../src/ageing/raise-aged-chunks.ts';

const sourceId = 'firms';
const never = new AbortController().signal;

/** One source with its queue, its rounds of ageing, and workers on demand. */
const setup = (ageingMs: number) => {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const keys = sourceKeys(keyPrefix, sourceId);
  const { name, prefix } = recordsQueueAddress(keyPrefix, sourceId);
  const queue: RecordsQueue = new Queue(name, { connection: redis, prefix });
  const store = createRedisChunkStore({ redis, keyPrefix });
  const workers: Worker[] = [];
  let serial = 0;
  const round = createAgeing(
    {
      readPage: (source, fromScore, limit) =>
        readAgedChunks(redis, { keyPrefix, sourceId: source.id, ageingMs: source.ageingMs }, fromScore, limit),
      raise: (_sourceId, aged) => raiseChunks(queue, aged),
      logger: { debug: () => {} },
    },
    [{ id: sourceId, ageingMs }],
  );
  return {
    redis,
    keys,
    queue,
    round: () => round(never),
    /** Admits chunks of one record each and adds their jobs. */
    enqueue: async (chunkIds: readonly string[], priority: PriorityClass): Promise<void> => {
      const limits = {
        maxRecords: 100_000,
        criticalReserve: 0,
        overflow: 'backpressure',
        dedupeWindowMs: 3_600_000,
        dedupeMaxIds: 1_000_000,
        publishCorrections: true,
      } as const;
      await Promise.all(
        chunkIds.map((chunkId) => {
          const id = Buffer.alloc(16);
          id.writeUInt32BE(++serial);
          const record = { id, hash: Buffer.alloc(8), eventTimeMs: 0, key: 'k', value: Buffer.from('{}') };
          return store.admit({ sourceId, chunkId, priority, limits, records: [record], pollId: 'p' });
        }),
      );
      await addChunkJobs(
        queue,
        chunkIds.map((chunkId) => ({ chunkId, records: 1, priority, pollId: 'p', sample: [] })),
        { attempts: 3, backoff: { type: 'fixed' } },
      );
    },
    makeOlder: async (chunkIds: readonly string[], ms: number): Promise<void> => {
      // Only what is still there: a chunk may be settled meanwhile.
      const script = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBY', KEYS[1], 'at', ARGV[1]) end";
      const pipeline = redis.pipeline();
      for (const chunkId of chunkIds) pipeline.eval(script, 1, keys.chunk(chunkId), -ms);
      await pipeline.exec();
    },
    /** A worker that settles each chunk and tells `served` of it. */
    work: (concurrency: number, served: (job: Job) => Promise<void> | void): Worker => {
      const worker = new Worker(
        name,
        async (job: Job) => {
          await served(job);
          await store.settle(sourceId, String(job.id), null, 1);
        },
        { connection: redis.duplicate(), prefix, concurrency, drainDelay: 1, removeOnComplete: { count: 0 } },
      );
      worker.on('error', () => {});
      workers.push(worker);
      return worker;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.close(true)));
      await queue.close();
      const left = await redis.keys(`${keyPrefix}:*`);
      if (left.length > 0) await redis.unlink(...left);
      redis.disconnect();
    },
  };
};

it('runs every one of 5,000 waiting chunks exactly once while they are raised again and again', {
  timeout: 120_000,
}, async () => {
  await using source = setup(60_000);
  const { redis, keys } = source;
  const chunkIds = Array.from({ length: 5_000 }, (_, at) => `chunk-${at}`);
  await source.enqueue(chunkIds.slice(0, 2_500), 3);
  await source.enqueue(chunkIds.slice(2_500), 4);
  const served = new Map<string, number>();
  const start = () => source.work(4, (job) => void served.set(String(job.id), (served.get(String(job.id)) ?? 0) + 1));
  await source.makeOlder(chunkIds, 60_000);
  await source.round();
  const first = start();
  start();
  let isRestarted = false;
  while (served.size < chunkIds.length) {
    await source.round();
    // In the middle of it they rise once more, and one of the workers is replaced.
    if (isRestarted || served.size < 1_000) continue;
    isRestarted = true;
    const left = (await redis.zrange(keys.index, 0, -1)).slice(0, 2_000);
    await source.makeOlder(left, 60_000);
    await first.close();
    start();
  }
  await waitUntil('every job to complete', async () => {
    const jobs = await source.queue.getJobCountByTypes('prioritized', 'wait', 'active', 'delayed', 'failed');
    return jobs === 0;
  });
  expect([...served.values()].filter((times) => times !== 1)).toEqual([]);
  expect(served.size).toBe(5_000);
  // Nothing is left behind by a raise that came when its chunk was settled.
  expect(await redis.keys(`${keys.chunkPrefix}*`)).toEqual([]);
});

it('serves a low chunk within two rises although high ones never end, and critical ones still first', {
  timeout: 60_000,
}, async () => {
  await using source = setup(60_000);
  let high = 0;
  const served: string[] = [];
  const moreHigh = (): Promise<void> => source.enqueue([`high-${++high}`, `high-${++high}`], 2);
  await source.enqueue(['low'], 4);
  await moreHigh();
  // One is served, two come: without ageing the low one is never the head.
  const worker = source.work(1, async (job) => {
    served.push(String(job.id));
    await moreHigh();
    if (served.length === 50) {
      await source.makeOlder(['low'], 120_000);
      await source.round();
      await source.enqueue(['critical'], 1);
    }
  });
  await waitUntil('the low chunk to be served', () => served.includes('low'));
  await worker.close();
  expect(served.slice(0, 50).filter((id) => !id.startsWith('high'))).toEqual([]);
  expect(served[50]).toBe('critical');
  // 50 high ones were served when it rose, and 52 stood before it: it came behind these and before all that came later.
  expect(served.indexOf('low')).toBe(50 + 1 + 52);
});
