// Ageing: a waiting chunk rises by one class each time that `queue.agingSeconds` has passed since its admission, never to
// critical, so that a steady stream of urgent chunks starves nobody. Only the place of its job in BullMQ's order changes:
// the chunk's own class, and with it envelope, counters, metrics and overflow, stays what it was.
//
// Any number of processes may do it at once: a change that is done twice moves a job to the tail of its class once more. A job
// that comes back from a worker or from a pause keeps the class it rose to; one that the sweep adds again begins at its own.
import type { Redis } from 'ioredis';
import { recordsQueueName } from '../jobs/queue-names.ts';
import { sourceKeys } from './keys.ts';
import type { RecordsQueue } from './records-queue.ts';
import { listOf, numberOf, runScript, textOf } from './script-runner.ts';
import { agedChunksScript } from './scripts/aged-chunks.ts';

/** A chunk that waits in a lower class than its age entitles it to. */
export interface AgedChunk {
  readonly chunkId: string;
  /** The class its job should be in: 2 or 3. */
  readonly target: number;
}

/** One page of a source's aged chunks. */
export interface AgedPage {
  /** The higher class first, the oldest first. */
  readonly aged: readonly AgedChunk[];
  /** Where the next page begins; null at the end. */
  readonly next: number | null;
  /** Chunks that were looked at, some 2 µs of Redis each. */
  readonly looks: number;
}

/** Reads one page. `ageingMs` above 0, by Redis' clock; `limit` = chunks that are looked at. Rejects with what Redis answered. */
export const readAgedChunks = async (
  redis: Redis,
  source: { readonly keyPrefix: string; readonly sourceId: string; readonly ageingMs: number },
  fromScore: number,
  limit: number,
): Promise<AgedPage> => {
  const keys = sourceKeys(source.keyPrefix, source.sourceId);
  const jobs = `${keys.prefix}:${recordsQueueName(source.sourceId)}:`;
  const [found, last, looks] = listOf(
    await runScript(
      redis,
      agedChunksScript,
      [keys.index, `${jobs}prioritized`, `${jobs}delayed`],
      [keys.chunkPrefix, jobs, source.ageingMs, fromScore, limit],
    ),
  );
  const flat = listOf(found);
  const aged: AgedChunk[] = [];
  for (let at = 0; at < flat.length; at += 2) aged.push({ chunkId: textOf(flat[at]), target: numberOf(flat[at + 1]) });
  const next = numberOf(last);
  return { aged, next: next < 0 ? null : next, looks: numberOf(looks) };
};

/** BullMQ's code for a job that is not there (any more). */
const jobIsGone = -1;

const isGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === jobIsGone;

/** Moves the jobs to their targets, in the order given; gives how many were still there. Rejects with what Redis answered. */
export const raiseChunks = async (queue: RecordsQueue, aged: readonly AgedChunk[]): Promise<number> => {
  const backend = queue.getBackend();
  const moved = await Promise.all(
    aged.map(({ chunkId, target }) =>
      backend.changePriority(chunkId, target).then(
        () => true,
        (error: unknown) => {
          // Published or evicted since the page was read.
          if (isGone(error)) return false;
          throw error;
        },
      ),
    ),
  );
  return moved.filter((isMoved) => isMoved).length;
};
