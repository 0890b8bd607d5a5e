// A consumer group in virtual time: reads at some capacity, commits at intervals, and lags by what it has not committed.

/** How a group behaves. */
export interface GroupBehaviour {
  readonly name: string;
  readonly commitEveryMs: number;
  /** Time of its first commit; before it the group is unknown. */
  readonly firstCommitMs?: number;
  /** Records/s that it can read at a time; 0: it stands still. */
  capacityAt(nowMs: number): number;
}

/** A running group. */
export interface ConsumerGroup {
  readonly name: string;
  /** Lets `stepMs` pass: reads up to the topic's `end`, commits if it is time. */
  step(nowMs: number, stepMs: number, end: number): void;
  /** Offset that was committed last; null: none yet. */
  committed(): number | null;
}

/** A group at the beginning of its topic. */
export function createConsumerGroup(behaviour: GroupBehaviour): ConsumerGroup {
  let position = 0;
  let committed: number | null = null;
  let nextCommitMs = behaviour.firstCommitMs ?? behaviour.commitEveryMs;
  return {
    name: behaviour.name,
    committed: () => committed,
    step: (nowMs, stepMs, end) => {
      position = Math.min(end, position + (behaviour.capacityAt(nowMs) * stepMs) / 1_000);
      if (nowMs < nextCommitMs) return;
      committed = Math.floor(position);
      nextCommitMs += behaviour.commitEveryMs;
    },
  };
}
