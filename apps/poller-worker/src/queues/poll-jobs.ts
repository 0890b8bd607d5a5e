// The BullMQ edge of the poller: reads the jobs of queue `poll`, hands them to their stage, and tells BullMQ how they
// ended. The only file of this process that moves a poll job.
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import type { PollJobData, ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { JobWatch } from '@stream-manager/shared/ops/job-watch';
import { jobIsNotOurs, jobWasDelayed } from '@stream-manager/shared/queues/job-endings';
import type { Job } from 'bullmq';
import type { PollEnd, PollRequest } from '../poll.ts';
import type { ReparseEnd } from '../reparse.ts';
import type { TickEnd } from '../tick.ts';
import type { BackfillJobResult } from './backfill-jobs.ts';
import { type PollDelayMark, pollDelayMark } from './poll-delay.ts';

/** What a job of queue `poll` leaves behind for whoever looks. */
export type PollJobResult =
  | { readonly outcome: 'ok' | 'not_modified' | 'cached'; readonly records: number }
  | { readonly outcome: TickEnd | 'paused' | 'not_running' | 'unknown_source' }
  | { readonly outcome: Exclude<ReparseEnd['end'], 'later'> }
  | BackfillJobResult;

/** What the processor needs. */
export interface PollJobDeps {
  readonly tick: { run(tick: { readonly sourceId: string; readonly scheduledFor: number }): Promise<TickEnd> };
  readonly poll: { run(request: PollRequest): Promise<PollEnd> };
  readonly reparse: { run(row: ReparseJobData): Promise<ReparseEnd> };
  readonly backfill: (job: Job, token: string, lockLost: AbortSignal) => Promise<BackfillJobResult>;
  readonly watch: JobWatch;
  /** How long a poll of the source may show no progress, in milliseconds. */
  readonly hangLimitMs: (sourceId: string) => number;
  /** Aborts when the process stops. */
  readonly stop: AbortSignal;
  readonly logger: Logger;
  /** Cuts every secret of this process from a text: what a job fails with is stored in Redis. */
  readonly cutSecrets: (text: string) => string;
  /** The data of a job of queue `poll` as it is now. */
  readonly readData: (jobId: string) => Promise<unknown>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Processes a job of queue `poll`; rejects as BullMQ wants it. */
export type PollJobProcessor = (job: Job, token?: string, lockLost?: AbortSignal) => Promise<PollJobResult>;

const field = (job: Job, name: keyof PollJobData | keyof ReparseJobData): unknown => {
  const data: unknown = job.data;
  // Written by a process of ours or by a person in Bull Board: each field is checked where it is used.
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>)[name] : undefined;
};

const sourceIdOf = (job: Job): string => {
  const sourceId = field(job, 'sourceId');
  if (typeof sourceId === 'string') return sourceId;
  throw new Error(`job ${job.id ?? ''}: expected a sourceId in its data, found ${JSON.stringify(sourceId)}`);
};

const scheduledForOf = (job: Job): number => {
  const scheduledFor = field(job, 'scheduledFor');
  return typeof scheduledFor === 'number' && Number.isFinite(scheduledFor) ? scheduledFor : job.timestamp;
};

/** The slot of a tick: BullMQ's job scheduler writes it at the end of the job's id (`repeat:<id>:<milliseconds>`). */
const slotOf = (job: Job): number => {
  const slot = /:(\d{1,15})$/.exec(job.id ?? '')?.[1];
  return slot === undefined ? job.timestamp : Number(slot);
};

/** The row that a job names. */
const rowOf = (job: Job): ReparseJobData => {
  const text = (name: keyof ReparseJobData): string => {
    const value = field(job, name);
    if (typeof value === 'string') return value;
    throw new Error(`job ${job.id ?? ''}: expected a text as ${name} in its data, found ${JSON.stringify(value)}`);
  };
  const number = (name: keyof ReparseJobData): number => {
    const value = field(job, name);
    return typeof value === 'number' ? value : 0;
  };
  return {
    sourceId: text('sourceId'),
    letterId: text('letterId'),
    letterAddedAt: number('letterAddedAt'),
    raw: text('raw'),
    rawContext: text('rawContext'),
    code: text('code'),
    replays: number('replays'),
    pollId: text('pollId'),
    firstFailedAt: text('firstFailedAt'),
  };
};

/** A row whose parsing Redis refused comes again after this many milliseconds. */
const refusedWaitMs = 2_000;

/** Creates the processor. */
export const createPollJobProcessor = (deps: PollJobDeps): PollJobProcessor => {
  const finish = async (job: Job, token: string, end: PollEnd, mark: PollDelayMark): Promise<PollJobResult> => {
    switch (end.end) {
      case 'finished':
        return { outcome: end.outcome, records: end.records };
      case 'coalesced':
        await mark.clear();
        return { outcome: 'coalesced' };
      case 'skipped':
        await mark.clear();
        return { outcome: end.why };
      case 'later':
        await mark.write(end);
        await job.moveToDelayed(deps.now() + end.waitMs, token);
        throw jobWasDelayed();
      case 'handed_back':
        await job.moveToWait(token);
        throw jobIsNotOurs();
      case 'let_go':
        throw jobIsNotOurs();
      case 'failed':
        break;
    }
    throw new Error(end.error);
  };

  const runPoll = async (request: Omit<PollRequest, 'givenUp' | 'progress'>): Promise<PollEnd> => {
    const { sourceId } = request;
    const givenUp = new AbortController();
    try {
      return await deps.watch.run(
        `poll of ${sourceId}`,
        (progress) => deps.poll.run({ ...request, givenUp: givenUp.signal, progress }),
        { limitMs: deps.hangLimitMs(sourceId) },
      );
    } catch (error) {
      if (codeOf(error) === 'hung') {
        givenUp.abort(error);
        // Its lock expires, and the stalled check gives the job to another worker.
        return { end: 'let_go' };
      }
      const text = deps.cutSecrets(messageOf(error));
      deps.logger.error({ sourceId: request.sourceId, error: text }, 'poll broke off');
      return { end: 'failed', error: text };
    }
  };

  /** Never fails for what passes: the letter waits for it. */
  const reparse = async (job: Job, token: string): Promise<PollJobResult> => {
    const row = rowOf(job);
    let waitMs = refusedWaitMs;
    try {
      const end = await deps.watch.run(`reparse of ${row.letterId}`, () => deps.reparse.run(row));
      if (end.end !== 'later') return { outcome: end.end };
      waitMs = end.waitMs;
    } catch (error) {
      if (codeOf(error) === 'hung') throw jobIsNotOurs();
      deps.logger.warn(
        { sourceId: row.sourceId, error: deps.cutSecrets(messageOf(error)) },
        'a row was not parsed again',
      );
    }
    await job.moveToDelayed(deps.now() + waitMs, token);
    throw jobWasDelayed();
  };

  // No parameter has a default: BullMQ counts them, and gives the signal only to a processor that takes three.
  return async (job, token, lockLost) => {
    switch (job.name) {
      case 'tick':
        return { outcome: await deps.tick.run({ sourceId: sourceIdOf(job), scheduledFor: slotOf(job) }) };
      case 'poll': {
        const mark = pollDelayMark(deps, job);
        const end = await runPoll({
          jobId: job.id ?? '',
          sourceId: sourceIdOf(job),
          scheduledFor: scheduledForOf(job),
          isRequested: mark.isRequested,
          wasThrottled: mark.wasThrottled,
          hostWaitedMs: mark.hostWaitedMs,
          retries: mark.retries,
          runsOn: () => mark.clear(),
          stop: deps.stop,
          lockLost: lockLost ?? new AbortController().signal,
        });
        return finish(job, token ?? '', end, mark);
      }
      case 'reparse':
        return reparse(job, token ?? '');
      case 'backfill':
        return deps.backfill(job, token ?? '', lockLost ?? new AbortController().signal);
      default:
        throw new Error(
          `this poller knows no job named "${job.name}" (it knows tick, poll, reparse and backfill); is another version running?`,
        );
    }
  };
};
