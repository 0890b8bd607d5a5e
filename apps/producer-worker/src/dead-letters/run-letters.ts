// Runs the jobs of a source's dead-letter queue. The first run fails the job with its reason, so that Bull Board shows
// it as failed and why; a later run is somebody's Retry and replays the record, or has the raw row parsed again.
// `attemptsMade` tells them apart: nothing of ours resets it, and it survives a retry.

import type { ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { deadLetterQueueAddress, openWorker } from '@stream-manager/shared/queues/bullmq';
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import type { ChunkLimits, ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { ReparseAnswer } from '@stream-manager/shared/queues/dead-letters/ask-reparse';
import type { RecordLetterData } from '@stream-manager/shared/queues/dead-letters/record-letter';
import { jobFailsForGood, jobIsNotOurs, jobWasDelayed } from '@stream-manager/shared/queues/job-endings';
import {
  addChunkJobs,
  type ChunkJobOptions,
  type RecordsQueue,
  type StoredChunk,
} from '@stream-manager/shared/queues/records-queue';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import { createWorkerGuard } from '@stream-manager/shared/queues/worker-guard';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { OpenQueue } from '../queues/open-records-queue.ts';
import { reparseLetter, reparseWait } from './reparse.ts';
import { replayRequest } from './replay.ts';

/** Letters that are run at a time, per source and process. */
const lettersAtOnce = 10;
/** A replay that finds no room comes again after this many milliseconds. */
const noRoomWaitMs = 2_000;

export interface RunLettersDeps {
  readonly redis: Redis;
  readonly store: Pick<ChunkStore, 'admit' | 'lookup'>;
  readonly memory: Pick<RedisMemory, 'high'>;
  /** Asks the pollers to parse a row again. */
  readonly reparse: (data: ReparseJobData) => Promise<ReparseAnswer>;
  readonly recordsQueue: (sourceId: string) => RecordsQueue;
  /** Tells the fleet that a source has work. */
  readonly ring: (sourceId: string) => void;
  readonly logger: Logger;
  readonly after: (delayMs: number, act: () => void) => () => void;
}

export interface RunLettersOptions {
  readonly sourceId: string;
  readonly keyPrefix: string;
  readonly workerName: string;
  readonly limits: ChunkLimits;
  readonly job: ChunkJobOptions;
  /** The source is gone from the config. */
  readonly isRetired: boolean;
}

/** What one run of a letter comes to. */
export type LetterRun =
  | { readonly kind: 'fail'; readonly reason: string }
  | { readonly kind: 'wait'; readonly delayMs: number }
  | { readonly kind: 'replayed' };

/** Runs one letter: decides by `attemptsMade`, and admits the record if it is a retry. */
export const runLetter = async (
  deps: Pick<RunLettersDeps, 'store' | 'memory' | 'reparse' | 'recordsQueue' | 'ring'>,
  options: Pick<RunLettersOptions, 'sourceId' | 'limits' | 'job' | 'isRetired'>,
  letter: {
    readonly jobId: string;
    /** When its job was added, in milliseconds since the epoch. */
    readonly addedAt: number;
    readonly attemptsMade: number;
    /** How often the job was begun, this time included. */
    readonly runs: number;
    readonly data: Partial<RecordLetterData>;
  },
): Promise<LetterRun> => {
  const { sourceId } = options;
  if (letter.attemptsMade === 0) return { kind: 'fail', reason: letter.data.reason ?? 'no reason is known' };
  // Whatever is admitted now would take memory that the drain needs.
  if ((await deps.memory.high()) !== null) return { kind: 'wait', delayMs: noRoomWaitMs };
  const { jobId, addedAt, data } = letter;
  const { raw } = data;
  if (typeof raw === 'string') {
    const next = await reparseLetter(deps, options, { jobId, addedAt, data: { ...data, raw } });
    if (next.step === 'refused') return { kind: 'fail', reason: next.reason };
    if (next.step === 'done') return { kind: 'replayed' };
    return { kind: 'wait', delayMs: reparseWait(next, letter.runs) };
  }
  const chunkId = createChunkId();
  const replay = replayRequest(letter, { sourceId, chunkId, limits: options.limits });
  if ('refusal' in replay) return { kind: 'fail', reason: replay.refusal };
  const { request } = replay;
  const { status } = await deps.store.admit(request);
  if (status === 'full' || status === 'rejected' || status === 'dropped')
    return { kind: 'wait', delayMs: noRoomWaitMs };
  // Otherwise admitted by a run that was killed before it completed: the sweep adds the job if it is missing.
  if (status === 'stored') {
    const chunk: StoredChunk = { ...request, records: 1, sample: [letter.data.record] };
    await addChunkJobs(deps.recordsQueue(sourceId), [chunk], options.job);
    deps.ring(sourceId);
  }
  return { kind: 'replayed' };
};

/** Opens the dead-letter queue of a source; it works until it is closed. */
export const openDeadLetterQueue = (deps: RunLettersDeps, options: RunLettersOptions): OpenQueue => {
  const address = deadLetterQueueAddress(options.keyPrefix, options.sourceId);
  const guard = createWorkerGuard(
    { logger: deps.logger, now: () => performance.now(), after: deps.after },
    { queue: address.name },
  );
  const process = async (job: Job<Partial<RecordLetterData>>, token: string | undefined): Promise<void> => {
    const { id: jobId = '', timestamp: addedAt, attemptsMade, attemptsStarted: runs, data } = job;
    const run = await runLetter(deps, options, { jobId, addedAt, attemptsMade, runs, data });
    switch (run.kind) {
      case 'fail':
        throw jobFailsForGood(run.reason);
      case 'wait':
        if (token === undefined) throw jobIsNotOurs();
        await job.moveToDelayed(Date.now() + run.delayMs, token);
        throw jobWasDelayed();
      case 'replayed':
        deps.logger.info({ sourceId: options.sourceId, letter: job.id }, 'dead letter replayed');
    }
  };
  const worker = openWorker(
    address,
    deps.redis,
    process,
    { concurrency: lettersAtOnce, name: options.workerName },
    guard.onError,
  );
  guard.watch(worker);
  return {
    close: async () => {
      guard.stop();
      await worker.close();
    },
  };
};
