// queue.keepDropped on a real Redis: what a full queue drops is set aside in the step that drops it, and becomes dead letters.
import { type Job, Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import type { DeadLetterJobData } from '../../src/jobs/payloads.ts';
import { deadLetterQueueAddress } from '../../src/queues/bullmq.ts';
import type { ChunkLimits } from '../../src/queues/chunk-store.ts';
import { createAddFittingLetters } from '../../src/queues/dead-letters/add-fitting-letters.ts';
import { keepDropped } from '../../src/queues/dead-letters/dropped-letters.ts';
import {
  createLetterStocks,
  createLettersFull,
  type LetterLimits,
} from '../../src/queues/dead-letters/letter-stock.ts';
import { deadLetterJobId } from '../../src/queues/dead-letters.ts';
import { createDroppedChunks } from '../../src/queues/dropped-chunks.ts';
import { encodePayload } from '../../src/records/payload.ts';
import { faultsOf, openChunkStore } from './chunk-store-bundle.ts';
import { limitsWith, record, records } from './small-records.ts';

const roomForAll: LetterLimits = { maxRecords: 100_000, maxBytes: 1e9 };

/** A store whose dropped chunks become letters in a queue of its own. */
const setup = (letterLimits: LetterLimits = roomForAll) => {
  const bundle = openChunkStore();
  const { redis, keyPrefix, sourceId, keys } = bundle;
  const { name, prefix } = deadLetterQueueAddress(keyPrefix, sourceId);
  const letters: Queue<DeadLetterJobData> = new Queue(name, { connection: redis, prefix });
  const dropped = createDroppedChunks(redis, keyPrefix);
  const stocks = createLetterStocks(redis, keyPrefix);
  const deps = {
    dropped,
    lettersFull: createLettersFull(stocks, letterLimits, 'half'),
    addLetters: createAddFittingLetters(
      { redis, queue: () => letters },
      { keyPrefix, limits: letterLimits, share: 'half' },
    ),
  };
  const list = (forMs = 0) => dropped.list(sourceId, forMs, 100);
  const lettersThere = async (): Promise<readonly Job<DeadLetterJobData>[]> =>
    (await letters.getJobs(['waiting'])).sort((a, b) => String(a.id).localeCompare(String(b.id)));
  return {
    ...bundle,
    dropped,
    deps,
    list,
    lettersThere,
    keep: async () => keepDropped(deps, sourceId, await list()),
    kept: async () => Number(await redis.hget(keys.count, 'kept')),
    [Symbol.asyncDispose]: async () => {
      await letters.close();
      await bundle[Symbol.asyncDispose]();
    },
  };
};

const keeping = (changes: Partial<ChunkLimits>): ChunkLimits => limitsWith({ keepDropped: true, ...changes });
const jobIdOf = (id: number, revision = 0): string => {
  const { id: bytes, hash } = record(id, revision);
  return deadLetterJobId(bytes.toString('base64url'), hash, 0);
};

describe('a chunk that makes room', () => {
  it('is set aside in the same step, outside the cap; its letters hold what was left of it', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 6, overflow: 'drop_oldest' });
    await part.admit(records(1, 4), { chunkId: 'old', limits, priority: 4 });
    await part.store.settle(part.sourceId, 'old', Buffer.from([0b1000_0000]), 1);
    expect(await part.admit(records(11, 6), { chunkId: 'new', limits })).toEqual({
      status: 'stored',
      stored: 6,
      known: 0,
      evicted: [{ chunkId: 'old', records: 3, priority: 4, isKept: true }],
    });
    const picture = await part.picture();
    expect(faultsOf(picture, 6)).toEqual([]);
    expect(picture).toMatchObject({ chunkKeys: ['new'], dropped: { '4:evicted': 3 }, counts: { total: 6, kept: 3 } });
    expect(await part.keep()).toEqual({ letters: 3, lost: 0, full: null });

    const there = await part.lettersThere();
    expect(there.map(({ id }) => id)).toEqual([2, 3, 4].map((id) => jobIdOf(id)).sort());
    expect(there.map(({ name }) => name)).toEqual(['dropped', 'dropped', 'dropped']);
    expect(there.find(({ id }) => id === jobIdOf(2))?.data).toMatchObject({
      sourceId: part.sourceId,
      code: 'dropped',
      reason: 'dropped for newer or more urgent records: the queue was full (queue.overflow: drop_oldest)',
      topic: null,
      record: { id: 2, r: 0 },
      key: 'key-2',
      attempts: [],
      pollId: 'poll-1',
      replays: 0,
      isCorrection: false,
    });
    expect(Date.parse(there[0]!.data.lastFailedAt)).toBeGreaterThan(1_700_000_000_000);
    expect(await part.list()).toEqual([]);
    expect(await part.kept()).toBe(0);
    expect(await part.redis.keys(`${part.keyPrefix}:*dropped-chunk*`)).toEqual([]);
  });

  it('tells in its letters which sends had failed before', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 2, overflow: 'drop_lowest' });
    await part.admit([record(1)], { chunkId: 'old', limits });
    const attempts = [{ at: '2026-01-04T00:00:00.000Z', error: 'not today' }];
    await part.store.noteTries(part.sourceId, 'old', { made: 1, attempts });
    await part.admit(records(11, 2), { limits });
    await part.keep();
    const [letter] = await part.lettersThere();
    expect(letter?.data).toMatchObject({ attempts, firstFailedAt: attempts[0]!.at });
    expect(letter!.data.lastFailedAt > attempts[0]!.at).toBe(true);
  });

  it('that is a correction becomes the letter of a correction', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 2, overflow: 'drop_oldest' });
    await part.admit([record(1)], { chunkId: 'first', limits });
    await part.store.settle(part.sourceId, 'first', null, 1);
    await part.admit([record(1, 7), record(2)], { limits });
    await part.admit(records(11, 2), { limits });
    await part.keep();
    const there = await part.lettersThere();
    expect(there.map(({ id, data }) => [id, (data as { isCorrection?: boolean }).isCorrection])).toEqual(
      [
        [jobIdOf(1, 7), true],
        [jobIdOf(2), false],
      ].sort(([a], [b]) => String(a).localeCompare(String(b))),
    );
  });
});

