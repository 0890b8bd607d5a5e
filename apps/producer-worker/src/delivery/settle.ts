// Settles one chunk on its own outcome, in an order that survives a kill between any two steps:
//   settle the acknowledged → add the letters of the refused → settle those → wait, retry, give back, or complete.
// Whatever is repeated after a crash is nothing the second time: settles commute, letters have fixed ids.
import type { SendAttempt } from '@stream-manager/shared/jobs/payloads';
import type { ChunkStore, TakenChunk } from '@stream-manager/shared/queues/chunk-store';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import type { AddedLetters } from '@stream-manager/shared/queues/dead-letters/add-fitting-letters';
import { type LetterCause, letterOf, withLast } from '@stream-manager/shared/queues/dead-letters/record-letter';
import { emptyBitmap, setBit } from '@stream-manager/shared/records/bitmap';
import type { StoredRecord } from '@stream-manager/shared/records/payload';
import { type DecideOptions, decideChunk, lettersWaitMs, type Refusal, type Rest } from './decide-chunk.ts';
import type { PreparedChunk } from './prepare.ts';
import type { SendFailure } from './publish.ts';

/** A chunk whose pieces are all answered. */
export interface AnsweredChunk {
  readonly sourceId: string;
  readonly taken: TakenChunk;
  readonly prepared: PreparedChunk;
  /** Failures by index among the prepared records; the others were acknowledged, or were not sent. */
  readonly failures: readonly SendFailure[];
  /** Indexes among the prepared records that were not sent. */
  readonly unsent: readonly number[];
  /** Attempts used before this send, and sends in all. */
  readonly attempts: { readonly made: number; readonly max: number };
}

export interface SettleDeps {
  readonly store: Pick<ChunkStore, 'settle' | 'noteTries' | 'refusedFor' | 'forgetRefusal'>;
  /** Adds as many letters to the source's dead-letter queue as there is room for; those that are there stay as they are. */
  readonly addLetters: (
    sourceId: string,
    letters: readonly DeadLetter[],
  ) => Promise<Pick<AddedLetters, 'lie' | 'full'>>;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/**
 * A refusal of the topic is forgotten after this many milliseconds, or the grace time if that is longer: a paused source, or
 * a breaker that stays open, must not use up the grace time. In a long queue a chunk's turn may come only after minutes.
 */
const refusalKeptMs = 600_000;

/** The bitmap over a chunk's `count` records with the bits of the given ones set. */
export const bitmapOf = (records: Iterable<StoredRecord>, count: number): Buffer => {
  const bitmap = emptyBitmap(count);
  for (const record of records) setBit(bitmap, record.index);
  return bitmap;
};

const attemptsOf = (chunk: AnsweredChunk, at: string): readonly SendAttempt[] => {
  const messages = new Set(chunk.failures.map((failure) => failure.message));
  return [...chunk.taken.tries.attempts, ...[...messages].map((error) => ({ at, error }))];
};

/** The refused records with their letters. */
const lettersOf = (
  chunk: AnsweredChunk,
  refused: readonly Refusal[],
  attempts: readonly SendAttempt[],
  at: string,
  firstRefusalAt: string,
): readonly { readonly record: StoredRecord; readonly letter: DeadLetter }[] => {
  const former = attempts.filter((attempt) => attempt.at !== at);
  // What a topic refused has failed since the first refusal, not only now that the grace time is over.
  const byTopic = new Map(
    chunk.failures
      .filter(({ outcome }) => outcome === 'destination' && firstRefusalAt !== at)
      .flatMap(({ indexes, message }) => indexes.map((index) => [index, message] as const)),
  );
  return refused.flatMap(({ index, code, reason }) => {
    const record = chunk.prepared.records[index];
    if (record === undefined) return [];
    const own: SendAttempt = { at, error: reason };
    const message = byTopic.get(index);
    const before = message === undefined ? former : [...former, { at: firstRefusalAt, error: message }];
    const cause: LetterCause = {
      code,
      reason,
      topic: chunk.prepared.outgoing[index]?.topic ?? null,
      attempts: withLast(before, own),
    };
    return [{ record, letter: letterOf(chunk.sourceId, chunk.taken, record, cause) }];
  });
};

/** Settles an answered chunk, and says what its job has to do now. Rejects with what Redis answered: then it is run again. */
export const settleChunk = async (deps: SettleDeps, chunk: AnsweredChunk, options: DecideOptions): Promise<Rest> => {
  const { sourceId, taken, prepared, failures, unsent } = chunk;
  const { chunkId } = taken;
  const { records } = prepared;
  if (failures.length === 0 && unsent.length === 0) {
    await deps.store.settle(sourceId, chunkId, null, records.length);
    return { kind: 'none' };
  }
  const open = new Set([...unsent, ...failures.flatMap((failure) => failure.indexes)]);
  const acknowledged = records.filter((_record, index) => !open.has(index));
  if (acknowledged.length > 0) {
    const done = bitmapOf(acknowledged, taken.records);
    await deps.store.settle(sourceId, chunkId, done, acknowledged.length);
  }
  const isRefusedByTopic = failures.some((failure) => failure.outcome === 'destination');
  const refusedForMs = isRefusedByTopic
    ? await deps.store.refusedFor(sourceId, chunkId, Math.max(refusalKeptMs, options.destinationGraceMs))
    : 0;
  // It was sent and its topic did not refuse it: while Kafka was away, say, nobody can tell for how long the topic would have.
  if (!isRefusedByTopic && failures.length > 0 && taken.isRefused) await deps.store.forgetRefusal(sourceId, chunkId);
  const decision = decideChunk(failures, { ...chunk.attempts, refusedForMs }, options);
  // A wait or an attempt carries along what was not sent; to come again at once would cost the failed ones neither.
  const rest: Rest = decision.rest.kind === 'none' && unsent.length > 0 ? { kind: 'give_back' } : decision.rest;
  const nowMs = deps.now();
  const at = new Date(nowMs).toISOString();
  const attempts = attemptsOf(chunk, at);
  if (decision.refused.length > 0) {
    const firstRefusalAt = new Date(nowMs - refusedForMs).toISOString();
    const refused = lettersOf(chunk, decision.refused, attempts, at, firstRefusalAt);
    const { lie, full } = await deps.addLetters(
      sourceId,
      refused.map(({ letter }) => letter),
    );
    const buried = refused.flatMap(({ record }, index) => (lie[index] ? [record] : []));
    const isDone = full === null && rest.kind === 'none';
    if (buried.length > 0)
      await deps.store.settle(sourceId, chunkId, isDone ? null : bitmapOf(buried, taken.records), 0);
    // The place of the others is kept: nothing is thrown away because there is no room to keep it.
    if (full !== null) return { kind: 'wait', delayMs: lettersWaitMs, reason: full, cause: 'letters' };
  }
  if (rest.kind === 'retry') await deps.store.noteTries(sourceId, chunkId, { made: chunk.attempts.made + 1, attempts });
  return rest;
};
