// A poll that found no room in its queue waits for the next tick of the schedule it was polled by. When that schedule is
// another one now, or the source is started anew, so is the time to wait. What else a poll waits for (a provider's pause,
// our rate limit, the throttle) does not hang on its schedule and is left alone.
import { untilNextTickMs } from '@stream-manager/shared/queues/next-tick';
import type { Queue } from 'bullmq';
import { readPollDelay } from './poll-delays.ts';
import type { Schedule } from './wanted-schedules.ts';

/** How long a poll waits for room at most under a schedule, in milliseconds from `now` (since the epoch). Pure. */
export const roomWaitMs = ({ repeat }: Pick<Schedule, 'repeat'>, now: number): number =>
  'every' in repeat ? repeat.every : untilNextTickMs({ periodMs: 0, cron: repeat.pattern, tz: repeat.tz }, now);

/** Has the source's poll look again within `waitMs` milliseconds if it is delayed for room; 0: at once. */
export const bringForward = async (queue: Queue, sourceId: string, waitMs: number): Promise<void> => {
  const jobId = await queue.getDeduplicationJobId(sourceId);
  const poll = jobId === null ? undefined : await queue.getJob(jobId);
  const delayed = poll === undefined ? null : readPollDelay(JSON.stringify(poll.data));
  if (poll === undefined || delayed?.by !== 'room') return;
  const untilMs = Date.now() + waitMs;
  if (!(Date.parse(delayed.until) > untilMs) || (await poll.getState()) !== 'delayed') return;
  try {
    if (waitMs <= 0) return await poll.promote();
    await poll.updateData({ ...poll.data, delayed: { ...delayed, until: new Date(untilMs).toISOString() } });
    await poll.changeDelay(waitMs);
  } catch (error) {
    // A poller took it in this instant.
    if ((await poll.getState()) === 'delayed') throw error;
  }
};
