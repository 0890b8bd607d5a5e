// The records queue of one source, opened in this process: BullMQ's side of delivering chunks. How many jobs it fetches
// follows from what is in hand: `concurrency` = chunks held + 1 while there is room. Fixed slots would put slots × 500
// records in hand before the first one is sent, and starve a collector that waits for more.

import { messageOf } from '@stream-manager/shared/failures/errors';
import type { ChunkJobData, SendAttempt } from '@stream-manager/shared/jobs/payloads';
import {
  lockDurationMs,
  type OpenWorkerOptions,
  openWorker,
  recordsQueueAddress,
} from '@stream-manager/shared/queues/bullmq';
import { jobFailsForGood, jobIsNotOurs, jobWasDelayed } from '@stream-manager/shared/queues/job-endings';
import { createWorkerGuard } from '@stream-manager/shared/queues/worker-guard';
import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { type Collector, createCollector } from './collect.ts';
import { backoffAfter } from './decide-chunk.ts';
import { type ChunkEnding, createDelivery, type DeliverDeps, type Piece } from './deliver-chunk.ts';
import { lockTakenAt } from './fence.ts';
import type { Publisher } from './publish.ts';
import { createSendBatch } from './send-batch.ts';

/** Batches of one source in flight at most, and how many batches of records it may hold in all. */
export const maxInFlight = 4;
const batchesInHand = 5;

/** A queue that this process works on. */
export interface OpenQueue {
  /** Takes nothing more, waits for what is in hand, and lets the connection go. Idempotent. */
  close(): Promise<void>;
}

/** The data of a chunk job after a failed run: what was tried stays with the job, so that a letter can tell it. */
type TriedChunkJobData = ChunkJobData & { readonly attempts?: readonly SendAttempt[] };

export interface OpenRecordsDeps extends Omit<DeliverDeps, 'collector'> {
  readonly redis: Redis;
  readonly publisher: Publisher;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
}

export interface OpenRecordsOptions {
  readonly sourceId: string;
  readonly keyPrefix: string;
  /** Shown in Bull Board: the process instance. */
  readonly workerName: string;
  readonly batchSize: number;
  readonly batchTimeoutMs: number;
  readonly maxAttempts: number;
  readonly backoffMs: readonly number[];
}

/** How many jobs the worker may have at once. Pure. */
export const wantedConcurrency = (chunksHeld: number, recordsHeld: number, roomRecords: number): number =>
  Math.max(1, chunksHeld + (recordsHeld < roomRecords ? 1 : 0));

/** Records of a job as its data says; at least 1, since anybody can add a job by hand. */
const recordsOf = (data: Partial<ChunkJobData> | undefined): number => {
  const records = Number(data?.records);
  return Number.isFinite(records) && records >= 1 ? records : 1;
};

/** Opens the records queue of a source; it works until it is closed. */
export const openRecordsQueue = (deps: OpenRecordsDeps, options: OpenRecordsOptions): OpenQueue => {
  const { sourceId } = options;
  const address = recordsQueueAddress(options.keyPrefix, sourceId);
  const monotonic = (): number => performance.now();
  const guard = createWorkerGuard({ logger: deps.logger, now: monotonic, after: deps.after }, { queue: address.name });
  const roomRecords = options.batchSize * batchesInHand;
  let chunksHeld = 0;
  let recordsHeld = 0;

  const collector: Collector<Piece> = createCollector<Piece>(
    {
      send: createSendBatch(
        {
          publisher: deps.publisher,
          extendLocks: (ids, tokens, durationMs) => worker.extendJobLocks(ids, tokens, durationMs),
          now: monotonic,
        },
        { lockDurationMs },
      ),
      now: monotonic,
      after: deps.after,
    },
    { batchSize: options.batchSize, batchTimeoutMs: options.batchTimeoutMs, maxInFlight },
  );
  const deliver = createDelivery({ ...deps, collector }, { sourceId, batchSize: options.batchSize });

  const process = async (job: Job<TriedChunkJobData>, token: string | undefined): Promise<void> => {
    const chunkId = job.id;
    if (chunkId === undefined || token === undefined) throw new Error('a chunk job without id or token');
    const records = recordsOf(job.data);
    const hold = (sign: 1 | -1): void => {
      chunksHeld += sign;
      recordsHeld += sign * records;
      worker.concurrency = wantedConcurrency(chunksHeld, recordsHeld, roomRecords);
    };
    // Before the first await: BullMQ looks at the concurrency again as soon as the processor has given way.
    hold(1);
    try {
      const ending = await deliver({
        chunkId,
        token,
        lockedAt: lockTakenAt(job.processedOn, Date.now(), monotonic()),
        attempts: { made: job.attemptsMade, max: Math.min(options.maxAttempts, Math.max(1, job.opts.attempts ?? 1)) },
        formerAttempts: Array.isArray(job.data.attempts) ? job.data.attempts : [],
      });
      await endJob(deps, sourceId, job, token, ending);
    } finally {
      hold(-1);
    }
  };
  const workerOptions: OpenWorkerOptions = {
    concurrency: 1,
    name: options.workerName,
    settings: { backoffStrategy: (attemptsMade) => backoffAfter(attemptsMade, options.backoffMs) },
  };
  const worker: Worker = openWorker(address, deps.redis, process, workerOptions, guard.onError);
  guard.watch(worker);
  return {
    close: async () => {
      guard.stop();
      await worker.close();
      // A queue closes when nothing of it is left, a payload of a later version included.
      deps.notes.set(sourceId, 'newer', null);
    },
  };
};

/** Ends a chunk's job: returns = completed; everything else is thrown, as BullMQ wants it. */
const endJob = async (
  deps: Pick<DeliverDeps, 'logger'>,
  sourceId: string,
  job: Job<TriedChunkJobData>,
  token: string,
  ending: ChunkEnding,
): Promise<void> => {
  switch (ending.kind) {
    case 'complete':
      return;
    case 'let_go':
      throw jobIsNotOurs();
    case 'fail':
      throw jobFailsForGood(ending.reason);
    case 'delay':
      try {
        await job.moveToDelayed(Date.now() + ending.delayMs, token);
      } catch (error) {
        // The lock is lost, or Redis refuses: the job stays where it is, and the stalled check hands it on.
        deps.logger.debug({ sourceId, chunkId: job.id, error: messageOf(error) }, 'a chunk could not be delayed');
        throw jobIsNotOurs();
      }
      throw jobWasDelayed();
    case 'retry':
      try {
        await job.updateData({ ...job.data, attempts: ending.attempts });
      } catch (error) {
        // Only the letter's history gets shorter.
        deps.logger.debug({ sourceId, chunkId: job.id, error: messageOf(error) }, 'attempts of a chunk not noted');
      }
      throw new Error(ending.reason);
  }
};
