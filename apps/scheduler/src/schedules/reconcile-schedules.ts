// Makes the job schedulers of queue `poll` what they ought to be: creates, changes, removes, and heals one whose next
// job was lost. Several schedulers may run this at once; every act is idempotent. Written only where something differs:
// a blind upsert of a cron pattern loses a tick that is due (measured, docs/decisions/0004-bullmq.md).
import type { TickJobData } from '@stream-manager/shared/jobs/payloads';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { addPoll, keptPolls } from '@stream-manager/shared/queues/poll-queue';
import type { JobSchedulerJson, Queue } from 'bullmq';
import { bringForward, roomWaitMs } from './bring-forward.ts';
import { isAlive } from './heal-polls.ts';
import { type Schedule, scheduleIdPrefix } from './wanted-schedules.ts';

/** What one reconciliation did, by source id. */
export interface Reconciliation {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly healed: readonly string[];
  readonly removed: readonly string[];
}

/** A next tick that lies further ahead than two periods and this, in milliseconds, was armed by a wrong clock. */
const tooFarMs = 60_000;

/** What BullMQ has of a schedule. `nextInMs`: when its next tick is due, from now. */
export interface CurrentSchedule {
  readonly definition: string | undefined;
  readonly nextJobState: string | null;
  readonly nextInMs: number;
}

/** What is to be done about one schedule, given what BullMQ has. Pure. */
export const chooseAct = (
  wanted: Schedule,
  current: CurrentSchedule | null,
): 'create' | 'change' | 'heal' | 'leave' => {
  if (current === null) return 'create';
  if (current.definition !== wanted.definition) return 'change';
  // A worker whose clock is ahead arms the next tick by it; put right, it would not poll until then.
  if ('every' in wanted.repeat && current.nextInMs > 2 * wanted.repeat.every + tooFarMs) return 'change';
  // The armed tick is gone or over: without help this schedule would never fire again.
  return current.nextJobState !== null && isAlive(current.nextJobState) ? 'leave' : 'heal';
};

const definitionOf = (scheduler: JobSchedulerJson): string | undefined => {
  const data: unknown = scheduler.template?.data;
  if (typeof data !== 'object' || data === null || !('definition' in data)) return undefined;
  return typeof data.definition === 'string' ? data.definition : undefined;
};

const upsert = async (queue: Queue, wanted: Schedule): Promise<void> => {
  const data: TickJobData = { sourceId: wanted.sourceId, definition: wanted.definition };
  await queue.upsertJobScheduler(wanted.id, wanted.repeat, {
    name: 'tick',
    data,
    opts: { priority: 1, removeOnComplete: keptPolls, removeOnFail: keptPolls },
  });
};

const pollAtOnce = async (queue: Queue, { sourceId, pollPriority }: Schedule): Promise<void> => {
  const added = await addPoll(queue, { sourceId, scheduledFor: Date.now(), priority: pollPriority });
  if (added === 'coalesced') await bringForward(queue, sourceId, 0);
};

/** Runs one reconciliation. */
export const reconcileSchedules = async (queue: Queue, wanted: readonly Schedule[]): Promise<Reconciliation> => {
  const schedulers = await queue.getJobSchedulers(0, -1);
  const present = new Map(schedulers.map((scheduler) => [scheduler.key, scheduler]));
  const done = { created: [] as string[], changed: [] as string[], healed: [] as string[], removed: [] as string[] };
  for (const schedule of wanted) {
    const scheduler = present.get(schedule.id);
    present.delete(schedule.id);
    const nextJobState =
      scheduler?.next === undefined ? null : await queue.getJobState(`repeat:${schedule.id}:${scheduler.next}`);
    const act = chooseAct(
      schedule,
      scheduler === undefined
        ? null
        : { definition: definitionOf(scheduler), nextJobState, nextInMs: (scheduler.next ?? 0) - Date.now() },
    );
    switch (act) {
      case 'leave':
        break;
      case 'create':
        await upsert(queue, schedule);
        // A new source is not left waiting for its first tick (an hour for a batch source).
        await pollAtOnce(queue, schedule);
        done.created.push(schedule.sourceId);
        break;
      case 'change':
        // A change between `every` and `cron` leaves the old kind's fields behind unless the old one goes first.
        await queue.removeJobScheduler(schedule.id);
        await upsert(queue, schedule);
        await bringForward(queue, schedule.sourceId, roomWaitMs(schedule, Date.now()));
        done.changed.push(schedule.sourceId);
        break;
      case 'heal':
        await upsert(queue, schedule);
        done.healed.push(schedule.sourceId);
        break;
    }
  }
  for (const key of present.keys()) {
    if (!key.startsWith(scheduleIdPrefix)) continue;
    await queue.removeJobScheduler(key);
    done.removed.push(key.slice(scheduleIdPrefix.length));
  }
  return done;
};

/** Logs what a reconciliation did, one line each, nothing when nothing was done. */
export const logReconciliation = (logger: Logger, { created, changed, healed, removed }: Reconciliation): void => {
  for (const sourceId of created) logger.info({ sourceId }, 'schedule created');
  for (const sourceId of changed) logger.info({ sourceId }, 'schedule changed');
  for (const sourceId of healed) logger.warn({ sourceId }, 'schedule had lost its next tick and was healed');
  for (const sourceId of removed) logger.info({ sourceId }, 'schedule removed');
};
