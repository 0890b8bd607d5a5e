// Backfills as people ask for them: the past of a source, from a time to a time, fetched beside its polls as jobs that can
// be seen, go on after a kill, and can be taken back. What runs them is the pollers' business (poller-worker/src/backfill).
import { randomBytes } from 'node:crypto';
import type { Job, Queue } from 'bullmq';
import { messageOf } from '../failures/errors.ts';
import type { BackfillJobData, PollDelay } from '../jobs/payloads.ts';
import { classOf } from '../records/priority.ts';
import { type BackfillEntry, type BackfillStore, mostOpenBackfills } from './backfill-store.ts';
import { keptPolls } from './poll-queue.ts';

/** The longest time that one backfill may ask for, in milliseconds: ten years. */
export const longestBackfillMs = 3_653 * 86_400_000;

/** A backfill that somebody asks for. Times in milliseconds since the epoch; `toMs` is not included. */
export interface BackfillRequest {
  readonly sourceId: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Who asks, for whoever looks: a user of the dashboard, `streamctl`. */
  readonly requestedBy: string;
}

/** `exists`: one of the same time is open already, and nothing was added. `reason` is a sentence for people. */
export type BackfillAnswer =
  | { readonly kind: 'queued' | 'exists'; readonly backfillId: string }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * `waiting` it has not begun · `running` also between two slices · `delayed` see `delayed` · `finished` · `cancelled` ·
 * `failed` after too many errors in a row; Retry of its job in Bull Board goes on where it stopped.
 */
export type BackfillState = 'waiting' | 'running' | 'delayed' | 'finished' | 'cancelled' | 'failed';

/** One backfill as it is shown. Times are ISO 8601. */
export interface BackfillView {
  readonly id: string;
  readonly source: string;
  readonly state: BackfillState;
  readonly from: string;
  readonly to: string;
  /** All before it is in the queues. */
  readonly doneUntil: string;
  /** From 0 to 1. */
  readonly share: number;
  /** New or corrected so far. */
  readonly records: number;
  readonly requestedAt: string;
  readonly requestedBy: string;
  readonly endedAt: string | null;
  /** Of the last error, also of one that is over; without secrets. */
  readonly error: string | null;
  /** Why and until when it waits. */
  readonly delayed: PollDelay | null;
}

/** The acts on backfills. They reject with what Redis answered. */
export interface Backfills {
  request(request: BackfillRequest): Promise<BackfillAnswer>;
  /** Open ones and the last 20 that have ended, the newest first. */
  list(sourceId: string): Promise<readonly BackfillView[]>;
  /** What is in the queues stays there. `over`: it had ended before. */
  cancel(sourceId: string, backfillId: string): Promise<'cancelled' | 'over' | 'unknown'>;
  /** Adds the jobs of open backfills that have none (lost, or removed in Bull Board); gives their ids. */
  heal(sourceIds: readonly string[]): Promise<readonly string[]>;
}

/** Id of a backfill's job in queue `poll`. */
export const backfillJobId = (sourceId: string, backfillId: string): string => `backfill-${sourceId}-${backfillId}`;

const iso = (ms: number): string => new Date(ms).toISOString();

/** What is shown of a backfill at its job. */
export const backfillJobData = (entry: BackfillEntry, delayed: PollDelay | null = null): BackfillJobData => ({
  sourceId: entry.sourceId,
  backfillId: entry.id,
  from: iso(entry.fromMs),
  to: iso(entry.toMs),
  doneUntil: iso(entry.doneMs),
  records: entry.records,
  requestedAt: iso(entry.requestedAtMs),
  requestedBy: entry.requestedBy,
  ...(delayed === null ? {} : { delayed }),
});

/** From 0 to 1. Pure. */
export const shareDone = ({ fromMs, toMs, doneMs }: Pick<BackfillEntry, 'fromMs' | 'toMs' | 'doneMs'>): number =>
  toMs > fromMs ? Math.min(1, Math.max(0, (doneMs - fromMs) / (toMs - fromMs))) : 1;

/** Why a time is none that can be asked for; null: it is. Pure. `now`: milliseconds since the epoch. */
export const timeFault = (fromMs: number, toMs: number, now: number): string | null => {
  const furthestMs = 8.64e15;
  if (!(Math.abs(fromMs) <= furthestMs) || !(Math.abs(toMs) <= furthestMs))
    return 'from and to must be times, such as 2026-01-04 or 2026-01-04T09:00:00Z';
  if (fromMs >= toMs) return `from (${iso(fromMs)}) must be before to (${iso(toMs)})`;
  if (toMs > now) return `to (${iso(toMs)}) lies in the future: what is yet to come is the business of the polls`;
  if (toMs - fromMs > longestBackfillMs)
    return `from ${iso(fromMs)} to ${iso(toMs)} is more than ten years: ask for a part of it`;
  return null;
};

