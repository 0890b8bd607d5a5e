// Settles one chunk on its own outcome, in an order that survives a kill between any two steps:
//   settle the acknowledged → add the letters of the refused → settle those → wait, retry, or complete.
// Whatever is repeated after a crash is nothing the second time: settles commute, letters have fixed ids.
import type { SendAttempt } from '@stream-manager/shared/jobs/payloads';
import type { ChunkStore, TakenChunk } from '@stream-manager/shared/queues/chunk-store';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { emptyBitmap, setBit } from '@stream-manager/shared/records/bitmap';
import type { StoredRecord } from '@stream-manager/shared/records/payload';
import { type LetterCause, letterOf } from './dead-letters/letter.ts';
import { type AttemptCount, decideChunk, type Rest } from './decide-chunk.ts';
import type { PreparedChunk } from './prepare.ts';
import type { SendFailure } from './publish.ts';

/** A chunk whose pieces are all answered. */
export interface AnsweredChunk {
  readonly sourceId: string;
  readonly taken: TakenChunk;
  readonly prepared: PreparedChunk;
  /** Failures by index among the prepared records; the others were acknowledged. */
  readonly failures: readonly SendFailure[];
  readonly attempts: AttemptCount;
  /** Sends of this chunk that failed before this one, the oldest first. */
  readonly formerAttempts: readonly SendAttempt[];
}

export interface SettleDeps {
  readonly store: Pick<ChunkStore, 'settle'>;
  /** Adds letters to the source's dead-letter queue; those that are there already stay as they are. */
  readonly addLetters: (sourceId: string, letters: readonly DeadLetter[]) => Promise<void>;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** What the chunk's job has to do now; `attempts` = all failed sends so far, for the next run. */
export interface Settlement {
  readonly rest: Rest;
  readonly attempts: readonly SendAttempt[];
}

/** The bitmap over a chunk's `count` records with the bits of the given ones set. */
export const bitmapOf = (records: Iterable<StoredRecord>, count: number): Buffer => {
  const bitmap = emptyBitmap(count);
  for (const record of records) setBit(bitmap, record.index);
  return bitmap;
};

const attemptsOf = (chunk: AnsweredChunk, at: string): readonly SendAttempt[] => {
  const messages = new Set(chunk.failures.map((failure) => failure.message));
  return [...chunk.formerAttempts, ...[...messages].map((error) => ({ at, error }))];
};

/** Settles an answered chunk. Rejects with what Redis answered: then the chunk has to be run again. */
export const settleChunk = async (deps: SettleDeps, chunk: AnsweredChunk): Promise<Settlement> => {
  const { sourceId, taken, prepared, failures } = chunk;
  const { records, outgoing } = prepared;
  if (failures.length === 0) {
    await deps.store.settle(sourceId, taken.chunkId, null, records.length);
    return { rest: { kind: 'none' }, attempts: chunk.formerAttempts };
  }
  const failed = new Set(failures.flatMap((failure) => failure.indexes));
  const acknowledged = records.filter((_record, index) => !failed.has(index));
  if (acknowledged.length > 0) {
    const done = bitmapOf(acknowledged, taken.records);
    await deps.store.settle(sourceId, taken.chunkId, done, acknowledged.length);
  }

  const at = new Date(deps.now()).toISOString();
  const attempts = attemptsOf(chunk, at);
  const { refused, rest } = decideChunk(failures, chunk.attempts);
  if (refused.length > 0) {
    const letters = refused.flatMap(({ index, code, reason }) => {
      const record = records[index];
      if (record === undefined) return [];
      const former = attempts.filter((attempt) => attempt.at !== at);
      const own: SendAttempt = { at, error: reason };
      const cause: LetterCause = {
        code,
        reason,
        topic: outgoing[index]?.topic ?? null,
        attempts: former.length > 0 ? [former[0] ?? own, ...former.slice(1), own] : [own],
      };
      return [letterOf(sourceId, taken, record, cause)];
    });
    await deps.addLetters(sourceId, letters);
    const isAll = rest.kind === 'none';
    const buried = refused.flatMap(({ index }) => records[index] ?? []);
    await deps.store.settle(sourceId, taken.chunkId, isAll ? null : bitmapOf(buried, taken.records), 0);
  }
  return { rest, attempts };
};
