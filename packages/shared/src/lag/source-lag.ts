// The lag of one source out of the offsets of a round. Pure. The worst group counts: each group reads everything for
// itself (so the lags of two are not added), and one group has all topics of the source to read (so those are).
import { messageOf } from '../failures/errors.ts';
import type { CommittedOffset, PartitionOffsets } from '../kafka/port.ts';
import { passesByItself } from '../kafka/retry.ts';
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
  /** Groups left out since they cannot be read for good, a sentence each; the others count. */
  readonly unreadable: readonly string[];
  /** Groups that the operator has named and that have no commit on the source's topics: misspelt, gone, or not begun yet. */
  readonly uncommitted: readonly string[];
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

/** Who cannot be asked may be the only reader. */
const awayFailure = (away: ReadonlyMap<string, unknown>): string | null => {
  const [first] = away;
  return first === undefined ? null : `group ${first[0]} cannot be asked what it reads: ${messageOf(first[1])}`;
};

/** What counts for a source. */
export interface ReadSource {
  readonly topics: readonly string[];
  readonly groups: readonly string[];
  /** Whether the operator has named the groups: then none of them is ever left out. */
  readonly isNamed: boolean;
  /** Whether a group is known to read a topic. */
  readonly reads: (group: string, topic: string) => boolean;
  /** Groups of which nobody knows what they read, since they cannot be asked just now: of each the failure. */
  readonly away: ReadonlyMap<string, unknown>;
  /** Why the groups themselves are not known, or null. */
  readonly failure: string | null;
}

/**
 * The lag of a source over its topics and the groups that read them. A reading that failed makes the whole unknown if the
 * group or topic may be the worst: if the group is known to read a topic of this source, and its failure may pass. One that
 * may not be read for good is left out as long as others count; without any other the lag is unknown, never none.
 */
export const lagOfSource = (source: ReadSource, readings: OffsetReadings, isAbandoned: IsAbandoned): SourceLag => {
  const perGroup: GroupTopicLag[] = [];
  const abandoned = new Set<string>();
  const unreadable: string[] = [];
  const uncommitted: string[] = [];
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
      if (!source.topics.some((topic) => source.reads(group, topic))) continue;
      const sentence = `offsets of group ${group} cannot be read: ${messageOf(committed.failure)}`;
      if (source.isNamed || passesByItself(committed.failure)) failure = sentence;
      else unreadable.push(sentence);
      continue;
    }
    let hasCommit = false;
    for (const topic of source.topics) {
      const partitions = committed?.value.get(topic) ?? [];
      const reading = readings.ends.get(topic);
      if (reading === undefined || 'failure' in reading || reading.value === null) continue;
      const lag = computeLag(reading.value, partitions);
      if (lag === null) continue;
      hasCommit = true;
      // The marker at the end of a transaction is never committed: who has read everything may be behind by it for ever.
      const isBehind = lag.records > reading.value.length;
      if (isAbandoned(group, topic, committedTotal(partitions), isBehind)) abandoned.add(group);
      else perGroup.push({ group, topic, lag: lag.records, lostToRetention: lag.lostToRetention });
    }
    if (source.isNamed && !hasCommit) uncommitted.push(group);
  }
  if (perGroup.length === 0 && Object.keys(ends).length > 0) failure ??= unreadable[0] ?? awayFailure(source.away);
  const worst = failure === null ? worstOf(perGroup) : null;
  return {
    records: worst?.records ?? null,
    group: worst?.group ?? null,
    topic: worst?.topic ?? null,
    perGroup,
    abandoned: [...abandoned],
    unreadable,
    uncommitted,
    ends,
    failure,
  };
};
