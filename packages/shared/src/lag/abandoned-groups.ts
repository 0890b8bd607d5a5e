// Notices groups that nobody runs any more: their commits have not moved for a day although there is something to read.
// Such a group must not throttle a source for ever. Times are the fleet's (Redis' clock), and what is remembered can be
// taken out and put in, so that the day does not begin anew with every process that takes the sampling over.
import type { IsAbandoned } from './source-lag.ts';

/** When a group's commits on a topic moved last. */
export interface RememberedCommit {
  readonly group: string;
  readonly topic: string;
  /** Sum of the committed offsets. */
  readonly committed: string;
  /** In milliseconds by the fleet's clock. */
  readonly movedAt: number;
}

/** Remembers when commits moved. */
export interface CommitWatch {
  /** Begins a reading at this time, in milliseconds by the fleet's clock. */
  beginRound(nowMs: number): void;
  /** Notes a reading and says whether the group counts as abandoned on this topic. */
  readonly isAbandoned: IsAbandoned;
  /** Whether the group was seen with a commit on the topic, by this process or whoever kept what is known. */
  readonly reads: (group: string, topic: string) => boolean;
  /** What is known now, to be kept. */
  remembered(): readonly RememberedCommit[];
  /** Takes what was kept in place of what is known, as seen now. */
  recall(commits: readonly RememberedCommit[], nowMs: number): void;
}

/** Without a commit for this long a group counts as abandoned, in milliseconds. */
export const abandonedAfterMs = 86_400_000;
/** A group that was not seen for this long is forgotten, in milliseconds. Longer than Kafka is away now and then. */
export const forgottenAfterMs = 3_600_000;

/** Creates a watch that knows nothing. */
export const createCommitWatch = (): CommitWatch => {
  // Names of topics have no spaces.
  const nameOf = (group: string, topic: string): string => `${topic} ${group}`;
  const kept = new Map<string, { group: string; topic: string; committed: bigint; movedAt: number; seenAt: number }>();
  let now = 0;
  return {
    beginRound: (nowMs) => {
      now = nowMs;
      for (const [name, { seenAt }] of kept) if (now - seenAt >= forgottenAfterMs) kept.delete(name);
    },
    isAbandoned: (group, topic, committed, isBehind) => {
      const name = nameOf(group, topic);
      const known = kept.get(name);
      // Who has read everything has nothing to commit.
      if (known === undefined || known.committed !== committed || !isBehind) {
        kept.set(name, { group, topic, committed, movedAt: now, seenAt: now });
        return false;
      }
      known.seenAt = now;
      return now - known.movedAt >= abandonedAfterMs;
    },
    reads: (group, topic) => kept.has(nameOf(group, topic)),
    remembered: () =>
      [...kept.values()].map(({ group, topic, committed, movedAt }) => ({
        group,
        topic,
        committed: String(committed),
        movedAt,
      })),
    recall: (commits, nowMs) => {
      kept.clear();
      for (const { group, topic, committed, movedAt } of commits)
        kept.set(nameOf(group, topic), { group, topic, committed: BigInt(committed), movedAt, seenAt: nowMs });
    },
  };
};
