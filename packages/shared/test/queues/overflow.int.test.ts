// What a full queue does with a newcomer, mode by mode (guarantee 5).
import { describe, expect, it } from 'vitest';
import type { OverflowMode } from '../../src/config/overflow-modes.ts';
import { createFailedChunks } from '../../src/queues/failed-chunks.ts';
import { maxExamined } from '../../src/queues/scripts/eviction.ts';
import type { PriorityClass } from '../../src/records/priority.ts';
import { type ChunkStoreBundle, faultsOf, openChunkStore } from './chunk-store-bundle.ts';
import { limitsWith, record, records } from './small-records.ts';

/** Fills a queue of 12 records: the id says class and age. */
const fill = async (bundle: ChunkStoreBundle, chunks: Readonly<Record<string, PriorityClass>>): Promise<void> => {
  let first = 1;
  for (const [chunkId, priority] of Object.entries(chunks)) {
    await bundle.admit(records(first, 3), { chunkId, priority });
    first += 3;
  }
};

const full = { normalA: 3, lowB: 4, highC: 2, lowD: 4 } as const;
const newcomer = (count: number) => records(1001, count);
const cap12 = (overflow: OverflowMode) => limitsWith({ maxRecords: 12, overflow });

describe('a queue with room', () => {
  it.each(['backpressure', 'drop_oldest', 'drop_lowest', 'reject'] as const)(
    'stores to the last record under %s',
    async (overflow) => {
      await using bundle = openChunkStore();
      const limits = limitsWith({ maxRecords: 5, overflow });
      expect(await bundle.admit(records(1, 2), { limits })).toMatchObject({ status: 'stored', evicted: [] });
      expect(await bundle.admit(records(3, 3), { limits })).toMatchObject({ status: 'stored', evicted: [] });
      expect((await bundle.picture()).counts.total).toBe(5);
    },
  );
});

describe('backpressure', () => {
  it('says "full" and changes nothing, so that the same chunk goes in when there is room', async () => {
    await using bundle = openChunkStore();
    await fill(bundle, full);
    const before = await bundle.picture();
    const mixed = [record(1), ...newcomer(3)];
    expect(await bundle.admit(mixed, { limits: cap12('backpressure') })).toEqual({
      status: 'full',
      known: 1,
      total: 12,
    });
    expect(await bundle.picture()).toEqual(before);
    await bundle.store.settle(bundle.sourceId, 'lowB', null, 3);
    expect(await bundle.admit(mixed, { limits: cap12('backpressure') })).toMatchObject({ status: 'stored', stored: 3 });
  });
});

describe('reject', () => {
  it('refuses the newcomer, counts each refusal and does not remember it', async () => {
    await using bundle = openChunkStore();
    await fill(bundle, full);
    const before = await bundle.picture();
    for (let poll = 1; poll <= 2; poll++) {
      const refused = await bundle.admit([record(1), ...newcomer(2)], { limits: cap12('reject'), priority: 2 });
      expect(refused).toEqual({ status: 'rejected', dropped: 2, known: 1 });
      expect(await bundle.picture()).toEqual({ ...before, dropped: { '2:rejected': poll * 2 } });
    }
    await bundle.store.settle(bundle.sourceId, 'lowB', null, 3);
    expect(await bundle.admit(newcomer(2), { limits: cap12('reject') })).toMatchObject({ status: 'stored' });
  });
});

