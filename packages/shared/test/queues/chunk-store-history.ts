// Runs a history on a source of its own, on the real store with a real BullMQ queue beside it, and on the model. After
// each act: the answer is the model's, what lies in Redis is the model's, and the account of every record is right.
import { expect } from 'vitest';
import type { OverflowMode } from '../../src/config/overflow-modes.ts';
import type { AdmitRequest } from '../../src/queues/chunk-store.ts';
import { droppedLettersOf } from '../../src/queues/dead-letters/dropped-letters.ts';
import { createDroppedChunks } from '../../src/queues/dropped-chunks.ts';
import { addChunkJobs, removeEvictedJobs, sweepSource } from '../../src/queues/records-queue.ts';
import { emptyBitmap, hasBit, setBit } from '../../src/records/bitmap.ts';
import { contentsOf, faultsOf, type Picture } from './chunk-store-bundle.ts';
import { type CallLimits, createChunkStoreModel, type ModelSizes, type Row } from './chunk-store-model.ts';
import type { Operation, OperationOf } from './chunk-store-operations.ts';
import { createRecordLedger } from './record-ledger.ts';
import { jobOptions, openRecordsQueue, type RecordsQueueBundle } from './records-queue-bundle.ts';
import { limitsWith, record } from './small-records.ts';

/** Performs all acts. Throws at the first answer or state that is not as it should be. */
export const runHistory = async (sizes: ModelSizes, operations: readonly Operation[]): Promise<void> => {
  await using bundle = openRecordsQueue();
  const history = createHistory(bundle, sizes);
  for (const operation of operations) await history(operation);
};

