// Which queues this process works on: those with work, at most `maxOpen` of them, the ones with critical records first.
// If more have work than may be open, they take turns: a queue that had its turn gives way to the one that waits longest.
// Pure.

/** A queue, as the last round saw it. Times in monotonic milliseconds. */
export interface QueueSight {
  readonly key: string;
  readonly hasWork: boolean;
  readonly hasCritical: boolean;
  /** Paused by the operator: not worked on whatever lies in it. */
  readonly isPaused: boolean;
  /** Since when it is open here; null: it is not. */
  readonly openSince: number | null;
  /** When it last had work; while it is closed, when it was last open (0: never). */
  readonly lastSeen: number;
}

export interface ChooseOptions {
  readonly maxOpen: number;
  /** An open queue without work stays open this long. */
  readonly idleMs: number;
  /** A queue that others wait for keeps its place at least this long. */
  readonly turnMs: number;
}

export interface QueueChoice {
  readonly open: readonly string[];
  readonly close: readonly string[];
}

const rank = (queue: QueueSight, now: number, options: ChooseOptions): number => {
  if (!queue.hasWork) return 4;
  if (queue.hasCritical) return 0;
  if (queue.openSince === null) return 2;
  return now - queue.openSince < options.turnMs ? 1 : 3;
};

/** Order among queues of one rank: an idle one goes the sooner the longer it was idle, a closed one waits its turn. */
const compare = (a: QueueSight, b: QueueSight, aRank: number): number => {
  if (aRank === 4) return b.lastSeen - a.lastSeen;
  if (a.openSince !== null && b.openSince !== null) return b.openSince - a.openSince;
  if (a.openSince !== null || b.openSince !== null) return a.openSince !== null ? -1 : 1;
  return a.lastSeen - b.lastSeen;
};

/** Chooses what to open and what to close now. */
export const chooseQueues = (queues: readonly QueueSight[], options: ChooseOptions, now: number): QueueChoice => {
  const isWanted = (queue: QueueSight): boolean =>
    !queue.isPaused && (queue.hasWork || (queue.openSince !== null && now - queue.lastSeen < options.idleMs));
  const ranked = queues
    .filter(isWanted)
    .map((queue) => ({ queue, rank: rank(queue, now, options) }))
    .sort((a, b) => a.rank - b.rank || compare(a.queue, b.queue, a.rank));
  const chosen = new Set(ranked.slice(0, options.maxOpen).map(({ queue }) => queue.key));
  return {
    open: ranked.flatMap(({ queue }) => (chosen.has(queue.key) && queue.openSince === null ? [queue.key] : [])),
    close: queues.flatMap((queue) => (queue.openSince !== null && !chosen.has(queue.key) ? [queue.key] : [])),
  };
};
