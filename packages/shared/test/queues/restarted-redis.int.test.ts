// A Redis that was killed has forgotten our scripts, and the client sends again what it got no answer to.
import { expect, it } from 'vitest';
import { admitScript } from '../../src/queues/scripts/admit.ts';
import { settleScript } from '../../src/queues/scripts/settle.ts';
import { faultsOf, openChunkStore } from './chunk-store-bundle.ts';
import { startOwnRedis } from './own-redis.ts';
import { limitsWith, record, records } from './small-records.ts';

it('the store goes on after Redis was killed and started again, with everything that was there', async () => {
  await using server = await startOwnRedis();
  await using bundle = openChunkStore(server.url);
  bundle.redis.on('error', () => {});
  const { store, sourceId } = bundle;
  await bundle.admit(records(0, 10), { chunkId: 'c1' });
  await bundle.admit(records(10, 10), { chunkId: 'c2' });
  await store.settle(sourceId, 'c2', Buffer.from([0b1100_0000, 0]), 2);
  const before = await bundle.picture();

  await server.kill('SIGKILL');
  await server.start();
  expect(await bundle.redis.script('EXISTS', admitScript.sha, settleScript.sha)).toEqual([0, 0]);
  expect(await bundle.picture()).toEqual(before);

  expect(await store.lookup(sourceId, [record(5), record(50)], limitsWith())).toEqual(['known', 'new']);
  expect(await bundle.admit(records(20, 10), { chunkId: 'c3' })).toMatchObject({ status: 'stored' });
  expect(await bundle.admit(records(20, 10), { chunkId: 'c3' })).toEqual({ status: 'already' });
  expect((await store.sweep(sourceId, 0, 500)).missing).toHaveLength(3);
  expect(await store.lostJobs(sourceId)).toEqual([]);
  await store.remember(sourceId, [record(70)], limitsWith());
  expect(await store.settle(sourceId, 'c2', null, 8)).toEqual({ status: 'freed', records: 8 });
  expect(faultsOf(await bundle.picture(), 1000)).toEqual([]);
});

it('calls sent while Redis is away are done once when it is back', async () => {
  await using server = await startOwnRedis();
  await using bundle = openChunkStore(server.url);
  bundle.redis.on('error', () => {});
  const { store, sourceId } = bundle;
  await bundle.admit(records(0, 10), { chunkId: 'c1' });
  await server.kill('SIGKILL');
  const calls = Promise.all([
    bundle.admit(records(10, 10), { chunkId: 'c2' }),
    store.settle(sourceId, 'c1', Buffer.from([0b1000_0000]), 1),
    store.lookup(sourceId, records(0, 5000), limitsWith()),
  ]);
  await server.start();
  const [admitted, settled, sightings] = await calls;
  expect(admitted).toMatchObject({ status: 'stored', stored: 10 });
  expect(settled).toEqual({ status: 'left', records: 9 });
  expect(sightings).toHaveLength(5000);
  const picture = await bundle.picture();
  expect(picture).toMatchObject({ published: 1, counts: { total: 19 } });
  expect(faultsOf(picture, 1000)).toEqual([]);
});
