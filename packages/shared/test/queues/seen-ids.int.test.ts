// How long an id is remembered: two generations, each of one whole window. `dedupeWindowMs: 0` stands for a window that
// has passed: the call rotates first.
import { describe, expect, it } from 'vitest';
import { openChunkStore } from './chunk-store-bundle.ts';
import { limitsWith, record, records } from './small-records.ts';

const passed = limitsWith({ dedupeWindowMs: 0 });

describe('generations', () => {
  it('begin with the first call and do not rotate inside the window', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 3));
    const begun = await bundle.redis.hgetall(bundle.keys.seen);
    await bundle.store.lookup(bundle.sourceId, records(1, 5), limitsWith());
    await bundle.admit(records(4, 2));
    expect(await bundle.redis.hgetall(bundle.keys.seen)).toEqual(begun);
    expect((await bundle.picture()).previous.size).toBe(0);
  });

  it('rotate when the window has passed: ids of an answer move on, silent ones stay behind', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 4));
    const sightings = await bundle.store.lookup(bundle.sourceId, [record(1), record(2, 1), record(9)], passed);
    expect(sightings).toEqual(['known', 'correction', 'new']);
    const { current, previous } = await bundle.picture();
    // The correction moves on with its old content: it is published by a later admit, not by the look-up.
    expect(current).toEqual(
      new Map([
        [1, 0],
        [2, 0],
      ]),
    );
    expect(new Set(previous.keys())).toEqual(new Set([1, 2, 3, 4]));
  });

  it('forget an id that was in no answer for two windows, and then it is new', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 2));
    await bundle.store.lookup(bundle.sourceId, [record(1)], passed);
    await bundle.store.lookup(bundle.sourceId, [record(1)], passed);
    expect(await bundle.store.lookup(bundle.sourceId, records(1, 2), limitsWith())).toEqual(['known', 'new']);
  });

  it('never forget ids that keep coming, however often they rotate', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 50));
    for (let window = 0; window < 20; window++) {
      const call =
        window % 2 === 0
          ? bundle.store.lookup(bundle.sourceId, records(1, 50), passed)
          : bundle.admit(records(1, 50), { limits: passed });
      expect(await call).toEqual(window % 2 === 0 ? Array(50).fill('known') : { status: 'known', known: 50 });
    }
  });

  it('forget nothing by silence: after any number of windows the first answer meets every id of the last one', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 1500), { limits: limitsWith({ maxRecords: 9000 }) });
    await bundle.redis.hset(bundle.keys.seen, 'at', 1);
    expect(new Set(await bundle.store.lookup(bundle.sourceId, records(1, 1500), limitsWith()))).toEqual(
      new Set(['known']),
    );
    const { current, previous } = await bundle.picture();
    expect([current.size, previous.size]).toEqual([1500, 1500]);
  });

  it('rotate once for a look-up of many calls', async () => {
    await using bundle = openChunkStore();
    await bundle.store.remember(bundle.sourceId, records(1, 5000), limitsWith());
    await bundle.redis.hset(bundle.keys.seen, 'at', 1);
    const sightings = await bundle.store.lookup(bundle.sourceId, records(1, 5000), limitsWith());
    expect(new Set(sightings)).toEqual(new Set(['known']));
    const { current, previous } = await bundle.picture();
    expect([current.size, previous.size]).toEqual([5000, 5000]);
  });

  it('do not rotate in remember, take, settle or sweep', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 2), { chunkId: 'c1' });
    await bundle.redis.hset(bundle.keys.seen, 'at', 1);
    await bundle.store.remember(bundle.sourceId, records(7, 1), passed);
    await bundle.store.take(bundle.sourceId, 'c1');
    await bundle.store.sweep(bundle.sourceId, 0, 500);
    await bundle.store.settle(bundle.sourceId, 'c1', null, 2);
    expect(await bundle.redis.hget(bundle.keys.seen, 'at')).toBe('1');
    expect(new Set((await bundle.picture()).current.keys())).toEqual(new Set([1, 2, 7]));
  });

  it('stay when the clock goes backwards', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 2));
    await bundle.redis.hset(bundle.keys.seen, 'at', Date.now() + 86_400_000);
    await bundle.store.lookup(bundle.sourceId, records(1, 2), limitsWith({ dedupeWindowMs: 1 }));
    expect((await bundle.picture()).previous.size).toBe(0);
  });

  it('keep a correction without room a correction: its old content moves on with it', async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ maxRecords: 1, dedupeWindowMs: 0 });
    await bundle.admit([record(1)], { chunkId: 'c1', limits });
    for (let poll = 0; poll < 3; poll++)
      expect(await bundle.admit([record(1, 1)], { limits })).toMatchObject({ status: 'full' });
    await bundle.store.settle(bundle.sourceId, 'c1', null, 1);
    await bundle.admit([record(1, 1)], { chunkId: 'c2', limits });
    expect((await bundle.store.take(bundle.sourceId, 'c2'))?.corrections).toEqual(Buffer.from([0x80]));
  });
});

describe('a full generation', () => {
  const small = limitsWith({ dedupeMaxIds: 100 });

  it('rotates early, once a call, and counts it', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 99), { limits: small });
    await bundle.admit(records(100, 1), { limits: small });
    expect(await bundle.redis.hget(bundle.keys.seen, 'early')).toBeNull();
    await bundle.admit(records(200, 10), { limits: small });
    expect(await bundle.redis.hget(bundle.keys.seen, 'early')).toBe('1');
    expect((await bundle.store.totals([bundle.sourceId])).get(bundle.sourceId)?.earlyRotations).toBe(1);
    const { current, previous } = await bundle.picture();
    expect([current.size, previous.size]).toEqual([10, 100]);
    expect(await bundle.store.lookup(bundle.sourceId, records(1, 50), small)).toEqual(Array(50).fill('known'));
  });

  it('is not counted as early when its window has passed as well', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 100), { limits: small });
    await bundle.admit(records(200, 1), { limits: { ...small, dedupeWindowMs: 0 } });
    expect(await bundle.redis.hget(bundle.keys.seen, 'early')).toBeNull();
    expect((await bundle.picture()).previous.size).toBe(100);
  });

  it('bounds memory at two generations, whatever comes', async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ maxRecords: 100_000, dedupeMaxIds: 100 });
    for (let first = 0; first < 5000; first += 50) await bundle.admit(records(first, 50), { limits });
    const { current, previous } = await bundle.picture();
    expect(current.size).toBeLessThanOrEqual(150);
    expect(previous.size).toBeLessThanOrEqual(150);
    expect(Number(await bundle.redis.hget(bundle.keys.seen, 'early'))).toBe(49);
  });
});
