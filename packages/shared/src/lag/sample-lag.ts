// One reading of real lag for all sources of the fleet, whatever the number of sources that share groups and topics.
// Whoever holds the fleet's lease calls it once per interval.
import { messageOf } from '../failures/errors.ts';
import type { KafkaAdminPort } from '../kafka/port.ts';
import { passesByItself } from '../kafka/retry.ts';
import type { CommitWatch } from './abandoned-groups.ts';
import { createGroupFinder, type FoundGroups } from './groups-of.ts';
import { createEachReader } from './read-each.ts';
import { readOffsets } from './read-offsets.ts';
import { lagOfSource, type SourceLag } from './source-lag.ts';

/** Groups of a source: `auto` = those with commits on its topics; named ones are never ignored. */
export type ConsumerGroups = 'auto' | readonly string[];

/** Reads lag. */
export interface LagReader {
  /**
   * One reading for all sources. `groups` for all alike or per source (a source without an entry: auto). `nowMs` by the
   * fleet's clock. What could not be read stands as `failure` with the sources that it concerns; rejects only
   * with the reason of `signal`, as soon as that aborts. Takes a few milliseconds; where Kafka is silent seconds.
   */
  read(
    topicsBySource: ReadonlyMap<string, readonly string[]>,
    groups: ConsumerGroups | ReadonlyMap<string, ConsumerGroups>,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceLag>>;
}

const isPerSource = (
  groups: ConsumerGroups | ReadonlyMap<string, ConsumerGroups>,
): groups is ReadonlyMap<string, ConsumerGroups> => groups instanceof Map;

const nothingFound: FoundGroups = { readers: new Map(), unasked: new Map() };

/** A named group counts for every topic of its source. */
const ofNamed = { isNamed: true, reads: () => true, away: new Map(), failure: null } as const;

/** Creates a reader. `now` in milliseconds, of this process. */
export const createLagReader = (deps: {
  readonly admin: Pick<KafkaAdminPort, 'listGroups' | 'committedOffsets' | 'endOffsets'>;
  /** Which groups are abandoned. */
  readonly watch: Pick<CommitWatch, 'beginRound' | 'isAbandoned' | 'reads'>;
  /** Told with every reading which groups cannot be asked what they read, and why; empty: none. */
  readonly noteUnasked: (failures: ReadonlyMap<string, string>) => void;
  readonly now: () => number;
}): LagReader => {
  const { admin, watch } = deps;
  const readers = { commits: createEachReader(), ends: createEachReader() };
  const finder = createGroupFinder({ ...deps, commits: readers.commits, reads: watch.reads });

  const findGroups = async (
    topics: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<FoundGroups & { readonly failure: string | null }> => {
    if (topics.size === 0) return { ...nothingFound, failure: null };
    try {
      return { ...(await finder.groupsOf([...topics], signal)), failure: null };
    } catch (error) {
      return { ...nothingFound, failure: `consumer groups cannot be listed: ${messageOf(error)}` };
    }
  };

  return {
    read: async (topicsBySource, groups, nowMs, signal) => {
      const groupsFor = (sourceId: string): ConsumerGroups =>
        isPerSource(groups) ? (groups.get(sourceId) ?? 'auto') : groups;

      const topicsOfGroup = new Map<string, Set<string>>();
      const want = (group: string, topics: Iterable<string>): void => {
        const wanted = topicsOfGroup.get(group) ?? new Set();
        for (const topic of topics) wanted.add(topic);
        topicsOfGroup.set(group, wanted);
      };
      const autoTopics = new Set<string>();
      for (const [sourceId, topics] of topicsBySource) {
        const named = groupsFor(sourceId);
        if (named === 'auto') for (const topic of topics) autoTopics.add(topic);
        else for (const group of named) want(group, topics);
      }
      const found = await findGroups(autoTopics, signal);
      // Of all topics, not only those that it is known to read: its first commit on another is seen at once.
      for (const group of found.readers.keys()) want(group, autoTopics);
      // Without a list nobody knows who could be asked.
      if (found.failure === null)
        deps.noteUnasked(new Map([...found.unasked].map(([group, failure]) => [group, messageOf(failure)])));
      const ofAuto = {
        groups: [...found.readers.keys()],
        isNamed: false,
        reads: (group: string, topic: string) =>
          found.readers.get(group)?.has(topic) === true || watch.reads(group, topic),
        away: new Map([...found.unasked].filter(([, failure]) => passesByItself(failure))),
        failure: found.failure,
      };

      const topics = new Set([...topicsBySource.values()].flat());
      const readings = await readOffsets(admin, readers, topicsOfGroup, topics, signal);
      watch.beginRound(nowMs);
      const lags = new Map<string, SourceLag>();
      for (const [sourceId, topics] of topicsBySource) {
        const named = groupsFor(sourceId);
        const lag =
          named === 'auto'
            ? lagOfSource({ topics, ...ofAuto }, readings, watch.isAbandoned)
            : lagOfSource({ topics, groups: named, ...ofNamed }, readings, () => false);
        lags.set(sourceId, lag);
      }
      return lags;
    },
  };
};
