// How far a consumer group is behind on one topic. Pure. Committed offsets are read before end offsets, so an error of
// the two readings is only ever a little too much lag, never a negative one.
import type { CommittedOffset, PartitionOffsets } from '../kafka/port.ts';

/** What a group has still to read of a topic. */
export interface TopicLag {
  /** Records between the group's commits and the ends, over all partitions. Markers of transactions count as records. */
  readonly records: number;
  /** Records that retention deleted before the group had read them. */
  readonly lostToRetention: number;
}

/**
 * The lag of a group, or null if it has no commit on this topic at all: then nobody knows where it will begin.
 * A partition without a commit, in a group that has others, counts from its beginning. A commit beyond the end (a topic
 * made anew) counts as no lag.
 */
export const computeLag = (
  ends: readonly PartitionOffsets[],
  committed: readonly CommittedOffset[],
): TopicLag | null => {
  const offsets = new Map<number, bigint>();
  for (const { partition, offset } of committed) if (offset !== null) offsets.set(partition, offset);
  if (offsets.size === 0) return null;
  let records = 0n;
  let lostToRetention = 0n;
  for (const { partition, low, high } of ends) {
    const offset = offsets.get(partition);
    const from = offset === undefined || offset < low ? low : offset;
    if (high > from) records += high - from;
    if (offset !== undefined && offset < low) lostToRetention += low - offset;
  }
  return { records: Number(records), lostToRetention: Number(lostToRetention) };
};
