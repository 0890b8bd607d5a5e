// Which consumer groups read our topics, for `consumerGroups: auto`: those with a commit on one of them. All groups of the
// cluster are asked once a minute; between that only the ones found are.
import type { KafkaAdminPort } from '../kafka/port.ts';
import { passesByItself } from '../kafka/retry.ts';
import { readEach } from './read-offsets.ts';

/** Finds groups. */
export interface GroupFinder {
  /** Groups with commits on any of `topics`. A list with groups outlasts later failures; without one they reject. */
  groupsOf(topics: readonly string[]): Promise<readonly string[]>;
}

/** Age at which the list is made anew, in milliseconds. */
export const renewGroupsMs = 60_000;
/** The same while no group is known: consumers that are just starting shall be seen soon. */
export const renewNoGroupsMs = 5_000;

/** Creates a finder. `now` in milliseconds. */
export const createGroupFinder = (deps: {
  readonly admin: Pick<KafkaAdminPort, 'listGroups' | 'committedOffsets'>;
  readonly now: () => number;
}): GroupFinder => {
  const { admin, now } = deps;
  let found: ReadonlySet<string> | null = null;
  let asked: ReadonlySet<string> = new Set();
  let renewedAt = 0;

  const hasCommit = async (group: string, topics: readonly string[]): Promise<boolean> => {
    for (const partitions of (await admin.committedOffsets(group, topics)).values()) {
      if (partitions.some(({ offset }) => offset !== null)) return true;
    }
    return false;
  };

  const renew = async (topics: readonly string[]): Promise<void> => {
    const groups = await admin.listGroups();
    const readings = await readEach(groups, (group) => hasCommit(group, topics));
    const previous = found;
    const unasked: unknown[] = [];
    const isReader = (group: string): boolean => {
      const reading = readings.get(group);
      if (reading !== undefined && 'value' in reading) return reading.value;
      // A group that we may not see is no reader to us; one that we could not ask now stays what it was.
      if (reading !== undefined && passesByItself(reading.failure)) unasked.push(reading.failure);
      return previous?.has(group) ?? false;
    };
    const readers = new Set(groups.filter(isReader));
    // "No group" is an answer only if every group could be asked.
    if (readers.size === 0 && unasked.length > 0) throw unasked[0];
    found = readers;
    asked = new Set(topics);
    renewedAt = now();
  };

  return {
    groupsOf: async (topics) => {
      const maxAgeMs = found?.size ? renewGroupsMs : renewNoGroupsMs;
      const isCurrent = found !== null && now() - renewedAt < maxAgeMs && topics.every((topic) => asked.has(topic));
      if (!isCurrent) {
        try {
          await renew(topics);
        } catch (error) {
          if (found === null || found.size === 0) throw error;
        }
      }
      return [...(found ?? [])];
    },
  };
};