describe('eviction', () => {
  it.each<{ name: string; overflow: OverflowMode; priority: PriorityClass; count: number; evicted: string[] }>([
    {
      name: 'drop_oldest takes the oldest of all',
      overflow: 'drop_oldest',
      priority: 1,
      count: 1,
      evicted: ['normalA'],
    },
    {
      name: 'drop_oldest takes as many as are needed',
      overflow: 'drop_oldest',
      priority: 1,
      count: 7,
      evicted: ['normalA', 'lowB', 'highC'],
    },
    {
      name: 'drop_oldest leaves more urgent classes alone',
      overflow: 'drop_oldest',
      priority: 3,
      count: 9,
      evicted: ['normalA', 'lowB', 'lowD'],
    },
    { name: 'drop_oldest takes its own class', overflow: 'drop_oldest', priority: 4, count: 3, evicted: ['lowB'] },
    {
      name: 'drop_lowest takes the oldest of the lowest class',
      overflow: 'drop_lowest',
      priority: 1,
      count: 3,
      evicted: ['lowB'],
    },
    {
      name: 'drop_lowest goes up class by class',
      overflow: 'drop_lowest',
      priority: 1,
      count: 12,
      evicted: ['lowB', 'lowD', 'normalA', 'highC'],
    },
    {
      name: 'drop_lowest leaves more urgent classes alone',
      overflow: 'drop_lowest',
      priority: 3,
      count: 9,
      evicted: ['lowB', 'lowD', 'normalA'],
    },
  ])('$name', async ({ overflow, priority, count, evicted }) => {
    await using bundle = openChunkStore();
    await fill(bundle, full);
    const admitted = await bundle.admit(newcomer(count), { limits: cap12(overflow), priority, chunkId: 'newcomer' });
    expect(admitted).toEqual({
      status: 'stored',
      stored: count,
      known: 0,
      // The ids say it: full names the class of each.
      evicted: evicted.map((chunkId) => ({ chunkId, records: 3, priority: full[chunkId as keyof typeof full] })),
    });
    const picture = await bundle.picture();
    const left = [...Object.keys(full).filter((chunkId) => !evicted.includes(chunkId)), 'newcomer'];
    expect(picture.chunkKeys).toEqual(left.sort());
    expect(faultsOf(picture, 12)).toEqual([]);
    const byClass: Record<string, number> = {};
    for (const chunkId of evicted) {
      const reason = `${full[chunkId as keyof typeof full]}:evicted`;
      byClass[reason] = (byClass[reason] ?? 0) + 3;
    }
    expect(picture.dropped).toEqual(byClass);
    expect(picture.current.size).toBe(12 + count);
  });

  it.each<{ name: string; overflow: OverflowMode; priority: PriorityClass; count: number }>([
    { name: 'drop_oldest, all others more urgent', overflow: 'drop_oldest', priority: 4, count: 7 },
    { name: 'drop_lowest, too little below', overflow: 'drop_lowest', priority: 3, count: 10 },
  ])(
    'removes nothing if not enough may go; the newcomer is dropped, remembered and counted once ($name)',
    async ({ overflow, priority, count }) => {
      await using bundle = openChunkStore();
      await fill(bundle, full);
      const before = await bundle.picture();
      const options = { limits: cap12(overflow), priority };
      expect(await bundle.admit([record(1), ...newcomer(count)], options)).toEqual({
        status: 'dropped',
        dropped: count,
        known: 1,
      });
      const after = await bundle.picture();
      expect(after).toEqual({
        ...before,
        current: new Map([...before.current, ...newcomer(count).map((_, at) => [1001 + at, 0] as const)]),
        dropped: { [`${priority}:no_room`]: count },
      });
      expect(await bundle.admit([record(1), ...newcomer(count)], options)).toEqual({
        status: 'known',
        known: count + 1,
      });
    },
  );

  it('passes over chunks that a worker holds and chunks that are kept', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 3), { chunkId: 'held' });
    await bundle.admit(records(4, 3), { chunkId: 'kept', keep: true });
    await bundle.admit(records(7, 3), { chunkId: 'waiting' });
    await bundle.admit(records(10, 3), { chunkId: 'waiting2' });
    await bundle.hold('held');
    expect(await bundle.admit(newcomer(4), { limits: cap12('drop_oldest') })).toMatchObject({
      status: 'stored',
      evicted: [{ chunkId: 'waiting' }, { chunkId: 'waiting2' }],
    });
    expect(await bundle.admit(records(2001, 4), { limits: cap12('drop_lowest'), priority: 1 })).toMatchObject({
      status: 'stored',
    });
    expect(await bundle.admit(records(3001, 3), { limits: cap12('drop_lowest') })).toMatchObject({ status: 'dropped' });
    expect((await bundle.picture()).chunkKeys).toEqual(expect.arrayContaining(['held', 'kept']));
  });

  it('passes over a chunk that is claimed for the dead letters: its records are no drops', async () => {
    await using bundle = openChunkStore();
    await bundle.admit(records(1, 6), { chunkId: 'failed' });
    await bundle.admit(records(7, 6), { chunkId: 'waiting' });
    await bundle.redis.zadd(`${bundle.jobs}failed`, 1, 'failed');
    const failed = createFailedChunks({ redis: bundle.redis, now: Date.now }, { keyPrefix: bundle.keyPrefix });
    expect(await failed.claim(bundle.sourceId, 'failed')).not.toBeNull();
    expect(await bundle.admit(newcomer(6), { limits: cap12('drop_oldest') })).toMatchObject({
      status: 'stored',
      evicted: [{ chunkId: 'waiting' }],
    });
    expect(await bundle.admit(records(2001, 7), { limits: cap12('drop_lowest') })).toMatchObject({ status: 'dropped' });
    expect((await bundle.picture()).chunkKeys).toContain('failed');
    // Given back, it is a chunk like the others.
    await failed.release(bundle.sourceId, 'failed');
    expect(await bundle.admit(records(3001, 6), { limits: cap12('drop_oldest') })).toMatchObject({
      evicted: [{ chunkId: 'failed' }],
    });
  });

  it('lets a chunk go whose holder has lost its lock', async () => {
    await using bundle = openChunkStore();
    await fill(bundle, full);
    await bundle.hold('normalA');
    await bundle.redis.del(`${bundle.jobs}normalA:lock`);
    const admitted = await bundle.admit(newcomer(3), { limits: cap12('drop_oldest') });
    expect(admitted).toMatchObject({ evicted: [{ chunkId: 'normalA' }] });
  });

  it('counts of a chunk published in part only what is left of it', async () => {
    await using bundle = openChunkStore();
    await fill(bundle, full);
    await bundle.store.settle(bundle.sourceId, 'normalA', Buffer.from([0b1000_0000]), 1);
    const admitted = await bundle.admit(newcomer(3), { limits: cap12('drop_oldest') });
    expect(admitted).toMatchObject({ evicted: [{ chunkId: 'normalA', records: 2 }] });
    const picture = await bundle.picture();
    expect(picture.dropped).toEqual({ '3:evicted': 2 });
    expect(faultsOf(picture, 12)).toEqual([]);
  });

  it('makes room only for what is new in the newcomer', async () => {
    await using bundle = openChunkStore();
    await fill(bundle, full);
    const admitted = await bundle.admit([...records(1, 12), ...newcomer(2)], {
      limits: cap12('drop_lowest'),
      chunkId: 'newcomer',
    });
    expect(admitted).toMatchObject({ status: 'stored', stored: 2, known: 12, evicted: [{ chunkId: 'lowB' }] });
    expect((await bundle.picture()).counts.total).toBe(11);
  });

  it('drops a newcomer that is larger than the queue, and nobody else for it', async () => {
    await using bundle = openChunkStore();
    await fill(bundle, full);
    expect(await bundle.admit(newcomer(13), { limits: cap12('drop_oldest'), priority: 1 })).toMatchObject({
      status: 'dropped',
    });
    expect((await bundle.picture()).chunkKeys).toHaveLength(4);
  });

  it('finds 500 victims of one record behind 200 that are held', async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ maxRecords: 700, overflow: 'drop_oldest' });
    for (let id = 0; id < 700; id++) await bundle.admit([record(id)], { chunkId: `c${id}`, limits });
    await Promise.all(Array.from({ length: 200 }, (_, id) => bundle.hold(`c${id}`)));
    const admitted = await bundle.admit(newcomer(500), { limits });
    if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
    expect(admitted.evicted.map((chunk) => chunk.chunkId)).toEqual(
      Array.from({ length: 500 }, (_, at) => `c${200 + at}`),
    );
    expect(faultsOf(await bundle.picture(), 700)).toEqual([]);
  });

  it(`looks at no more than ${maxExamined} chunks for one newcomer`, async () => {
    await using bundle = openChunkStore();
    const limits = limitsWith({ maxRecords: maxExamined + 1, overflow: 'drop_oldest' });
    const ids = Array.from({ length: maxExamined + 1 }, (_, id) => id);
    await Promise.all(
      ids.map((id) => bundle.admit([record(id)], { chunkId: `c${id}`, limits, keep: id < maxExamined })),
    );
    const admit = (id: number) => bundle.admit([record(id)], { limits });
    expect(await admit(100_000)).toMatchObject({ status: 'dropped' });
    await bundle.store.settle(bundle.sourceId, 'c0', null, 1);
    expect(await admit(100_001)).toMatchObject({ status: 'stored', evicted: [] });
    expect(await admit(100_002)).toMatchObject({ status: 'stored', evicted: [{ chunkId: `c${maxExamined}` }] });
  });
});

