// Which consumer groups read our topics, for `consumerGroups: auto`: those with a commit on one of them. All groups of the
// cluster are asked once a minute; between that only the ones found are. A group that cannot be asked stays the reader of
// what it was seen to read, and of nothing else, so that it is the trouble of its own sources only.
import type { CommittedOffset, KafkaAdminPort } from '../kafka/port.ts';
import { passesByItself } from '../kafka/retry.ts';
import { createEachReader, type EachReader, type Reading } from './read-each.ts';

/** What is known of the groups of the cluster. */
export interface FoundGroups {
  /** Groups with commits on any of our topics, by name; of each the topics on which it has some. */
  readonly readers: ReadonlyMap<string, ReadonlySet<string>>;
  /**
   * Groups that could not be asked and were never seen to read: of each the failure. One that passes by itself (a coordinator
   * that is away) may hide the only reader of a topic; one that lasts (no leave to see the group) makes it no reader to us.
   */
  readonly unasked: ReadonlyMap<string, unknown>;
}

/** Finds groups. */
export interface GroupFinder {
  /**
   * The groups that matter for `topics`. A list with groups outlasts later failures; without one they reject. Rejects with
   * the reason of `signal` as soon as that aborts.
   */
  groupsOf(topics: readonly string[], signal: AbortSignal): Promise<FoundGroups>;
}

/** Age at which the list is made anew, in milliseconds. */
export const renewGroupsMs = 60_000;
/**
 * The same while no group is known, since consumers that are just starting shall be seen soon; and the time after which
 * what failed is tried again: the list, while an older one stands, and groups that could not be asked.
 */
export const renewNoGroupsMs = 5_000;

const none: FoundGroups = { readers: new Map(), unasked: new Map() };

/**
 * Creates a finder. `commits` asks for the commits of groups. `reads`: whether a group was seen with a commit on a topic, also
 * by others. `now` in milliseconds.
 */
export const createGroupFinder = (deps: {
  readonly admin: Pick<KafkaAdminPort, 'listGroups' | 'committedOffsets'>;
  readonly commits: EachReader;
  readonly reads: (group: string, topic: string) => boolean;
  readonly now: () => number;
}): GroupFinder => {
  const { admin, commits, now } = deps;
  const lists = createEachReader();
  let found: FoundGroups | null = null;
  let asked: ReadonlySet<string> = new Set();
  let renewedAt = 0;
  let triedAgainAt = 0;
  /** The list could not be made anew the last time. */
  let isFailing = false;

  const wasReader = (group: string, topic: string): boolean =>
    found?.readers.get(group)?.has(topic) === true || deps.reads(group, topic);

  const topicsReadBy = (
    group: string,
    reading: Reading<ReadonlyMap<string, readonly CommittedOffset[]>> | undefined,
    topics: readonly string[],
  ): ReadonlySet<string> => {
    const answer = reading !== undefined && 'value' in reading ? reading.value : null;
    return new Set(
      topics.filter((topic) => {
        // A topic whose partitions were not known just then was not asked for.
        const partitions = answer?.get(topic);
        return partitions === undefined ? wasReader(group, topic) : partitions.some(({ offset }) => offset !== null);
      }),
    );
  };

  const listGroups = async (signal: AbortSignal): Promise<readonly string[]> => {
    const list = (await lists.read(['groups'], () => admin.listGroups(), signal)).get('groups');
    if (list !== undefined && 'failure' in list) throw list.failure;
    return list?.value ?? [];
  };

  const ask = async (
    groups: readonly string[],
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<FoundGroups> => {
    const readings = await commits.read(groups, (group) => admin.committedOffsets(group, topics), signal);
    const readers = new Map<string, ReadonlySet<string>>();
    const unasked = new Map<string, unknown>();
    for (const group of groups) {
      const reading = readings.get(group);
      const read = topicsReadBy(group, reading, topics);
      if (read.size > 0) readers.set(group, read);
      else if (reading !== undefined && 'failure' in reading) unasked.set(group, reading.failure);
    }
    return { readers, unasked };
  };

  const renew = async (topics: readonly string[], signal: AbortSignal): Promise<void> => {
    const answers = await ask(await listGroups(signal), topics, signal);
    const away = [...answers.unasked.values()].filter(passesByItself);
    // "No group" is an answer only if every group could be asked.
    if (answers.readers.size === 0 && away.length > 0) throw away[0];
    found = answers;
    asked = new Set(topics);
    renewedAt = now();
    triedAgainAt = renewedAt;
  };

  /** Asks again those that could not be asked, and no others. */
  const askAgain = async ({ readers, unasked }: FoundGroups, signal: AbortSignal): Promise<void> => {
    triedAgainAt = now();
    const answers = await ask([...unasked.keys()], [...asked], signal);
    found = { readers: new Map([...readers, ...answers.readers]), unasked: answers.unasked };
  };

  return {
    groupsOf: async (topics, signal) => {
      const hasReaders = found !== null && found.readers.size > 0;
      const maxAgeMs = hasReaders ? renewGroupsMs : renewNoGroupsMs;
      const isCurrent = found !== null && now() - renewedAt < maxAgeMs && topics.every((topic) => asked.has(topic));
      const mayTryAgain = now() - triedAgainAt >= renewNoGroupsMs;
      if (!isCurrent && (!isFailing || mayTryAgain)) {
        try {
          await renew(topics, signal);
          isFailing = false;
        } catch (error) {
          if (!hasReaders) throw error;
          isFailing = true;
          triedAgainAt = now();
        }
      } else if (found !== null && found.unasked.size > 0 && mayTryAgain) {
        await askAgain(found, signal);
      }
      return found ?? none;
    },
  };
};
