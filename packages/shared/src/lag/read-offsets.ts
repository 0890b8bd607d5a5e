// One round of reading offsets: every group's commits once, then the end of every topic once. In this order an error of the two
// readings is only ever a little too much lag. Ends are read of topics without a commit too: how much comes to them is known
// before the first consumer is.
import type { CommittedOffset, KafkaAdminPort, PartitionOffsets } from '../kafka/port.ts';
import type { EachReader, Reading } from './read-each.ts';

/** The offsets of one round. */
export interface OffsetReadings {
  /** By group, then by topic. */
  readonly committed: ReadonlyMap<string, Reading<ReadonlyMap<string, readonly CommittedOffset[]>>>;
  /** By topic; null = the topic does not exist. */
  readonly ends: ReadonlyMap<string, Reading<readonly PartitionOffsets[] | null>>;
}

/** What offsets are read with. Commits and ends each have a reader of their own: a group may be named like a topic. */
export interface OffsetReaders {
  readonly commits: EachReader;
  readonly ends: EachReader;
}

/**
 * Reads the commits of groups on the topics of each, then the ends of `topics`. What could not be read stands in the answers;
 * rejects only with the reason of `signal`, as soon as that aborts.
 */
export const readOffsets = async (
  admin: Pick<KafkaAdminPort, 'committedOffsets' | 'endOffsets'>,
  readers: OffsetReaders,
  topicsOfGroup: ReadonlyMap<string, ReadonlySet<string>>,
  topics: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<OffsetReadings> => {
  const committed = await readers.commits.read(
    topicsOfGroup.keys(),
    (group) => admin.committedOffsets(group, [...(topicsOfGroup.get(group) ?? [])]),
    signal,
  );
  return { committed, ends: await readers.ends.read(topics, (topic) => admin.endOffsets(topic), signal) };
};
