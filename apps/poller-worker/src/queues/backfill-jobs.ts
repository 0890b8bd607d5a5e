// The BullMQ edge of backfills: runs the slice that is due of the job's backfill, shows at the job how far it is and what it
// waits for, and moves it on. What counts is the backfill's entry in Redis, never what the job says.
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import type { BackfillJobData, PollDelay } from '@stream-manager/shared/jobs/payloads';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { JobWatch } from '@stream-manager/shared/ops/job-watch';
import type { BackfillEnd, BackfillEntry } from '@stream-manager/shared/queues/backfill-store';
import { backfillJobData, shareDone } from '@stream-manager/shared/queues/backfills';
import { jobIsNotOurs, jobWasDelayed } from '@stream-manager/shared/queues/job-endings';
import type { Job } from 'bullmq';
import type { BackfillRun, BackfillRunEnd } from '../backfill/run-slice.ts';
import { delayedSince, waitedForHostMs } from './poll-delay.ts';

/** What the job of a backfill leaves behind. */
export type BackfillJobResult =
  | { readonly outcome: 'finished'; readonly records: number }
  | { readonly outcome: BackfillEnd | 'unknown' };

/** What it needs. */
export interface BackfillJobDeps {
  readonly backfill: { run(run: BackfillRun): Promise<BackfillRunEnd> };
  readonly watch: JobWatch;
  /** How long a slice may show no progress, in milliseconds. */
  readonly hangLimitMs: (sourceId: string) => number;
  /** Aborts when the process stops. */
  readonly stop: AbortSignal;
  readonly logger: Logger;
  readonly cutSecrets: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Between two slices, in milliseconds: whatever else waits for a slot has its turn. */
const pauseMs = 1_000;
/** A run that broke off because Redis refused something comes again after this many milliseconds. */
const refusedWaitMs = 5_000;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Written by a process of ours or by a person in Bull Board: each field is looked at where it is used. */
const dataOf = (job: Job): { readonly [name in keyof BackfillJobData]?: unknown } => {
  const data: unknown = job.data;
  return typeof data === 'object' && data !== null ? data : {};
};

/** Creates the processor of jobs named `backfill`; it rejects as BullMQ wants it. */
export const createBackfillJobProcessor = (
  deps: BackfillJobDeps,
): ((job: Job, token: string, lockLost: AbortSignal) => Promise<BackfillJobResult>) => {
  const { now, logger } = deps;

  /** What is shown is not worth a slice: a Redis at its limit refuses it, and the move after it may still pass. */
  const show = async (job: Job, entry: BackfillEntry, delayed: PollDelay | null): Promise<void> => {
    try {
      await job.updateData(backfillJobData(entry, delayed));
      await job.updateProgress(Math.floor(shareDone(entry) * 100));
    } catch (error) {
      logger.debug({ jobId: job.id, error: messageOf(error) }, 'the progress of a backfill is not shown');
    }
  };

  const delay = async (job: Job, token: string, waitMs: number): Promise<never> => {
    await job.moveToDelayed(now() + waitMs, token);
    throw jobWasDelayed();
  };

  const run = async (job: Job, lockLost: AbortSignal): Promise<BackfillRunEnd | null> => {
    const { sourceId, backfillId, delayed } = dataOf(job);
    const givenUp = new AbortController();
    try {
      return await deps.watch.run(
        `backfill of ${text(sourceId)}`,
        (progress) =>
          deps.backfill.run({
            jobId: job.id ?? '',
            sourceId: text(sourceId),
            backfillId: text(backfillId),
            hostWaitedMs: waitedForHostMs(delayed, now()),
            stop: deps.stop,
            lockLost,
            givenUp: givenUp.signal,
            progress,
            runsOn: (entry) => show(job, entry, null),
          }),
        { limitMs: deps.hangLimitMs(text(sourceId)) },
      );
    } catch (error) {
      if (codeOf(error) === 'hung') {
        givenUp.abort(error);
        return { end: 'let_go' };
      }
      logger.warn(
        { sourceId, backfillId, error: deps.cutSecrets(messageOf(error)) },
        'a slice of a backfill broke off',
      );
      return null;
    }
  };

  return async (job, token, lockLost) => {
    const end = await run(job, lockLost);
    if (end === null) return delay(job, token, refusedWaitMs);
    switch (end.end) {
      case 'next':
        await show(job, end.entry, null);
        return delay(job, token, pauseMs);
      case 'later': {
        const { by, reason, waitMs, entry } = end;
        const at = now();
        const since = new Date(delayedSince(dataOf(job).delayed, by, at) ?? at).toISOString();
        await show(job, entry, { by, reason, since, until: new Date(at + waitMs).toISOString() });
        return delay(job, token, waitMs);
      }
      case 'finished':
        await show(job, end.entry, null);
        return { outcome: 'finished', records: end.entry.records };
      case 'over':
        return { outcome: end.state };
      case 'handed_back':
        await job.moveToWait(token);
        throw jobIsNotOurs();
      case 'let_go':
        throw jobIsNotOurs();
      case 'failed':
        throw new Error(end.error);
    }
  };
};
