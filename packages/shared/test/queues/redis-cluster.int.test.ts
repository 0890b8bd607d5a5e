// A Redis Cluster of one node that serves one slot, that of a source: it refuses every command and every script that
// touches another key, also one that a script makes up itself. (A node with all slots would let our scripts pass:
// scripts without a `#!lua` line may cross slots that are local.)
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, it } from 'vitest';
import { raiseChunks, readAgedChunks } from '../../src/queues/chunk-ageing.ts';
import { removeEvictedJobs, sweepSource } from '../../src/queues/records-queue.ts';
import { faultsOf } from './chunk-store-bundle.ts';
import { openKeptLetters } from './kept-letters.ts';
import { startOwnRedis } from './own-redis.ts';
import { jobOptions, openRecordsQueue } from './records-queue-bundle.ts';
import { limitsWith, record, records } from './small-records.ts';

it('every call keeps to the slot of its source', async () => {
  await using server = await startOwnRedis('--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no');
  await using bundle = openRecordsQueue(server.url);
  const { store, sourceId, redis, queue } = bundle;
  await redis.cluster('ADDSLOTS', await redis.cluster('KEYSLOT', bundle.keys.index));
  await waitUntil('the cluster to serve', async () => (await redis.cluster('INFO')).includes('cluster_state:ok'));
  // Otherwise the rest would show nothing.
  await expect(redis.get('{other}:key')).rejects.toThrow('CLUSTERDOWN');
  const elsewhere = "redis.call('GET', KEYS[1]) return redis.call('GET', '{other}:key')";
  await expect(redis.eval(elsewhere, 1, bundle.keys.index)).rejects.toThrow(/non local key|slot/i);

  const limits = limitsWith({ maxRecords: 30, criticalReserve: 5, overflow: 'drop_oldest', dedupeWindowMs: 0 });
  for (let at = 0; at < 5; at++) await bundle.enqueue(records(at * 5, 5), { chunkId: `c${at}`, limits });
  await bundle.hold('c0');
  const admitted = await bundle.admit([record(3, 1), ...records(90, 9)], { limits, priority: 2, chunkId: 'urgent' });
  if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
  expect(admitted.evicted.map((chunk) => chunk.chunkId)).toEqual(['c1', 'c2']);
  await removeEvictedJobs(queue, admitted.evicted);
  expect(await bundle.admit(records(200, 24), { limits, priority: 4 })).toMatchObject({ status: 'dropped' });
  expect(await store.lookup(sourceId, records(0, 3000), limits)).toHaveLength(3000);
  await store.remember(sourceId, records(500, 3), limits);
  expect(await store.take(sourceId, 'urgent')).toMatchObject({ records: 10 });
  expect(await store.settle(sourceId, 'c3', Buffer.from([0b1000_0000]), 1)).toMatchObject({ status: 'left' });
  expect(await store.settle(sourceId, 'c4', null, 5)).toMatchObject({ status: 'freed' });
  await redis.zrem(`${bundle.jobs}prioritized`, 'c3');
  expect(await sweepSource(bundle, { sourceId, job: jobOptions, healLostJobs: true })).toEqual({
    added: 2,
    removed: 1,
    healed: 1,
    failed: [],
  });
  expect((await store.counts([sourceId])).get(sourceId)?.total).toBe(5 + 4 + 10);
  expect((await store.totals([sourceId])).get(sourceId)).toMatchObject({ published: 6, dropped: 10 + 24 });
  expect(faultsOf(await bundle.picture(), 30)).toEqual([]);

  const keeping = { ...limits, keepDropped: true };
  expect(await bundle.admit(records(300, 25), { limits: keeping, priority: 2 })).toMatchObject({
    status: 'dropped',
    isKept: true,
  });
  expect(await bundle.admit(records(400, 10), { limits: keeping, priority: 1 })).toMatchObject({ status: 'stored' });
  expect(await bundle.admit(records(420, 5), { limits: keeping, priority: 1 })).toMatchObject({
    evicted: [{ chunkId: 'c3', isKept: true }],
  });
  const letters = openKeptLetters(redis, bundle.keyPrefix, sourceId);
  await letters.keepAll();
  expect(await letters.queue.getWaitingCount()).toBe(25 + 4);

  await redis.hincrby(bundle.keys.chunk('c0'), 'at', -60_000);
  await redis.del(`${bundle.jobs}c0:lock`);
  const source = { keyPrefix: bundle.keyPrefix, sourceId, ageingMs: 60_000 };
  const { aged } = await readAgedChunks(redis, source, 0, 500);
  expect(aged).toEqual([{ chunkId: 'c0', target: 2 }]);
  expect(await raiseChunks(queue, aged)).toBe(1);

  expect((await redis.keys('*')).length).toBeGreaterThan(10);
});
