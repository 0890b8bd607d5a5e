import { describe, expect, it } from 'vitest';
import { createChunkId } from '../../src/queues/chunk-id.ts';
import { emptyBitmap, hasBit, setBit } from '../../src/records/bitmap.ts';
import { decodePayload, encodePayload } from '../../src/records/payload.ts';
import { contentsOf, faultsOf, openChunkStore } from './chunk-store-bundle.ts';
import { limitsWith, record, records } from './small-records.ts';

const bitsAt = (count: number, ...set: readonly number[]): Buffer => {
  const bitmap = emptyBitmap(count);
  for (const bit of set) setBit(bitmap, bit);
  return bitmap;
};

describe('admit', () => {
  it('stores a chunk, counts its records and remembers their ids in one step', async () => {
    await using bundle = openChunkStore();
    expect(await bundle.admit(records(1, 3), { priority: 2, chunkId: 'c1' })).toEqual({
      status: 'stored',
      stored: 3,
      known: 0,
      evicted: [],
    });
    const picture = await bundle.picture();
    expect(picture.counts).toEqual({ total: 3, 2: 3, seq: 1 });
    expect(picture.current).toEqual(new Map([1, 2, 3].map((id) => [id, 0])));
    expect(picture.chunks).toMatchObject([
      { chunkId: 'c1', score: 2 * 2 ** 40 + 1, records: 3, remaining: 3, keep: false, done: null, corrections: null },
    ]);
    expect(faultsOf(picture, 1000)).toEqual([]);
  });

  it('says "already" to the same chunk sent again and changes nothing', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 3), { chunkId: 'c1' });
    const before = await bundle.picture();
    expect(await bundle.admit(records(1, 3), { chunkId: 'c1' })).toEqual({ status: 'already' });
    expect(await bundle.picture()).toEqual(before);
  });

  it('stores nothing of a chunk whose ids are all known', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 3));
    expect(await bundle.admit(records(1, 3))).toEqual({ status: 'known', known: 3 });
    expect((await bundle.picture()).chunks).toHaveLength(1);
  });

  it('marks known records of a stored chunk as done and takes room for the new ones only', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 3));
    const admitted = await bundle.admit(records(2, 10), { limits: limitsWith({ maxRecords: 11 }) });
    expect(admitted).toMatchObject({ status: 'stored', stored: 8, known: 2 });
    const picture = await bundle.picture();
    expect(picture.chunks[1]).toMatchObject({ records: 10, remaining: 8 });
    expect(
      contentsOf(picture.chunks[1]!)
        .filter((content) => content.done)
        .map((content) => content.id),
    ).toEqual([2, 3]);
    expect(faultsOf(picture, 11)).toEqual([]);
  });

  it('takes a known id with other content as a correction, marks it, and remembers the new content', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 2));
    const admitted = await bundle.admit([record(1, 1), record(2), record(3)]);
    expect(admitted).toMatchObject({ status: 'stored', stored: 2, known: 1 });
    const picture = await bundle.picture();
    expect(contentsOf(picture.chunks[1]!)).toEqual([
      { id: 1, revision: 1, done: false, correction: true },
      { id: 2, revision: 0, done: true, correction: false },
      { id: 3, revision: 0, done: false, correction: false },
    ]);
    expect(picture.current.get(1)).toBe(1);
    expect(await bundle.admit([record(1, 1)])).toEqual({ status: 'known', known: 1 });
  });

  it('takes an id that goes back to earlier content as one more correction', async () => {
    await using bundle = openChunkStore();
    for (const revision of [0, 1, 0]) await bundle.admit([record(1, revision)]);
    const { chunks } = await bundle.picture();
    expect(chunks.map((chunk) => contentsOf(chunk)[0])).toMatchObject([
      { revision: 0, correction: false },
      { revision: 1, correction: true },
      { revision: 0, correction: true },
    ]);
  });

  it('with corrections ignored, takes other content as known and keeps the first', async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ publishCorrections: false });
    await bundle.admit([record(1)], { limits });
    expect(await bundle.admit([record(1, 1)], { limits })).toEqual({ status: 'known', known: 1 });
    expect((await bundle.picture()).current.get(1)).toBe(0);
  });

  it('publishes the last of several rows with one id in one chunk, and only that', async () => {
    await using bundle = openChunkStore();
    const admitted = await bundle.admit([record(1, 5), record(2), record(1, 6)]);
    expect(admitted).toMatchObject({ status: 'stored', stored: 2, known: 1 });
    const picture = await bundle.picture();
    expect(contentsOf(picture.chunks[0]!).filter((content) => !content.done)).toMatchObject([
      { id: 2, revision: 0 },
      { id: 1, revision: 6 },
    ]);
    expect(picture.current.get(1)).toBe(6);
    expect(faultsOf(picture, 1000)).toEqual([]);
  });

  it('lets exactly one of many simultaneous admits of the same records store them', async () => {
    await using bundle = openChunkStore();
    const admitted = await Promise.all(Array.from({ length: 20 }, () => bundle.admit(records(1, 50))));
    expect(admitted.filter((result) => result.status === 'stored')).toHaveLength(1);
    expect(admitted.filter((result) => result.status === 'known')).toHaveLength(19);
  });

  it('takes 2,000 records in one chunk and refuses 2,001, none, and ids of a wrong length', async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ maxRecords: 5000 });
    expect(await bundle.admit(records(1, 2000), { limits })).toMatchObject({ status: 'stored', stored: 2000 });
    await expect(bundle.admit(records(1, 2001), { limits })).rejects.toThrow(RangeError);
    await expect(bundle.admit([])).rejects.toThrow('1 to 2000 records, not 0');
    await expect(bundle.admit([{ ...record(1), id: Buffer.alloc(15) }])).rejects.toThrow('16 bytes, not 15');
    await expect(bundle.admit([{ ...record(1), hash: Buffer.alloc(9) }])).rejects.toThrow('8 bytes, not 9');
    expect((await bundle.picture()).counts.total).toBe(2000);
  });

  it('corrects 2,000 records that are known in the previous generation in one call', async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ maxRecords: 5000 });
    await bundle.admit(records(1, 2000), { limits });
    const rotating = limitsWith({ maxRecords: 5000, dedupeWindowMs: 0 });
    expect(await bundle.admit(records(1, 2000, 1), { limits: rotating })).toMatchObject({
      status: 'stored',
      stored: 2000,
    });
    const { current, chunks } = await bundle.picture();
    expect([...current.values()].every((revision) => revision === 1)).toBe(true);
    expect(contentsOf(chunks[1]!).every((content) => content.correction)).toBe(true);
  });
});