describe('a cap that was lowered under a queue of many small chunks', () => {
  /** Chunks of one record: more than one call looks at. */
  const fillWith = async (bundle: ChunkStoreBundle, count: number, kept = 0): Promise<void> => {
    const limits = limitsWith({ maxRecords: count });
    for (let from = 0; from < count; from += 500)
      await Promise.all(
        Array.from({ length: Math.min(500, count - from) }, (_, at) =>
          bundle.admit([record(from + at)], { chunkId: `c${from + at}`, limits, keep: from + at < kept }),
        ),
      );
  };
  const many = 2 * maxExamined + 500;

  it.each(['drop_oldest', 'drop_lowest'] as const)(
    'lets the newest in under %s: the oldest go, call by call, until it fits',
    async (overflow) => {
      await using bundle = openChunkStore();
      await fillWith(bundle, many);
      const limits = limitsWith({ maxRecords: 1000, overflow });
      const admitted = await bundle.admit(records(100_000, 100), { limits, chunkId: 'newest' });
      if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
      expect(admitted.stored).toBe(100);
      // To the record: 900 of the old ones stay, and they are the youngest.
      expect(admitted.evicted.map(({ chunkId }) => chunkId)).toEqual(
        Array.from({ length: many - 900 }, (_, at) => `c${at}`),
      );
      const picture = await bundle.picture();
      expect(picture.dropped).toEqual({ '3:evicted': many - 900 });
      expect(picture.chunkKeys).toContain('newest');
      expect(faultsOf(picture, 1000)).toEqual([]);
    },
  );

  it('passes over those that may not go, however many stand in front', async () => {
    await using bundle = openChunkStore();
    await fillWith(bundle, many, maxExamined + 100);
    const limits = limitsWith({ maxRecords: maxExamined + 200, overflow: 'drop_oldest' });
    expect(await bundle.admit(records(100_000, 100), { limits })).toMatchObject({ status: 'stored', stored: 100 });
    const picture = await bundle.picture();
    expect(picture.chunks.filter(({ keep }) => keep)).toHaveLength(maxExamined + 100);
    expect(faultsOf(picture, maxExamined + 200)).toEqual([]);
    // Now nothing but those that are kept and the last newcomer is left.
    expect(await bundle.admit(records(200_000, 101), { limits })).toMatchObject({ status: 'dropped' });
  });

  it('still drops a newcomer that cannot fit, and tells what went beyond the cap all the same', async () => {
    await using bundle = openChunkStore();
    await fillWith(bundle, many, 1000);
    const limits = limitsWith({ maxRecords: 1050, overflow: 'drop_oldest' });
    const admitted = await bundle.admit(records(100_000, 51), { limits });
    expect(admitted).toMatchObject({ status: 'dropped', dropped: 51 });
    const { counts, dropped } = await bundle.picture();
    const evicted = 'evicted' in admitted ? admitted.evicted : [];
    expect(dropped).toEqual({ '3:evicted': evicted?.length, '3:no_room': 51 });
    expect(counts.total).toBe(many - (evicted?.length ?? 0));
    expect(counts.total).toBeGreaterThanOrEqual(1050);
    // One that fits goes in.
    expect(await bundle.admit(records(200_000, 50), { limits })).toMatchObject({ status: 'stored' });
    expect((await bundle.picture()).counts.total).toBe(1050);
  });

  it('sets aside what is to be kept, as many records as the new cap allows', async () => {
    await using bundle = openChunkStore();
    await fillWith(bundle, many);
    const limits = limitsWith({ maxRecords: 1000, overflow: 'drop_oldest', keepDropped: true });
    const admitted = await bundle.admit(records(100_000, 100), { limits });
    if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
    expect(admitted.evicted.map(({ isKept }) => isKept === true)).toEqual(
      Array.from({ length: many - 900 }, (_, at) => at < 1000),
    );
    const picture = await bundle.picture();
    expect(picture.setAside).toHaveLength(1000);
    expect(faultsOf(picture, 1000)).toEqual([]);
  });

  it('counts nothing twice when several polls come at once, and holds for each of them', async () => {
    await using bundle = openChunkStore();
    await fillWith(bundle, many);
    const limits = limitsWith({ maxRecords: 1000, overflow: 'drop_oldest' });
    const polls = [1, 2, 3, 4].map((poll) => bundle.admit(records(poll * 100_000, 100), { limits }));
    const results = await Promise.all(polls);
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('stored'));
    const evicted = results.flatMap((result) => ('evicted' in result ? (result.evicted ?? []) : []));
    expect(new Set(evicted.map(({ chunkId }) => chunkId)).size).toBe(evicted.length);
    const picture = await bundle.picture();
    expect(picture.dropped).toEqual({ '3:evicted': many - 600 });
    expect(picture.counts.total).toBe(1000);
    expect(faultsOf(picture, 1000)).toEqual([]);
  });
});

