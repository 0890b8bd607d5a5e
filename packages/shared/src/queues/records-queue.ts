// What stands around the chunk store on BullMQ's side: a job for every stored chunk, no job without one. Everything here
// may be repeated and may run in several processes at once: a job's id is its chunk's, BullMQ ignores a second add, and
// a job that is being run cannot be removed.
import type { Queue } from 'bullmq';
import type { ChunkJobData } from '../jobs/payloads.ts';
import { chunkJobName } from '../jobs/payloads.ts';
import { payloadVersion } from '../records/payload.ts';
import type { PriorityClass } from '../records/priority.ts';
import type { ChunkStore, EvictedChunk } from './chunk-store.ts';
import { maxSweepPage } from './redis-chunk-store.ts';

/** BullMQ queue of one source's chunks. */
export type RecordsQueue = Queue<ChunkJobData>;

/** A stored chunk whose job has to be added. */
export interface StoredChunk {
  readonly chunkId: string;
  /** Records of it that are to be published. */
  readonly records: number;
  readonly priority: PriorityClass;
  readonly pollId: string;
  /** Up to three records as they will stand in Kafka; empty if unknown (a job that the sweep brings back). */
  readonly sample: readonly unknown[];
}

/** How often and when BullMQ runs a chunk job again that failed. */
export interface ChunkJobOptions {
  /** Runs in all, `delivery.maxAttempts`. */
  readonly attempts: number;
  /** BullMQ's backoff: a built-in type or the worker's own strategy. */
  readonly backoff: { readonly type: string; readonly delay?: number };
}

const samplesMax = 3;
const jobsPerCall = 500;

/**
 * Adds the jobs of stored chunks, 500 a round trip. Not atomic: if it rejects, some may be there, and the sweep adds the
 * others. A job that exists already stays as it is.
 */
export const addChunkJobs = async (
  queue: RecordsQueue,
  chunks: readonly StoredChunk[],
  options: ChunkJobOptions,
): Promise<void> => {
  const jobs = chunks.map((chunk) => ({
    name: chunkJobName,
    data: {
      records: chunk.records,
      priority: chunk.priority,
      pollId: chunk.pollId,
      payloadVersion,
      sample: chunk.sample.slice(0, samplesMax),
    },
    opts: {
      jobId: chunk.chunkId,
      // Never without: BullMQ serves a job of priority 0 before every other.
      priority: chunk.priority,
      attempts: options.attempts,
      backoff: { ...options.backoff },
      removeOnComplete: true,
      // A failed job is what tells the sweep that its chunk has to go to the dead letters.
      removeOnFail: false,
    },
  }));
  for (let from = 0; from < jobs.length; from += jobsPerCall) await queue.addBulk(jobs.slice(from, from + jobsPerCall));
};

/**
 * Removes the jobs of chunks that made room; gives how many. One that a worker has taken meanwhile stays: it finds no
 * payload and completes without a send.
 */
export const removeEvictedJobs = (queue: RecordsQueue, evicted: readonly EvictedChunk[]): Promise<number> =>
  removeJobs(
    queue,
    evicted.map((chunk) => chunk.chunkId),
  );

// BullMQ answers 0 for a job that is locked, 1 otherwise (also for one that is not there).
const removeJobs = async (queue: RecordsQueue, jobIds: readonly string[]): Promise<number> => {
  let removed = 0;
  for (let from = 0; from < jobIds.length; from += jobsPerCall) {
    const part = jobIds.slice(from, from + jobsPerCall);
    const answers = await Promise.all(part.map((id) => queue.remove(id, { removeChildren: false })));
    for (const answer of answers) removed += answer;
  }
  return removed;
};

export interface SweepSourceDeps {
  readonly store: ChunkStore;
  readonly queue: RecordsQueue;
}

export interface SweepSourceOptions {
  readonly sourceId: string;
  readonly job: ChunkJobOptions;
  /** Also brings back jobs whose hash lies in no list: costs more, once a minute is enough. Default false. */
  readonly healLostJobs?: boolean;
  /** Ends the sweep between two pages; the signal's reason is thrown. */
  readonly signal?: AbortSignal;
}

/** What one sweep did. */
export interface SweptSource {
  /** Jobs added for chunks that had none (the healed ones among them). */
  readonly added: number;
  /** Jobs removed that had no chunk. */
  readonly removed: number;
  /** Jobs whose hash lay in no list. */
  readonly healed: number;
  /** Chunks whose job BullMQ failed: to be claimed, moved to the dead letters and settled, by the caller. */
  readonly failed: readonly string[];
}

/** One full sweep of one source, page by page (500 entries a call to Redis, no call over a few milliseconds). */
export const sweepSource = async (
  { store, queue }: SweepSourceDeps,
  { sourceId, job, healLostJobs = false, signal }: SweepSourceOptions,
): Promise<SweptSource> => {
  let healed = 0;
  if (healLostJobs) {
    // Removed only: the pages below find the chunk without a job. BullMQ's own remove leaves alone what is locked, so
    // that a second sweeper cannot hurt a job that was healed and taken a moment ago.
    healed = await removeJobs(queue, await store.lostJobs(sourceId));
  }
  let added = 0;
  let removed = 0;
  const failed = new Set<string>();
  for (let cursor: number | null = 0; cursor !== null; ) {
    signal?.throwIfAborted();
    const page = await store.sweep(sourceId, cursor, maxSweepPage);
    await addChunkJobs(
      queue,
      page.missing.map((chunk) => ({ ...chunk, sample: [] })),
      job,
    );
    added += page.missing.length;
    removed += await removeJobs(queue, page.orphans);
    for (const chunkId of page.failed) failed.add(chunkId);
    cursor = page.next;
  }
  return { added, removed, healed, failed: [...failed] };
};
