// One round of reading offsets: every group's commits once, then the end of every topic once. In this order an error of the two
// readings is only ever a little too much lag. Ends are read of topics without a commit too: how much comes to them is known
// before the first consumer is.
import type { CommittedOffset, KafkaAdminPort, PartitionOffsets } from '../kafka/port.ts';

/** What was asked for, or why it could not be had. */
export type Reading<Value> = { readonly value: Value } | { readonly failure: unknown };

/** The offsets of one round. */
export interface OffsetReadings {
  /** By group, then by topic. */
  readonly committed: ReadonlyMap<string, Reading<ReadonlyMap<string, readonly CommittedOffset[]>>>;
  /** By topic; null = the topic does not exist. */
  readonly ends: ReadonlyMap<string, Reading<readonly PartitionOffsets[] | null>>;
}

/** Requests that are under way at the same time. */
const parallelReads = 16;

/** Asks for every name, a few at a time; failures stand in the answers. */
export const readEach = async <Value>(
  names: Iterable<string>,
  read: (name: string) => Promise<Value>,
): Promise<ReadonlyMap<string, Reading<Value>>> => {
  const readings = new Map<string, Reading<Value>>();
  const left = [...names];
  while (left.length > 0) {
    await Promise.all(
      left.splice(0, parallelReads).map(async (name) => {
        try {
          readings.set(name, { value: await read(name) });
        } catch (failure) {
          readings.set(name, { failure });
        }
      }),
    );
  }
  return readings;
};

/** Reads the commits of groups on the topics of each, then the ends of `topics`. Never rejects. */
export const readOffsets = async (
  admin: Pick<KafkaAdminPort, 'committedOffsets' | 'endOffsets'>,
  topicsOfGroup: ReadonlyMap<string, ReadonlySet<string>>,
  topics: ReadonlySet<string>,
): Promise<OffsetReadings> => {
  const committed = await readEach(topicsOfGroup.keys(), (group) =>
    admin.committedOffsets(group, [...(topicsOfGroup.get(group) ?? [])]),
  );
  return { committed, ends: await readEach(topics, (topic) => admin.endOffsets(topic)) };
};
