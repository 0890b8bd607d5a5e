// Moves a chunk whose job BullMQ has failed (stalled too often, attempts used up under an older config, a payload that
// cannot be read) to the dead letters: letters first, then settle, then remove the job. Each step may be repeated.
import { createHash } from 'node:crypto';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { hasBit } from '@stream-manager/shared/records/bitmap';
import { decodePayload, isPayloadFault } from '@stream-manager/shared/records/payload';
import { damagedLetterOf, type FailedAttempts, letterOf } from './letter.ts';

/** A failed job, as far as it concerns its letters. */
export interface FailedJob {
  readonly reason: string;
  /** When it failed, in milliseconds since the epoch. */
  readonly failedAt: number;
}

export interface BuryDeps {
  readonly store: Pick<ChunkStore, 'take' | 'settle'>;
  readonly queues: {
    addLetters(sourceId: string, letters: readonly DeadLetter[]): Promise<void>;
    /** Null: the job is not failed, or gone. */
    findFailed(sourceId: string, chunkId: string): Promise<FailedJob | null>;
    /** Removes the job; its chunk, if there still is one, gets a new job by the next sweep. */
    removeJob(sourceId: string, chunkId: string): Promise<void>;
  };
  /** Topic of a source's records where it is the same for all; else null. */
  readonly topicOf: (sourceId: string) => string | null;
}

/** What became of a failed chunk; `requeued` = its payload is of a later version, so it waits for a newer worker. */
export type Burial =
  | { readonly kind: 'buried'; readonly letters: number }
  | { readonly kind: 'requeued' }
  | { readonly kind: 'gone' };

/** Moves one failed chunk. Rejects with what Redis answered: the next sweep comes back to it. */
export const buryFailedChunk = async (deps: BuryDeps, sourceId: string, chunkId: string): Promise<Burial> => {
  const failed = await deps.queues.findFailed(sourceId, chunkId);
  if (failed === null) return { kind: 'gone' };
  const taken = await deps.store.take(sourceId, chunkId);
  if (taken === null) {
    await deps.queues.removeJob(sourceId, chunkId);
    return { kind: 'gone' };
  }
  const decoded = decodePayload(taken.payload);
  if (isPayloadFault(decoded) && decoded.kind === 'newer') {
    await deps.queues.removeJob(sourceId, chunkId);
    return { kind: 'requeued' };
  }
  const attempts: FailedAttempts = [{ at: new Date(failed.failedAt).toISOString(), error: failed.reason }];
  const letters = isPayloadFault(decoded)
    ? [
        damagedLetterOf(sourceId, taken, createHash('sha256').update(taken.payload).digest(), {
          code: 'payload_damaged',
          reason: failed.reason,
          topic: null,
          attempts,
        }),
      ]
    : decoded
        .filter((record) => !hasBit(taken.done, record.index))
        .map((record) =>
          letterOf(sourceId, taken, record, {
            code: 'publish_failed',
            reason: failed.reason,
            topic: deps.topicOf(sourceId),
            attempts,
          }),
        );
  await deps.queues.addLetters(sourceId, letters);
  await deps.store.settle(sourceId, chunkId, null, 0);
  await deps.queues.removeJob(sourceId, chunkId);
  return { kind: 'buried', letters: letters.length };
};