describe('look-up', () => {
  it('classifies in the order given, across many calls, and remembers nothing', async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ maxRecords: 10_000 });
    await bundle.admit(records(0, 2000), { limits });
    const asked = Array.from({ length: 5000 }, (_, at) => record(at % 3 === 0 ? at % 2000 : 10_000 + at, at % 2));
    const sightings = await bundle.store.lookup(bundle.sourceId, asked, limits);
    const expected = asked.map((_, at) => (at % 3 !== 0 ? 'new' : at % 2 === 0 ? 'known' : 'correction'));
    expect(sightings).toEqual(expected);
    expect((await bundle.picture()).current.size).toBe(2000);
  });

  it('with corrections ignored, calls other content known', async () => {
    await using bundle = openChunkStore();
    await bundle.admit([record(1)]);
    const asked = [record(1, 1), record(2, 1)];
    const limits = limitsWith({ publishCorrections: false });
    expect(await bundle.store.lookup(bundle.sourceId, asked, limits)).toEqual(['known', 'new']);
  });

  it('answers nothing for nothing', async () => {
    await using bundle = openChunkStore();
    expect(await bundle.store.lookup(bundle.sourceId, [], limitsWith())).toEqual([]);
  });
});

describe('remember', () => {
  it('makes ids known without storing anything', async () => {
    await using bundle = openChunkStore();
    await bundle.store.remember(bundle.sourceId, records(1, 4500), limitsWith());
    expect(await bundle.admit(records(1, 2000))).toEqual({ status: 'known', known: 2000 });
    const picture = await bundle.picture();
    expect(picture.current.size).toBe(4500);
    expect(picture.chunks).toEqual([]);
  });
});

describe('take', () => {
  it('gives payload, marks, poll, class and time of admission in one command', async () => {
    await using bundle = openChunkStore();
    await bundle.admit([record(1), record(2)]);
    const admitted = [record(1), record(2, 1), record(3)];
    await bundle.admit(admitted, { chunkId: 'c2', priority: 1 });
    const [seconds, micros] = await bundle.redis.time();
    const taken = (await bundle.store.take(bundle.sourceId, 'c2'))!;
    expect(taken).toMatchObject({ chunkId: 'c2', records: 3, pollId: 'poll-1', priority: 1 });
    expect(taken.payload).toEqual(encodePayload(admitted));
    expect(decodePayload(taken.payload)).toHaveLength(3);
    expect([0, 1, 2].map((index) => hasBit(taken.done, index))).toEqual([true, false, false]);
    expect([0, 1, 2].map((index) => hasBit(taken.corrections, index))).toEqual([false, true, false]);
    const now = Number(seconds) * 1000 + Number(micros) / 1000;
    expect(taken.admittedAt).toBeLessThanOrEqual(now);
    expect(taken.admittedAt).toBeGreaterThan(now - 60_000);
  });

  it('gives null for a chunk that is settled or was never there', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 2), { chunkId: 'c1' });
    await bundle.store.settle(bundle.sourceId, 'c1', null, 2);
    expect(await bundle.store.take(bundle.sourceId, 'c1')).toBeNull();
    expect(await bundle.store.take(bundle.sourceId, 'never')).toBeNull();
  });
});

