// How large a batch of a slowed source may be.

/** A batch is never more than this time's worth of the allowed rate, in seconds: what is larger goes out in parts. */
const longestBatchSeconds = 16;

/** Records of a batch at most, of `batchSize` at full rate; `allowedRate` in records/s. At least one. Pure. */
export const batchLimit = (allowedRate: number, batchSize: number): number =>
  Math.max(1, Math.min(batchSize, Math.floor(allowedRate * longestBatchSeconds)));
