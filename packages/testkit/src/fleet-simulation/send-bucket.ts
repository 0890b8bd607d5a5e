// Leave to send, as the fleet's Lua `askToSend` gives it, in virtual time: a debt in records that is paid off at the allowed
// rate, and a pause between two batches.

/** Credit that an idle source keeps, in seconds of its rate. */
const creditSeconds = 0.05;

/** What holds for a source while it asks. */
export interface Leave {
  /** Records/s. */
  readonly allowedRate: number;
  /** Milliseconds between two batches. */
  readonly delayMs: number;
}

/** The bucket of one source. */
export interface SendBucket {
  /** May a batch of `records` go now? If so it is owed from now on. */
  ask(nowMs: number, records: number, leave: Leave): boolean;
}

/** An empty bucket. */
export function createSendBucket(): SendBucket {
  let owed = 0;
  let at = 0;
  let sentAt = Number.NEGATIVE_INFINITY;
  return {
    ask: (nowMs, records, { allowedRate, delayMs }) => {
      owed = Math.max(-creditSeconds * allowedRate, owed - ((nowMs - at) * allowedRate) / 1_000);
      at = nowMs;
      if (owed > 0 || (delayMs > 0 && nowMs < sentAt + delayMs)) return false;
      owed += records;
      sentAt = nowMs;
      return true;
    },
  };
}