describe('settle', () => {
  it('removes a chunk as a whole, gives its room back and counts what was published', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 10), { chunkId: 'c1' });
    expect(await bundle.store.settle(bundle.sourceId, 'c1', null, 9)).toEqual({ status: 'freed', records: 10 });
    const picture = await bundle.picture();
    expect(picture).toMatchObject({ chunks: [], chunkKeys: [], published: 9, counts: { total: 0, 3: 0 } });
  });

  it('says "gone" the second time and counts nothing twice', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 10), { chunkId: 'c1' });
    await bundle.store.settle(bundle.sourceId, 'c1', null, 10);
    expect(await bundle.store.settle(bundle.sourceId, 'c1', null, 10)).toEqual({ status: 'gone' });
    expect((await bundle.picture()).published).toBe(10);
  });

  it('marks a part as done, gives its room back, and leaves the payload as it is', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 10), { chunkId: 'c1' });
    const settled = await bundle.store.settle(bundle.sourceId, 'c1', bitsAt(10, 0, 3, 9), 3);
    expect(settled).toEqual({ status: 'left', records: 7 });
    const picture = await bundle.picture();
    expect(picture.chunks[0]).toMatchObject({ remaining: 7, records: 10, payload: encodePayload(records(1, 10)) });
    expect(picture.counts).toMatchObject({ total: 7, 3: 7 });
    expect(picture.published).toBe(3);
    expect(faultsOf(picture, 1000)).toEqual([]);
  });

  it('may be repeated with the same part: nothing is freed or counted twice', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 10), { chunkId: 'c1' });
    for (let time = 0; time < 3; time++) {
      const settled = await bundle.store.settle(bundle.sourceId, 'c1', bitsAt(10, 1, 2), 2);
      expect(settled).toEqual({ status: 'left', records: 8 });
    }
    expect(await bundle.picture()).toMatchObject({ published: 2, counts: { total: 8 } });
  });

  it('commutes: parts in either order leave the same', async () => {
    const parts = [bitsAt(10, 0, 1, 2), bitsAt(10, 2, 3)];
    const pictures = [];
    for (const order of [parts, [...parts].reverse()]) {
      await using bundle = openChunkStore();
      await bundle.admit(records(1, 10), { chunkId: 'c1' });
      for (const part of order) await bundle.store.settle(bundle.sourceId, 'c1', part, 0);
      pictures.push(await bundle.picture());
    }
    expect(pictures[0]).toEqual(pictures[1]);
    expect(pictures[0]!.chunks[0]).toMatchObject({ remaining: 6, done: bitsAt(10, 0, 1, 2, 3) });
  });

  it('frees a chunk with the part that completes it, counting records known at admission only there', async () => {
    await using bundle = openChunkStore();
    await bundle.admit([record(1)]);
    await bundle.admit(records(1, 3), { chunkId: 'c2' });
    expect(await bundle.store.settle(bundle.sourceId, 'c2', bitsAt(3, 0, 1), 1)).toEqual({
      status: 'left',
      records: 1,
    });
    expect(await bundle.store.settle(bundle.sourceId, 'c2', bitsAt(3, 2), 1)).toEqual({ status: 'freed', records: 1 });
    expect(await bundle.picture()).toMatchObject({
      published: 2,
      counts: { total: 1 },
      chunkKeys: [expect.any(String)],
    });
  });

  it.each([
    { name: 'bits behind the last record', done: Buffer.from([0, 0b0011_1111]), left: 10 },
    { name: 'a bitmap that is too short', done: Buffer.from([0b1000_0000]), left: 9 },
    { name: 'a bitmap that is too long', done: Buffer.from([0, 0b0100_0000, 255, 255]), left: 9 },
    { name: 'an empty bitmap', done: Buffer.alloc(0), left: 10 },
  ])('is not misled by $name', async ({ done, left }) => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 10), { chunkId: 'c1' });
    expect(await bundle.store.settle(bundle.sourceId, 'c1', done, 10)).toEqual({ status: 'left', records: left });
    const picture = await bundle.picture();
    expect(picture.published).toBe(10 - left);
    expect(faultsOf(picture, 1000)).toEqual([]);
  });
});

