// A poll's deduplication key whose job is gone would block its source for ever (BullMQ releases the key only when the
// job itself ends). Every 30 s such keys are removed; should a poll be added in between, the claim `running:<sourceId>`
// still keeps two from running side by side.
import type { Queue } from 'bullmq';

/** Whether a job in this state still runs, or will. */
export const isAlive = (state: string): boolean => !['unknown', 'completed', 'failed'].includes(state);

/** Removes dead deduplication keys; gives the sources that were blocked. */
export const healPolls = async (queue: Queue, sourceIds: readonly string[]): Promise<readonly string[]> => {
  const healed: string[] = [];
  for (const sourceId of sourceIds) {
    const jobId = await queue.getDeduplicationJobId(sourceId);
    if (jobId === null || isAlive(await queue.getJobState(jobId))) continue;
    await queue.removeDeduplicationKey(sourceId);
    healed.push(sourceId);
  }
  return healed;
};
