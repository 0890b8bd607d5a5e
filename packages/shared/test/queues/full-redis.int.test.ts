// A Redis at `maxmemory` refuses what could grow it. Draining has to pass all the same, and what is refused must have
// changed nothing: a script that begins with a delete is let through as a whole, one that begins otherwise is not.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChunkLimits } from '../../src/queues/chunk-store.ts';
import { createDroppedChunks } from '../../src/queues/dropped-chunks.ts';
import { createFailedChunks } from '../../src/queues/failed-chunks.ts';
import { type ChunkStoreBundle, faultsOf, openChunkStore } from './chunk-store-bundle.ts';
import { startOwnRedis } from './own-redis.ts';
import { limitsWith, record, records } from './small-records.ts';

let server: Awaited<ReturnType<typeof startOwnRedis>>;
beforeAll(async () => {
  server = await startOwnRedis();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A store with three chunks of ten in a Redis that has no room for one more byte. */
const openFullStore = async (): Promise<ChunkStoreBundle> => {
  const bundle = openChunkStore(server.url);
  await bundle.redis.config('SET', 'maxmemory', '0');
  for (const [at, chunkId] of ['c1', 'c2', 'c3'].entries()) await bundle.admit(records(at * 10, 10), { chunkId });
  await bundle.redis.config('SET', 'maxmemory', '1');
  await expect(bundle.redis.set(`${bundle.keyPrefix}:probe`, 'x')).rejects.toThrow('OOM');
  return bundle;
};

/** The picture, and what it leaves out. */
const everything = async (bundle: ChunkStoreBundle) => ({
  ...(await bundle.picture()),
  seen: await bundle.redis.hgetall(bundle.keys.seen),
  setAside: await bundle.redis.zcard(bundle.keys.droppedChunks),
});

describe('a Redis at maxmemory', () => {
  it('lets a settle pass that frees a chunk', async () => {
    await using bundle = await openFullStore();
    expect(await bundle.store.settle(bundle.sourceId, 'c1', null, 10)).toEqual({ status: 'freed', records: 10 });
    const picture = await bundle.picture();
    expect(picture).toMatchObject({ published: 10, counts: { total: 20 } });
    expect(faultsOf(picture, 30)).toEqual([]);
  });

  it('lets a settle pass that marks a part as done, the first and the next', async () => {
    await using bundle = await openFullStore();
    for (const [done, left] of [
      [0b1111_0000, 6],
      [0b0000_1100, 4],
    ] as const) {
      const settled = await bundle.store.settle(bundle.sourceId, 'c2', Buffer.from([done, 0]), 10 - left);
      expect(settled).toEqual({ status: 'left', records: left });
    }
    expect(await bundle.store.settle(bundle.sourceId, 'c2', Buffer.from([0b11, 0b1100_0000]), 4)).toMatchObject({
      status: 'freed',
    });
    expect(faultsOf(await bundle.picture(), 30)).toEqual([]);
  });

  it('lets a refusal of the topic be noted and be forgotten', async () => {
    await using bundle = await openFullStore();
    const { store, sourceId } = bundle;
    expect(await store.refusedFor(sourceId, 'c1', 600_000)).toBe(0);
    expect(await store.refusedFor(sourceId, 'c1', 600_000)).toBeGreaterThanOrEqual(0);
    expect((await store.take(sourceId, 'c1'))?.isRefused).toBe(true);
    await store.forgetRefusal(sourceId, 'c1');
    expect((await store.take(sourceId, 'c1'))?.isRefused).toBe(false);
  });

  it('lets a failed chunk be claimed', async () => {
    await using bundle = await openFullStore();
    const { redis, sourceId, keyPrefix } = bundle;
    await redis.config('SET', 'maxmemory', '0');
    await redis.zadd(`${bundle.jobs}failed`, 1, 'c1');
    await redis.hset(`${bundle.jobs}c1`, 'failedReason', 'stalled', 'finishedOn', 1_000);
    await redis.config('SET', 'maxmemory', '1');
    const failed = createFailedChunks({ redis, now: () => 2_000 }, { keyPrefix });
    const claim = { reason: 'stalled', failedAt: 1_000 };
    expect(await failed.claim(sourceId, 'c1')).toEqual(claim);
    expect(await failed.claim(sourceId, 'c1')).toEqual(claim);
    expect(await redis.exists(`${bundle.jobs}failed`, `${bundle.jobs}c1`)).toBe(0);
    expect(await failed.claim(sourceId, 'c2')).toBeNull();
  });

  it('lets a dropped chunk go whose letters were made', async () => {
    await using bundle = await openFullStore();
    const { redis, sourceId, keyPrefix, keys } = bundle;
    await redis.config('SET', 'maxmemory', '0');
    const limits = limitsWith({ maxRecords: 30, overflow: 'drop_oldest', keepDropped: true });
    await bundle.admit(records(90, 10), { limits });
    await redis.config('SET', 'maxmemory', '1');
    expect(await createDroppedChunks(redis, keyPrefix).remove(sourceId, 'c1')).toBe(10);
    expect(await redis.exists(keys.droppedChunks, keys.droppedChunk('c1'))).toBe(0);
    expect(await redis.hget(keys.count, 'kept')).toBe('0');
  });

  it('lets everything pass that only reads', async () => {
    await using bundle = await openFullStore();
    const { store, sourceId } = bundle;
    expect(await store.take(sourceId, 'c1')).toMatchObject({ records: 10 });
    expect((await store.counts([sourceId])).get(sourceId)?.total).toBe(30);
    expect((await store.totals([sourceId])).get(sourceId)).toMatchObject({ published: 0, dropped: 0 });
    expect((await store.sweep(sourceId, 0, 500)).missing).toHaveLength(3);
    expect(await store.lostJobs(sourceId)).toEqual([]);
    expect(await store.lookup(sourceId, [record(0), record(0, 1), record(99)], limitsWith())).toEqual([
      'known',
      'correction',
      'new',
    ]);
    expect(await bundle.admit(records(0, 10))).toEqual({ status: 'known', known: 10 });
    expect(await bundle.admit(records(90, 10), { limits: limitsWith({ maxRecords: 30 }) })).toMatchObject({
      status: 'full',
    });
  });

  it.each<{ name: string; limits: Partial<ChunkLimits>; first: number }>([
    { name: 'with room', limits: {}, first: 90 },
    { name: 'with known records', limits: {}, first: 25 },
    { name: 'that rotates the generations', limits: { dedupeWindowMs: 0 }, first: 90 },
    { name: 'that rotates them early', limits: { dedupeMaxIds: 1 }, first: 90 },
    { name: 'that evicts', limits: { maxRecords: 30, overflow: 'drop_oldest' }, first: 90 },
    { name: 'that is dropped', limits: { maxRecords: 5, overflow: 'drop_lowest' }, first: 90 },
    {
      name: 'that evicts and keeps',
      limits: { maxRecords: 30, overflow: 'drop_oldest', keepDropped: true },
      first: 90,
    },
    {
      name: 'that is dropped and kept',
      limits: { maxRecords: 5, overflow: 'drop_lowest', keepDropped: true },
      first: 90,
    },
    { name: 'that is rejected', limits: { maxRecords: 30, overflow: 'reject' }, first: 90 },
  ])('refuses an admit $name, and nothing has changed', async ({ limits, first }) => {
    await using bundle = await openFullStore();
    const before = await everything(bundle);
    await expect(bundle.admit(records(first, 10), { limits: limitsWith(limits) })).rejects.toThrow('OOM');
    expect(await everything(bundle)).toEqual(before);
  });

  it('refuses a look-up that has to rotate, and a remember, and nothing has changed', async () => {
    await using bundle = await openFullStore();
    const before = await everything(bundle);
    const { store, sourceId } = bundle;
    await expect(store.lookup(sourceId, records(0, 10), limitsWith({ dedupeWindowMs: 0 }))).rejects.toThrow('OOM');
    await expect(store.remember(sourceId, records(90, 10), limitsWith())).rejects.toThrow('OOM');
    expect(await everything(bundle)).toEqual(before);
  });

  it('takes the refused chunk when there is memory again', async () => {
    await using bundle = await openFullStore();
    await expect(bundle.admit(records(90, 10), { chunkId: 'c4' })).rejects.toThrow('OOM');
    await bundle.redis.config('SET', 'maxmemory', '0');
    expect(await bundle.admit(records(90, 10), { chunkId: 'c4' })).toMatchObject({ status: 'stored', stored: 10 });
    expect(faultsOf(await bundle.picture(), 1000)).toEqual([]);
  });
});