describe('counts and totals', () => {
  it('are zero for a source that never had a record', async () => {
    await using bundle = openChunkStore();
    expect(await bundle.store.counts(['firms', 'other'])).toEqual(
      new Map(['firms', 'other'].map((id) => [id, { total: 0, byPriority: { 1: 0, 2: 0, 3: 0, 4: 0 } }])),
    );
    expect(await bundle.store.totals(['firms'])).toEqual(
      new Map([['firms', { published: 0, dropped: 0, earlyRotations: 0 }]]),
    );
    expect(await bundle.store.counts([])).toEqual(new Map());
    expect(await bundle.store.totals([])).toEqual(new Map());
  });

  it('count by class what lies there, and in all what was published and dropped for whatever reason', async () => {
    await using bundle = openChunkStore();
    const reject = limitsWith({ maxRecords: 12, overflow: 'reject' });
    await bundle.admit(records(1, 5), { priority: 1, chunkId: 'c1' });
    await bundle.admit(records(10, 4), { priority: 4 });
    await bundle.admit(records(20, 4), { priority: 2, limits: reject });
    await bundle.admit(records(30, 5), { priority: 4, limits: reject });
    await bundle.store.settle(bundle.sourceId, 'c1', bitsAt(5, 0, 1), 2);
    expect(await bundle.store.counts(['firms'])).toEqual(
      new Map([['firms', { total: 7, byPriority: { 1: 3, 2: 0, 3: 0, 4: 4 } }]]),
    );
    expect(await bundle.store.totals(['firms'])).toEqual(
      new Map([['firms', { published: 2, dropped: 9, earlyRotations: 0 }]]),
    );
  });
});

describe('sources', () => {
  it('do not see each other', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 3));
    const limits = limitsWith();
    expect(await bundle.store.lookup('purpleair', records(1, 3), limits)).toEqual(['new', 'new', 'new']);
    const other = {
      sourceId: 'purpleair',
      chunkId: createChunkId(),
      priority: 3,
      limits,
      records: records(1, 2),
      pollId: 'p',
    } as const;
    expect(await bundle.store.admit(other)).toMatchObject({ status: 'stored', stored: 2 });
    const counts = await bundle.store.counts(['firms', 'purpleair']);
    expect([...counts.values()].map((count) => count.total)).toEqual([3, 2]);
  });
});

describe('the time for which a topic has refused a chunk', () => {
  const forgetAfterMs = 600_000;
  const setup = async () => {
    const bundle = openChunkStore();
    await bundle.admit(records(1, 3), { chunkId: 'c1' });
    const { redis, store, sourceId, keys } = bundle;
    const redisNow = async (): Promise<number> => {
      const [seconds, micros] = await redis.time();
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    };
    return {
      /** Refused for the first and for the last time so long ago, in milliseconds. */
      refusedBefore: async (first: number, last: number) => {
        const now = await redisNow();
        await redis.hset(keys.chunk('c1'), 'refused', `${now - first} ${now - last}`);
      },
      refusedFor: () => store.refusedFor(sourceId, 'c1', forgetAfterMs),
      forget: () => store.forgetRefusal(sourceId, 'c1'),
      isRefused: async () => (await store.take(sourceId, 'c1'))?.isRefused,
      settle: () => store.settle(sourceId, 'c1', null, 3),
      keys: () => redis.keys(`${keys.chunkPrefix}*`),
      [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose](),
    };
  };

  it('begins with the first refusal', async () => {
    await using part = await setup();
    expect(await part.isRefused()).toBe(false);
    expect(await part.refusedFor()).toBe(0);
    expect(await part.isRefused()).toBe(true);
  });

  it.each([
    { name: 'goes on over refusals that follow each other', first: 3_000_000, last: 590_000, atLeast: 3_000_000 },
    { name: 'begins anew when the last one is long ago', first: 3_000_000, last: 601_000, atLeast: 0 },
  ])('$name', async ({ first, last, atLeast }) => {
    await using part = await setup();
    await part.refusedBefore(first, last);
    const refusedFor = await part.refusedFor();
    expect(refusedFor).toBeGreaterThanOrEqual(atLeast);
    expect(refusedFor < 600_000).toBe(atLeast === 0);
    // This refusal is the last by now.
    expect(await part.refusedFor()).toBeGreaterThanOrEqual(refusedFor);
  });

  it('begins anew after it was forgotten', async () => {
    await using part = await setup();
    await part.refusedBefore(300_000, 1_000);
    await part.forget();
    expect(await part.isRefused()).toBe(false);
    expect(await part.refusedFor()).toBe(0);
  });

  it('does not bring back a chunk that is settled', async () => {
    await using part = await setup();
    await part.settle();
    expect(await part.refusedFor()).toBe(0);
    await part.forget();
    expect(await part.keys()).toEqual([]);
  });
});