const addJob = async (queue: Queue, entry: BackfillEntry): Promise<void> => {
  await queue.add('backfill', backfillJobData(entry), {
    jobId: backfillJobId(entry.sourceId, entry.id),
    // Polls come first.
    priority: classOf('low'),
    // Errors are waited out by the job itself; Retry in Bull Board comes after its last.
    attempts: 1,
    removeOnComplete: keptPolls,
    removeOnFail: keptPolls,
    stackTraceLimit: 1,
  });
};

const isOver = (state: string): boolean => ['completed', 'failed', 'unknown'].includes(state);

/** Creates the acts. `now`: milliseconds since the epoch. */
export const createBackfills = (deps: {
  readonly store: BackfillStore;
  /** Queue `poll`. */
  readonly queue: Queue;
  readonly now: () => number;
}): Backfills => {
  const { store, queue, now } = deps;

  const jobOf = (entry: Pick<BackfillEntry, 'sourceId' | 'id'>): Promise<Job<BackfillJobData> | undefined> =>
    queue.getJob(backfillJobId(entry.sourceId, entry.id));

  const viewOf = async (entry: BackfillEntry): Promise<BackfillView> => {
    const job = entry.state === 'open' ? await jobOf(entry) : undefined;
    const jobState = job === undefined ? 'unknown' : await job.getState();
    // A person can change the data in Bull Board: whatever it is, it is only shown.
    const delayed = jobState === 'delayed' ? (job?.data?.delayed ?? null) : null;
    const hasBegun = entry.doneMs > entry.fromMs || entry.position !== null;
    const openState = delayed !== null ? 'delayed' : jobState === 'active' || hasBegun ? 'running' : 'waiting';
    return {
      id: entry.id,
      source: entry.sourceId,
      state: entry.state === 'open' ? openState : entry.state,
      from: iso(entry.fromMs),
      to: iso(entry.toMs),
      doneUntil: iso(entry.doneMs),
      share: shareDone(entry),
      records: entry.records,
      requestedAt: iso(entry.requestedAtMs),
      requestedBy: entry.requestedBy,
      endedAt: entry.endedAtMs === null ? null : iso(entry.endedAtMs),
      error: entry.error,
      delayed,
    };
  };

  /** A job of the same id that is over would keep a new one from being added. */
  const ensureJob = async (entry: BackfillEntry): Promise<boolean> => {
    const job = await jobOf(entry);
    if (job !== undefined) {
      if (!isOver(await job.getState())) return false;
      await job.remove();
    }
    await addJob(queue, entry);
    return true;
  };

  return {
    request: async ({ sourceId, fromMs, toMs, requestedBy }) => {
      const fault = timeFault(fromMs, toMs, now());
      if (fault !== null) return { kind: 'refused', reason: fault };
      const sliceMs = (await store.slices([sourceId])).get(sourceId);
      if (sliceMs === undefined)
        return {
          kind: 'refused',
          reason: `no poller has said yet whether ${sourceId} can be asked for the past: start one with this config`,
        };
      if (sliceMs <= 0)
        return { kind: 'refused', reason: `the API of ${sourceId} cannot be asked for the past, only for what is new` };
      const id = randomBytes(5).toString('hex');
      const added = await store.add({ sourceId, id, fromMs, toMs, requestedAtMs: now(), requestedBy });
      if (added.kind === 'exists') return { kind: 'exists', backfillId: added.id };
      if (added.kind === 'too_many')
        return {
          kind: 'refused',
          reason: `${sourceId} has ${mostOpenBackfills} backfills that are not over: wait for one, or cancel it`,
        };
      const entry = await store.read(sourceId, id);
      // Between the two it can only have been cancelled.
      if (entry !== null) await addJob(queue, entry);
      return { kind: 'queued', backfillId: id };
    },

    list: async (sourceId) => Promise.all((await store.list(sourceId)).map(viewOf)),

    cancel: async (sourceId, backfillId) => {
      if (!(await store.end(sourceId, backfillId, 'cancelled', { atMs: now() })))
        return (await store.read(sourceId, backfillId)) === null ? 'unknown' : 'over';
      const job = await jobOf({ sourceId, id: backfillId });
      try {
        await job?.remove();
      } catch (error) {
        // It runs in this instant, and its poller finds it cancelled at its next page.
        if ((await job?.getState()) !== 'active')
          throw new Error(`the job of backfill ${backfillId} could not be removed: ${messageOf(error)}`, {
            cause: error,
          });
      }
      return 'cancelled';
    },

    heal: async (sourceIds) => {
      const healed: string[] = [];
      for (const entry of await store.open(sourceIds)) if (await ensureJob(entry)) healed.push(entry.id);
      return healed;
    },
  };
};
