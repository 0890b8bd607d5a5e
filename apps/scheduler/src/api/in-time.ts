// A request does not wait for Redis without end: what takes too long is answered with 503. An act that works through many
// letters takes this patience with each of its steps, so that a long act is not cut off while it goes on.

/** How long one step of a request may wait for Redis, in milliseconds. */
const patienceMs = 5_000;

/** Gives what `work` gives, or rejects when Redis has not answered in time. */
export const inTime = async <T>(work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${patienceMs / 1000} s`)), patienceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
