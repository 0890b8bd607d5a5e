// The lag of one source out of the offsets of a round. Pure. The worst group counts: each group reads everything for
// itself (so the lags of two are not added), and one group has all topics of the source to read (so those are).
import { messageOf } from '../failures/errors.ts';
import type { CommittedOffset, PartitionOffsets } from '../kafka/port.ts';
import { computeLag } from './compute-lag.ts';
import type { OffsetReadings } from './read-offsets.ts';

/** The lag of one group on one topic, in records. */
export interface GroupTopicLag {
  readonly group: string;
  readonly topic: string;
  readonly lag: number;
  /** Records that retention deleted before the group had read them. */
  readonly lostToRetention: number;
}

/** The lag of a source. */
export interface SourceLag {
  /** Lag of the worst group; null when no group has a commit on the source's topics, or when `failure` says why not. */
  readonly records: number | null;
  /** The worst group, and the topic on which it is furthest behind. */
  readonly group: string | null;
  readonly topic: string | null;
  /** All groups that count. */
  readonly perGroup: readonly GroupTopicLag[];
  /** Groups left out since their commits have not moved for a day. */
  readonly abandoned: readonly string[];
  /** Ends of the source's topics, as far as they exist: each the sum over its partitions. */
  readonly ends: Readonly<Record<string, number>>;
  /** Why the lag could not be read, or null. Never to be taken for "no lag". */
  readonly failure: string | null;
}

/** Says whether a group counts as abandoned on a topic, given the sum of its commits there and whether it is behind. */
export type IsAbandoned = (group: string, topic: string, committed: bigint, isBehind: boolean) => boolean;

const committedTotal = (partitions: readonly CommittedOffset[]): bigint =>
  partitions.reduce((sum, { offset }) => sum + (offset ?? 0n), 0n);

const endTotal = (partitions: readonly PartitionOffsets[]): number =>
  Number(partitions.reduce((sum, { high }) => sum + high, 0n));

const worstOf = (
  perGroup: readonly GroupTopicLag[],
): { readonly records: number; readonly group: string; readonly topic: string } | null => {
  let worst: { records: number; group: string; topic: string } | null = null;
  for (const [group, ofGroup] of Map.groupBy(perGroup, (entry) => entry.group)) {
    const records = ofGroup.reduce((sum, { lag }) => sum + lag, 0);
    const furthest = ofGroup.reduce((most, entry) => (entry.lag > most.lag ? entry : most));
    if (worst === null || records > worst.records) worst = { records, group, topic: furthest.topic };
  }
  return worst;
};

/**
 * The lag of a source over its topics and the groups that read them. One reading that failed makes the whole unknown: the
 * group or topic that could not be read may be the worst. `failure` = why the groups themselves are not known, or null.
 */
export const lagOfSource = (
  source: { readonly topics: readonly string[]; readonly groups: readonly string[]; readonly failure: string | null },
  readings: OffsetReadings,
  isAbandoned: IsAbandoned,
): SourceLag => {
  const perGroup: GroupTopicLag[] = [];
  const abandoned = new Set<string>();
  const ends: Record<string, number> = {};
  let { failure } = source;
  for (const topic of source.topics) {
    const reading = readings.ends.get(topic);
    // A topic that is gone has nothing to read, and nothing comes to it.
    if (reading === undefined || ('value' in reading && reading.value === null)) continue;
    if ('failure' in reading) failure = `offsets of topic ${topic} cannot be read: ${messageOf(reading.failure)}`;
    else ends[topic] = endTotal(reading.value ?? []);
  }
  for (const group of source.groups) {
    const committed = readings.committed.get(group);
    if (committed !== undefined && 'failure' in committed) {
      failure = `offsets of group ${group} cannot be read: ${messageOf(committed.failure)}`;
      continue;
    }
    for (const topic of source.topics) {
      const partitions = committed?.value.get(topic) ?? [];
      const reading = readings.ends.get(topic);
      if (reading === undefined || 'failure' in reading || reading.value === null) continue;
      const lag = computeLag(reading.value, partitions);
      if (lag === null) continue;
      // The marker at the end of a transaction is never committed: who has read everything may be behind by it for ever.
      const isBehind = lag.records > reading.value.length;
      if (isAbandoned(group, topic, committedTotal(partitions), isBehind)) abandoned.add(group);
      else perGroup.push({ group, topic, lag: lag.records, lostToRetention: lag.lostToRetention });
    }
  }
  const worst = failure === null ? worstOf(perGroup) : null;
  return {
    records: worst?.records ?? null,
    group: worst?.group ?? null,
    topic: worst?.topic ?? null,
    perGroup,
    abandoned: [...abandoned],
    ends,
    failure,
  };
};
