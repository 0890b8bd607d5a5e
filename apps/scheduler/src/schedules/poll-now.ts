// "Poll now": whatever the source's poll is doing, it runs as soon as a poller is free. It may be taken back.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { PollJobData } from '@stream-manager/shared/jobs/payloads';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import type { Job, Queue } from 'bullmq';

/** `queued` a poll was added · `promoted` a waiting or delayed one goes first · `running` one is under way. */
export type PollNowAnswer = 'queued' | 'promoted' | 'running';

/** Asks for a poll of one source. */
export const pollNow = async (queue: Queue, sourceId: string, now: number): Promise<PollNowAnswer> => {
  const existingId = await queue.getDeduplicationJobId(sourceId);
  const existing = existingId === null ? undefined : await queue.getJob(existingId);
  const state = existing === undefined ? 'unknown' : await existing.getState();
  if (existing !== undefined && state === 'active') return 'running';
  if (existing !== undefined && (state === 'delayed' || state === 'prioritized' || state === 'waiting')) {
    try {
      await existing.updateData({ ...existing.data, isRequested: true });
      if (state === 'delayed') await existing.promote();
      if (state !== 'waiting') await existing.changePriority({ priority: 1 });
      return 'promoted';
    } catch (error) {
      // A poller took it in this instant, which is what was asked for.
      if ((await existing.getState()) === 'active') return 'running';
      throw new Error(`poll ${existing.id ?? ''} of ${sourceId} could not be brought forward: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  if (existingId !== null) await queue.removeDeduplicationKey(sourceId);
  await addPoll(queue, { sourceId, scheduledFor: now, priority: 1, isRequested: true });
  return 'queued';
};

/** Takes back what was asked for: the poll, if there is one, is no more than any other of its source. */
export const withdrawRequest = async (queue: Queue, sourceId: string): Promise<void> => {
  const jobId = await queue.getDeduplicationJobId(sourceId);
  const poll: Job<Partial<PollJobData>> | undefined = jobId === null ? undefined : await queue.getJob(jobId);
  if (poll === undefined) return;
  const { isRequested, ...data } = poll.data;
  if (isRequested !== true) return;
  try {
    await poll.updateData(data);
  } catch (error) {
    // Its end may have come in this instant.
    if ((await queue.getJob(poll.id ?? '')) !== undefined) throw error;
  }
};
