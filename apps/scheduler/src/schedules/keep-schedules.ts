// Keeps the schedules right: at start, every 30 s, and soon after an operator's act. A round that fails (Redis away) is
// tried again with the next.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Service } from '@stream-manager/shared/ops/service';
import type { Backfills } from '@stream-manager/shared/queues/backfills';
import type { Queue } from 'bullmq';
import { healPolls } from './heal-polls.ts';
import { logReconciliation, reconcileSchedules } from './reconcile-schedules.ts';
import type { Schedule } from './wanted-schedules.ts';

const intervalMs = 30_000;

/** The keeper; `reconcileSoon` starts a round at once, or right after the one that runs. */
export interface ScheduleKeeper extends Service {
  reconcileSoon(): void;
}

/** Creates the keeper. `start` resolves after the first round. */
export const createScheduleKeeper = (deps: {
  readonly queue: Queue;
  readonly streams: { wantedSchedules(): Promise<readonly Schedule[]> };
  readonly sourceIds: readonly string[];
  readonly backfills: Pick<Backfills, 'heal'>;
  readonly logger: Logger;
}): ScheduleKeeper => {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let running: Promise<void> | null = null;
  let isAskedAgain = false;

  const round = async (): Promise<void> => {
    logReconciliation(deps.logger, await reconcileSchedules(deps.queue, await deps.streams.wantedSchedules()));
    for (const sourceId of await healPolls(deps.queue, deps.sourceIds))
      deps.logger.warn({ sourceId }, 'a poll that no longer exists blocked the source; released');
    for (const backfillId of await deps.backfills.heal(deps.sourceIds))
      deps.logger.warn({ backfillId }, 'a backfill had lost its job, which was added again; cancel it to end it');
  };

  const runQuietly = async (): Promise<void> => {
    isAskedAgain = false;
    try {
      await round();
    } catch (error) {
      deps.logger.warn({ error: messageOf(error) }, 'schedules cannot be checked; trying again');
    }
    running = null;
    if (isStopped) return;
    clearTimeout(timer);
    timer = setTimeout(reconcileSoon, isAskedAgain ? 0 : intervalMs);
  };

  const reconcileSoon = (): void => {
    if (isStopped) return;
    if (running === null) running = runQuietly();
    else isAskedAgain = true;
  };

  return {
    start: async () => {
      // A start without Redis fails; afterwards a round that fails is tried again.
      const first = round();
      running = first.catch(() => {});
      await first;
      running = null;
      if (!isStopped) timer = setTimeout(reconcileSoon, isAskedAgain ? 0 : intervalMs);
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
    reconcileSoon,
  };
};
