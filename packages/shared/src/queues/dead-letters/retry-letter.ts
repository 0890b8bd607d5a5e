// A letter's replay as the operator asks for it: BullMQ's own retry of the failed job, as a press of Retry in Bull Board
// is. The producers see that it is not the first run, and do the rest.
import { Job, type Queue } from 'bullmq';

/** `no_data`: its place in the failed set is there, its job is not. `not_failed`: it waits for a run, or is gone. */
export type Retry = 'retried' | 'no_data' | 'not_failed';

/** Retries one failed letter. Rejects with what Redis answered. */
export const retryLetter = async (queue: Queue, jobId: string): Promise<Retry> => {
  try {
    // The retry goes by the id alone: no need to load what the job carries.
    await new Job(queue, '', {}, {}, jobId).retry('failed');
    return 'retried';
  } catch (error) {
    // The codes of BullMQ's reprocessJob.
    const code: unknown = error instanceof Error && 'code' in error ? error.code : null;
    if (code === -1) return 'no_data';
    if (code === -3) return 'not_failed';
    throw error;
  }
};