describe('the critical reserve', () => {
  const reserve = (overflow: OverflowMode) => limitsWith({ maxRecords: 10, criticalReserve: 4, overflow });

  it('is closed to lower chunks and open to critical ones', async () => {
    await using bundle = openChunkStore();
    const limits = reserve('backpressure');
    expect(await bundle.admit(records(1, 6), { limits, priority: 2 })).toMatchObject({ status: 'stored' });
    expect(await bundle.admit(records(11, 1), { limits, priority: 2 })).toMatchObject({ status: 'full', total: 6 });
    expect(await bundle.admit(records(21, 4), { limits, priority: 1 })).toMatchObject({ status: 'stored' });
    expect(await bundle.admit(records(31, 1), { limits, priority: 1 })).toMatchObject({ status: 'full', total: 10 });
  });

  it('counts what critical records take outside the reserve', async () => {
    await using bundle = openChunkStore();
    const limits = reserve('backpressure');
    await bundle.admit(records(1, 4), { limits, priority: 1 });
    expect(await bundle.admit(records(11, 3), { limits })).toMatchObject({ status: 'full', total: 4 });
    expect(await bundle.admit(records(11, 2), { limits })).toMatchObject({ status: 'stored' });
  });

  it('holds under eviction too: a lower newcomer must fit under its own limit', async () => {
    await using bundle = openChunkStore();
    const limits = reserve('drop_oldest');
    await bundle.admit(records(1, 6), { limits, chunkId: 'low', priority: 4 });
    await bundle.admit(records(11, 4), { limits, chunkId: 'critical', priority: 1 });
    const admitted = await bundle.admit(records(21, 2), { limits, priority: 3 });
    expect(admitted).toMatchObject({ status: 'stored', evicted: [{ chunkId: 'low' }] });
    expect(await bundle.admit(records(31, 3), { limits, priority: 3 })).toMatchObject({ status: 'dropped' });
    expect((await bundle.picture()).counts.total).toBe(6);
  });

  it.each<{ overflow: OverflowMode; low: object; critical: object; next: object }>([
    {
      overflow: 'backpressure',
      low: { status: 'full', total: 6 },
      critical: { status: 'stored', evicted: [] },
      next: { status: 'full', total: 10 },
    },
    {
      overflow: 'reject',
      low: { status: 'rejected', dropped: 1 },
      critical: { status: 'stored', evicted: [] },
      next: { status: 'rejected', dropped: 1 },
    },
    {
      overflow: 'drop_oldest',
      low: { status: 'stored', evicted: [{ chunkId: 'old' }] },
      critical: { status: 'stored', evicted: [] },
      next: { status: 'stored', evicted: [{ chunkId: 'normal' }] },
    },
    {
      overflow: 'drop_lowest',
      low: { status: 'stored', evicted: [{ chunkId: 'old' }] },
      critical: { status: 'stored', evicted: [] },
      next: { status: 'stored', evicted: [{ chunkId: 'low' }] },
    },
  ])(
    'under $overflow is for critical records only: a lower newcomer meets the end of the open part, a critical one that of the cap',
    async ({ overflow, low, critical, next }) => {
      await using bundle = openChunkStore();
      const limits = reserve(overflow);
      await bundle.admit(records(1, 3), { limits, chunkId: 'old', priority: 4 });
      await bundle.admit(records(11, 3), { limits, chunkId: 'normal', priority: 3 });
      expect(await bundle.admit([record(21)], { limits, chunkId: 'low', priority: 4 })).toMatchObject(low);
      const lying = (await bundle.picture()).counts.total ?? 0;
      expect(await bundle.admit(records(31, 10 - lying), { limits, priority: 1 })).toMatchObject(critical);
      expect((await bundle.picture()).counts.total).toBe(10);
      expect(await bundle.admit([record(51)], { limits, chunkId: 'next', priority: 1 })).toMatchObject(next);
      expect(faultsOf(await bundle.picture(), 10)).toEqual([]);
    },
  );

  it('lets a critical newcomer evict up to the whole cap', async () => {
    await using bundle = openChunkStore();
    const limits = reserve('drop_lowest');
    await bundle.admit(records(1, 6), { limits, chunkId: 'low', priority: 4 });
    const admitted = await bundle.admit(records(11, 5), { limits, priority: 1 });
    expect(admitted).toMatchObject({ status: 'stored', evicted: [{ chunkId: 'low' }] });
  });
});
