// Moves a chunk whose job BullMQ has failed (stalled too often, attempts used up under an older config, a payload that
// cannot be read) to the dead letters: claim, add the letters, settle.
// The claim takes the job away in one step and lies in the chunk until the chunk is settled. So a Retry pressed before it
// wins (the job is not failed any more), and one pressed after it finds no job: a record is published or becomes a letter,
// never both. Whoever is killed after the claim leaves a chunk that the sweep reports as failed again; the same letters
// are added again, which is nothing. (Letters before a look at the job would leave a moment for a Retry; a job that is
// removed without a claim would be brought back by the sweep, and its records published beside their letters.)
import { createHash } from 'node:crypto';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import type { AddedLetters } from '@stream-manager/shared/queues/dead-letters/add-fitting-letters';
import { damagedLetterOf, letterOf, withLast } from '@stream-manager/shared/queues/dead-letters/record-letter';
import type { FailedChunks } from '@stream-manager/shared/queues/failed-chunks';
import { hasBit } from '@stream-manager/shared/records/bitmap';
import { decodePayload, isPayloadFault } from '@stream-manager/shared/records/payload';
import { bitmapOf } from '../delivery/settle.ts';

export interface BuryDeps {
  readonly store: Pick<ChunkStore, 'take' | 'settle'>;
  readonly queues: {
    /** Adds as many as there is room for. */
    addLetters(sourceId: string, letters: readonly DeadLetter[]): Promise<Pick<AddedLetters, 'lie' | 'full'>>;
    readonly failed: FailedChunks;
  };
  /** Why the source may get no more letters now; null: it may. Asked before the job is taken away from Bull Board. */
  readonly lettersFull: (sourceId: string) => Promise<string | null>;
  /** Topic of a source's records where it is the same for all; else null. */
  readonly topicOf: (sourceId: string) => string | null;
}

/**
 * What became of a failed chunk; `requeued` = its payload is of a later version, so it waits for a newer worker; `waiting` =
 * there is no room for all of its letters, so that the next sweep comes back to it.
 */
export type Burial =
  | { readonly kind: 'buried'; readonly letters: number }
  | { readonly kind: 'requeued' | 'waiting' | 'gone' };

/** Moves one failed chunk. Rejects with what Redis answered: the claim stays, and the next sweep comes back to it. */
export const buryFailedChunk = async (deps: BuryDeps, sourceId: string, chunkId: string): Promise<Burial> => {
  if ((await deps.lettersFull(sourceId)) !== null) return { kind: 'waiting' };
  const failed = await deps.queues.failed.claim(sourceId, chunkId);
  if (failed === null) return { kind: 'gone' };
  // Only now: a run of the job before the claim may have settled some of its records.
  const taken = await deps.store.take(sourceId, chunkId);
  if (taken === null) return { kind: 'gone' };
  const decoded = decodePayload(taken.payload);
  if (isPayloadFault(decoded) && decoded.kind === 'newer') {
    await deps.queues.failed.release(sourceId, chunkId);
    return { kind: 'requeued' };
  }
  const last = { at: new Date(failed.failedAt).toISOString(), error: failed.reason };
  const attempts = withLast(taken.tries.attempts, last);
  if (isPayloadFault(decoded)) {
    const cause = { code: 'payload_damaged', reason: failed.reason, topic: null, attempts };
    const digest = createHash('sha256').update(taken.payload).digest();
    const { full } = await deps.queues.addLetters(sourceId, [damagedLetterOf(sourceId, taken, digest, cause)]);
    if (full !== null) return { kind: 'waiting' };
    await deps.store.settle(sourceId, chunkId, null, 0);
    return { kind: 'buried', letters: 1 };
  }
  const cause = { code: 'publish_failed', reason: failed.reason, topic: deps.topicOf(sourceId), attempts };
  const left = decoded.filter((record) => !hasBit(taken.done, record.index));
  const letters = left.map((record) => letterOf(sourceId, taken, record, cause));
  const { lie, full } = await deps.queues.addLetters(sourceId, letters);
  if (full !== null) {
    const buried = left.filter((_record, index) => lie[index]);
    if (buried.length > 0) await deps.store.settle(sourceId, chunkId, bitmapOf(buried, taken.records), 0);
    return { kind: 'waiting' };
  }
  await deps.store.settle(sourceId, chunkId, null, 0);
  return { kind: 'buried', letters: letters.length };
};
