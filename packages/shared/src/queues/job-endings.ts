// How a processor tells BullMQ that a job ends otherwise than completed or failed-for-an-attempt; thrown at the BullMQ
// edge only. BullMQ knows these errors by their name (its sandboxed processors send them over a process border), so no
// class of it is needed here.

const named = (name: string, message: string): Error => {
  const error = new Error(message);
  error.name = name;
  return error;
};

/** The job was moved to `delayed` by us: BullMQ leaves it there, and no attempt is used. */
export const jobWasDelayed = (): Error => named('DelayedError', 'moved to delayed');

/** The job was moved back to its place by us, or its lock is lost and it is another worker's: BullMQ must not touch it. */
export const jobIsNotOurs = (): Error => named('WaitingError', 'let go');

/** The job fails now, whatever attempts are left; `reason` is what Bull Board shows. */
export const jobFailsForGood = (reason: string): Error => named('UnrecoverableError', reason);