describe('a newcomer that finds no room', () => {
  it('is set aside, without what was known of it, and remembered: it is dropped once', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 4, overflow: 'drop_lowest' });
    await part.admit(records(1, 4), { limits, priority: 1 });
    const newcomer = [record(1), ...records(11, 2)];
    const dropped = { status: 'dropped', dropped: 2, known: 1, isKept: true };
    expect(await part.admit(newcomer, { chunkId: 'new', limits, priority: 4 })).toEqual(dropped);
    expect(await part.admit(newcomer, { limits, priority: 4 })).toEqual({ status: 'known', known: 3 });
    expect(await part.keep()).toEqual({ letters: 2, lost: 0, full: null });
    const there = await part.lettersThere();
    expect(there.map(({ id }) => id)).toEqual([jobIdOf(11), jobIdOf(12)].sort());
    expect(there[0]?.data.reason).toBe(
      'dropped when it came: the queue was full, and not enough in it could make room (queue.overflow: drop_lowest)',
    );
    expect(faultsOf(await part.picture(), 4)).toEqual([]);
  });

  it.each(['reject', 'backpressure'] as const)(
    'is not kept under %s: a later poll brings it again',
    async (overflow) => {
      await using part = setup();
      const limits = keeping({ maxRecords: 4, overflow });
      await part.admit(records(1, 4), { limits });
      await part.admit(records(11, 2), { limits });
      expect(await part.list()).toEqual([]);
      expect(await part.redis.keys(`${part.keyPrefix}:*dropped-chunk*`)).toEqual([]);
    },
  );
});

