// Notices groups that nobody runs any more: their commits have not moved for a day although there is something to read.
// Such a group must not throttle a source for ever. The memory is this process' own: after a restart, or when another
// process takes over the sampling, the day begins anew.
import type { IsAbandoned } from './source-lag.ts';

/** Remembers when commits moved. */
export interface CommitWatch {
  /** Notes a reading and says whether the group counts as abandoned on this topic. */
  readonly isAbandoned: IsAbandoned;
  /** Forgets groups that were not noted since the last call. */
  endRound(): void;
}

/** Without a commit for this long a group counts as abandoned, in milliseconds. */
export const abandonedAfterMs = 86_400_000;

/** Creates a watch. `now` in milliseconds. */
export const createCommitWatch = (now: () => number): CommitWatch => {
  const kept = new Map<string, { committed: bigint; movedAt: number; isNoted: boolean }>();
  return {
    isAbandoned: (group, topic, committed, lag) => {
      const name = `${topic} ${group}`;
      const known = kept.get(name);
      // Who has read everything has nothing to commit.
      if (known === undefined || known.committed !== committed || lag === 0) {
        kept.set(name, { committed, movedAt: now(), isNoted: true });
        return false;
      }
      known.isNoted = true;
      return now() - known.movedAt >= abandonedAfterMs;
    },
    endRound: () => {
      for (const [name, entry] of kept) {
        if (!entry.isNoted) kept.delete(name);
        entry.isNoted = false;
      }
    },
  };
};