const createHistory = (bundle: RecordsQueueBundle, sizes: ModelSizes) => {
  const { store, sourceId, queue, redis } = bundle;
  const dropped = createDroppedChunks(redis, bundle.keyPrefix);
  const held = new Set<string>();
  const jobs = new Map<string, 'waiting' | 'failed' | 'lost'>();
  const model = createChunkStoreModel(sizes, (chunkId) => held.has(chunkId));
  const ledger = createRecordLedger();
  let serial = 0;

  const limitsOf = (call: CallLimits, overflow: OverflowMode = 'backpressure') =>
    limitsWith({
      ...sizes,
      overflow,
      publishCorrections: !call.ignoreCorrections,
      dedupeWindowMs: call.windowPassed ? 0 : 1e12,
    });
  const pickChunk = (at: number) => pickFrom([...model.chunks.values()], at);

  const admit = async (act: OperationOf<'admit'>, before: Picture): Promise<readonly string[]> => {
    const { priority, mode, keep, rows } = act;
    const chunkId = `chunk-${++serial}`;
    const expected = model.admit({ chunkId, priority, mode, keep, rows }, act.limits);
    const limits = limitsOf(act.limits, mode);
    const request: AdmitRequest = { sourceId, chunkId, priority, keep, pollId: 'p', records: recordsOf(rows), limits };
    const result = await store.admit(request);
    expect(result).toEqual(expected);
    if (result.status === 'stored' && act.diesBefore !== 'add') {
      await addChunkJobs(queue, [{ chunkId, records: result.stored, priority, pollId: 'p', sample: [] }], jobOptions);
      jobs.set(chunkId, 'waiting');
    }
    if (result.status === 'stored' && act.diesBefore === 'nothing') {
      await removeEvictedJobs(queue, result.evicted);
      for (const victim of result.evicted) jobs.delete(victim.chunkId);
    }
    const after = await bundle.picture();
    const { ignoreCorrections } = act.limits;
    const open = sizes.maxRecords - sizes.criticalReserve;
    if (result.status === 'stored' && priority > 1 && (after.counts.total ?? 0) > open)
      return [`${priority} was let in up to ${after.counts.total}, beyond ${open}`];
    return ledger.admitted(chunkId, { rows, ignoreCorrections, before, after }, result);
  };

  const admitAgain = async (act: OperationOf<'admit again'>): Promise<void> => {
    const chunk = pickChunk(act.pick);
    if (chunk === undefined) return;
    const limits = limitsOf(act.limits);
    const { chunkId } = chunk;
    const request: AdmitRequest = { sourceId, chunkId, priority: 1, pollId: 'p', records: recordsOf(act.rows), limits };
    expect(await store.admit(request)).toEqual({ status: 'already' });
  };

  const lookup = async ({ rows, limits }: OperationOf<'lookup'>): Promise<void> => {
    const sightings = await store.lookup(sourceId, recordsOf(rows), limitsOf(limits));
    expect(sightings).toEqual(model.lookup(rows, limits));
  };

  const remember = async ({ rows }: OperationOf<'remember'>): Promise<void> => {
    await store.remember(sourceId, recordsOf(rows), limitsWith());
    model.remember(rows);
    ledger.remembered(rows);
  };

  const take = async (act: OperationOf<'take'>): Promise<void> => {
    const chunk = pickChunk(act.pick);
    const taken = await store.take(sourceId, chunk?.chunkId ?? 'never');
    const marks = chunk?.contents.map((_, at) => [
      hasBit(taken?.done ?? null, at),
      hasBit(taken?.corrections ?? null, at),
    ]);
    expect(taken === null).toBe(chunk === undefined);
    expect(marks).toEqual(chunk?.contents.map((content) => [content.done, content.correction]));
  };

  const settle = async (act: OperationOf<'settle'>): Promise<void> => {
    const { chunkId, contents } = pickChunk(act.pick) ?? { chunkId: 'never', contents: [] };
    const done = act.done === null ? null : emptyBitmap(contents.length);
    for (const at of act.done ?? []) if (done !== null && at < contents.length) setBit(done, at);
    const isDone = (at: number) => done === null || hasBit(done, at);
    const newly = contents.filter((content, at) => !content.done && isDone(at));
    const published = Math.max(0, newly.length - act.letters);
    ledger.settled(chunkId, newly, published);
    for (let time = 0; time < (act.twice ? 2 : 1); time++) {
      const settled = await store.settle(sourceId, chunkId, done, published);
      expect(settled).toEqual(model.settle(chunkId, isDone, published));
    }
  };

  const hold = async (act: OperationOf<'hold' | 'let go'>): Promise<void> => {
    const chunkId = pickFrom([...jobs.keys()], act.pick);
    if (chunkId === undefined) return;
    if (act.kind === 'hold') held.add(chunkId);
    else held.delete(chunkId);
    await (act.kind === 'hold' ? bundle.hold(chunkId) : redis.del(`${bundle.jobs}${chunkId}:lock`));
  };

  const harm = async (act: OperationOf<'remove job' | 'fail job' | 'lose job'>): Promise<void> => {
    const unheld = [...jobs.keys()].filter((job) => !held.has(job));
    const chunkId = pickFrom(unheld, act.pick);
    if (chunkId === undefined) return;
    if (act.kind === 'remove job') {
      await queue.remove(chunkId);
      jobs.delete(chunkId);
      return;
    }
    await redis.zrem(`${bundle.jobs}prioritized`, chunkId);
    await redis.zrem(`${bundle.jobs}failed`, chunkId);
    if (act.kind === 'fail job') await redis.zadd(`${bundle.jobs}failed`, 1, chunkId);
    jobs.set(chunkId, act.kind === 'fail job' ? 'failed' : 'lost');
  };

  const sweep = async ({ heal }: OperationOf<'sweep'>): Promise<void> => {
    const swept = await sweepSource(bundle, { sourceId, job: jobOptions, healLostJobs: heal });
    const expected = { added: 0, removed: 0, healed: 0, failed: new Set<string>() };
    for (const [chunkId, state] of jobs) {
      const isChunk = model.chunks.has(chunkId);
      const isHealed = state === 'lost' && heal && isChunk && !held.has(chunkId);
      const isOrphan = state !== 'lost' && !isChunk && !held.has(chunkId);
      if (isHealed) expected.healed++;
      if (isOrphan) expected.removed++;
      if (isHealed || isOrphan) jobs.delete(chunkId);
      else if (state === 'failed' && isChunk) expected.failed.add(chunkId);
    }
    for (const chunkId of model.chunks.keys()) {
      if (jobs.has(chunkId)) continue;
      expected.added++;
      jobs.set(chunkId, 'waiting');
    }
    expect({ ...swept, failed: new Set(swept.failed) }).toEqual(expected);
  };

  const keepDropped = async (act: OperationOf<'keep dropped'>): Promise<void> => {
    const chunkId = pickFrom([...model.setAside.keys()], act.pick);
    if (chunkId === undefined) return;
    const found = await dropped.read(sourceId, chunkId);
    const letters = found === null ? null : droppedLettersOf(sourceId, found);
    const wanted = model.setAside.get(chunkId)?.contents.filter((content) => !content.done) ?? [];
    if (letters === null || !('letters' in letters)) throw new Error('the chunk is set aside, and can be read');
    expect(letters.letters.map(({ data }) => data.record)).toEqual(
      wanted.map(({ id, revision }) => ({ id, r: revision })),
    );
    ledger.kept(chunkId);
    if (act.diesBefore === 'remove') return;
    expect(await dropped.remove(sourceId, chunkId)).toBe(wanted.length);
    expect(await dropped.remove(sourceId, chunkId)).toBe(0);
    model.setAside.delete(chunkId);
  };

  const perform = async (act: Operation, before: Picture): Promise<readonly string[]> => {
    switch (act.kind) {
      case 'admit':
        return admit(act, before);
      case 'admit again':
        await admitAgain(act);
        break;
      case 'lookup':
        await lookup(act);
        break;
      case 'remember':
        await remember(act);
        break;
      case 'take':
        await take(act);
        break;
      case 'settle':
        await settle(act);
        break;
      case 'hold':
      case 'let go':
        await hold(act);
        break;
      case 'remove job':
      case 'fail job':
      case 'lose job':
        await harm(act);
        break;
      case 'sweep':
        await sweep(act);
        break;
      case 'keep dropped':
        await keepDropped(act);
        break;
    }
    return [];
  };

  let before: Picture | null = null;
  return async (act: Operation): Promise<void> => {
    const faults = await perform(act, before ?? (await bundle.picture()));
    before = await bundle.picture();
    expect([...faults, ...faultsOf(before, sizes.maxRecords), ...ledger.faults(before)]).toEqual([]);
    const early = Number((await redis.hget(bundle.keys.seen, 'early')) ?? 0);
    expect({ ...comparable(before), early }).toEqual(model.picture());
  };
};

const pickFrom = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];

const recordsOf = (rows: readonly Row[]) => rows.map((row) => record(row.id, row.revision));

/** What the model knows too. */
const comparable = (picture: Picture) => ({
  chunks: picture.chunks.map((chunk) => ({
    chunkId: chunk.chunkId,
    score: chunk.score,
    keep: chunk.keep,
    remaining: chunk.remaining,
    contents: contentsOf(chunk),
  })),
  setAside: picture.setAside.map((chunk) => ({
    chunkId: chunk.chunkId,
    remaining: chunk.remaining,
    contents: contentsOf(chunk),
  })),
  dropped: picture.dropped,
  published: picture.published,
  current: picture.current,
  previous: picture.previous,
});