describe('what is set aside', () => {
  it('is nothing unless it is to be kept', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 2, overflow: 'drop_oldest', keepDropped: false });
    await part.admit(records(1, 2), { limits });
    await part.admit(records(11, 2), { limits });
    await part.admit(records(21, 3), { limits });
    expect(await part.list()).toEqual([]);
    expect(await part.redis.keys(`${part.keyPrefix}:*dropped-chunk*`)).toEqual([]);
  });

  it('is never more than the cap: the rest is dropped as if nothing were kept', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 10, overflow: 'drop_oldest' });
    const kept: boolean[] = [];
    for (let chunk = 0; chunk < 6; chunk++) {
      const admitted = await part.admit(records(chunk * 10, 4), { limits });
      if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
      for (const victim of admitted.evicted) kept.push(victim.isKept === true);
    }
    expect(kept).toEqual([true, true, false, false]);
    expect(await part.kept()).toBe(8);
    expect(faultsOf(await part.picture(), 10)).toEqual([]);
    expect(await part.keep()).toEqual({ letters: 8, lost: 0, full: null });
    expect(await part.kept()).toBe(0);
  });

  it('is listed by how long it has lain there', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 6, overflow: 'drop_oldest' });
    for (const [at, chunkId] of ['a', 'b', 'c', 'd'].entries())
      await part.admit(records(at * 10, 3), { chunkId, limits });
    expect(new Set(await part.list())).toEqual(new Set(['a', 'b']));
    await part.redis.zincrby(part.keys.droppedChunks, -10_000, 'b');
    expect(await part.list(10_000)).toEqual(['b']);
  });

  it('can be kept by several at once, and again by one that was killed before it removed it', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 100, overflow: 'drop_oldest' });
    await part.admit(records(1, 100), { limits });
    await part.admit(records(1001, 100), { limits });
    const killed = { ...part.deps, dropped: { ...part.dropped, remove: () => Promise.reject(new Error('killed')) } };
    await expect(keepDropped(killed, part.sourceId, await part.list())).rejects.toThrow('killed');
    expect(await part.lettersThere()).toHaveLength(100);
    expect(await part.list()).toHaveLength(1);
    const ids = await part.list();
    await Promise.all([1, 2, 3].map(() => keepDropped(part.deps, part.sourceId, ids)));
    expect(await part.lettersThere()).toHaveLength(100);
    expect(await part.kept()).toBe(0);
    expect(await keepDropped(part.deps, part.sourceId, ids)).toEqual({ letters: 0, lost: 0, full: null });
  });

  it('is lost, told and removed where there is no room for more letters; it never waits', async () => {
    await using part = setup({ maxRecords: 10, maxBytes: 1e9 });
    const limits = keeping({ maxRecords: 4, overflow: 'drop_oldest' });
    await part.admit(records(1, 4), { limits });
    await part.admit(records(11, 4), { limits });
    expect(await part.keep()).toEqual({ letters: 4, lost: 0, full: null });
    await part.admit(records(21, 4), { limits });
    const full = expect.stringContaining('5 dead letters of 10 allowed');
    expect(await part.keep()).toEqual({ letters: 1, lost: 3, full });
    await part.admit(records(31, 4), { limits });
    expect(await part.keep()).toEqual({ letters: 0, lost: 4, full });
    expect(await part.list()).toEqual([]);
    expect(await part.kept()).toBe(0);
    expect(await part.lettersThere()).toHaveLength(5);
  });

  it('becomes one letter if its payload is damaged, and waits for a newer process if that wrote it', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 6, overflow: 'drop_oldest' });
    for (const [at, chunkId] of ['damaged', 'newer', 'third', 'last'].entries())
      await part.admit(records(at * 10, 3), { chunkId, limits });
    await part.redis.hset(part.keys.droppedChunk('damaged'), 'v', Buffer.from([1, 255]));
    const newer = Buffer.from(encodePayload(records(10, 3)));
    newer.writeUInt8(200, 0);
    await part.redis.hset(part.keys.droppedChunk('newer'), 'v', newer);
    expect(await part.keep()).toEqual({ letters: 1, lost: 0, full: null });
    expect((await part.lettersThere()).map(({ data }) => data.code)).toEqual(['payload_damaged']);
    expect(await part.list()).toEqual([]);
    expect(await part.kept()).toBe(3);
    // The newer process finds it, with the time at which it was dropped, and once more if it is killed.
    const after = createDroppedChunks(part.redis, part.keyPrefix, 200);
    for (let time = 1; time <= 2; time += 1) {
      expect(await after.list(part.sourceId, 0, 100)).toEqual(['newer']);
      expect(Date.now() - (await after.read(part.sourceId, 'newer'))!.droppedAt).toBeLessThan(3_600_000);
      await after.leave(part.sourceId, 'newer', 200);
    }
    expect(await after.list(part.sourceId, 3_600_000, 100)).toEqual([]);
    expect(await createDroppedChunks(part.redis, part.keyPrefix, 199).list(part.sourceId, 0, 100)).toEqual([]);
    expect(await after.remove(part.sourceId, 'newer')).toBe(3);
    expect(await after.list(part.sourceId, 0, 100)).toEqual([]);
    await after.leave(part.sourceId, 'newer', 200);
    expect(await part.redis.exists(part.keys.droppedChunks)).toBe(0);
  });

  it('is not held up by what a newer process has to read, however much of that was dropped before', async () => {
    await using part = setup();
    const limits = keeping({ maxRecords: 10, overflow: 'drop_oldest' });
    for (let id = 0; id < 10; id += 1) await part.admit([record(id)], { chunkId: `c${id}`, limits });
    await part.admit(records(100, 10), { limits });
    for (let id = 0; id < 8; id += 1) {
      const newer = Buffer.from(encodePayload([record(id)]));
      newer.writeUInt8(2, 0);
      await part.redis.hset(part.keys.droppedChunk(`c${id}`), 'v', newer);
    }
    // As rounds do it: so many at a time, and as long as there are any.
    const rounds: string[][] = [];
    for (let ids = await part.list(); ids.length > 0 && rounds.length < 20; ids = await part.list()) {
      rounds.push(ids.slice(0, 4));
      await keepDropped(part.deps, part.sourceId, ids.slice(0, 4));
    }
    expect(rounds).toHaveLength(3);
    expect((await part.lettersThere()).map(({ id }) => id)).toEqual([8, 9].map((id) => jobIdOf(id)).sort());
    expect(await createDroppedChunks(part.redis, part.keyPrefix, 2).list(part.sourceId, 0, 5)).toHaveLength(5);
  });
});
