// How a processor tells BullMQ that a job ends otherwise than completed or failed. BullMQ knows these errors by their
// name (its sandboxed processors send them over a process border), so no class of it is needed here. No attempt is used.

const named = (name: string, message: string): Error => {
  const error = new Error(message);
  error.name = name;
  return error;
};

/** The job was moved to `delayed` by us, and stays there. */
export const jobWasDelayed = (): Error => named('DelayedError', 'moved to delayed');

/** The job was moved back to its place by us, or its lock is lost and it is another worker's: BullMQ must not touch it. */
export const jobIsNotOurs = (): Error => named('WaitingError', 'let go');
