// Gathers the chunks of one source into batches. "Nothing more can join" means: no send of the source is in flight in
// this worker and no chunk of it is being taken. So a lone chunk goes at once, and chunks gather only behind a send:
// the timeout bounds that wait and is never paid for nothing (a timer alone starves a worker whose slots are all held).
// A batch that is ready asks for leave; while there is none it waits, or is given back to the queue.
//
//   being taken ──add──► waiting ──full, alone or overdue, and leave──► in flight ──answered──► gone
//        └──dismiss──► gone └──giveBack──► gone
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import type { Pass } from '../kafka/breaker.ts';

/** Something that goes to Kafka in one piece: a chunk, or a part of one that is larger than a batch. */
export interface Gatherable {
  readonly records: number;
  readonly priority: PriorityClass;
  /** It is not sent from here: its chunk goes back to the queue. */
  giveBack(): void;
}

/** Bounds of one source's collector. */
export interface CollectorOptions {
  /** Records of a batch at most; a single piece that is larger goes alone. */
  readonly batchSize: number;
  /** Longest wait behind a send, in milliseconds, while a slot is free. */
  readonly batchTimeoutMs: number;
  /** Batches of the source in flight at most; a second one goes only full or overdue. */
  readonly maxInFlight: number;
}

/** What a collector needs. */
export interface CollectorDeps<T> {
  /** Leave for one batch, or null: not now. Whoever gave none calls `wake`. */
  readonly enter: () => Pass | null;
  /** Sends one batch, most urgent pieces first. Must not reject: it tells each piece, and the pass, what became of it. */
  readonly send: (batch: readonly T[], pass: Pass) => Promise<void>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Runs `act` later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
}

/** The collector of one source. */
export interface Collector<T> {
  /** A chunk is being taken and may join: a batch that is neither full nor overdue waits for it. */
  expect(): void;
  /** The expected chunk came, as its pieces (none: there was nothing to send). */
  add(pieces: readonly T[]): void;
  /** The expected chunk does not come. */
  dismiss(): void;
  /** There may be leave now. */
  wake(): void;
  /** Gives back what waits. */
  giveBack(): void;
}

/** What decides whether a batch goes now. */
export interface CollectorState {
  /** Pieces that wait, most urgent first. */
  readonly waiting: readonly Pick<Gatherable, 'records'>[];
  readonly inFlight: number;
  readonly beingTaken: number;
  /** A piece has waited for `batchTimeoutMs`. */
  readonly isOverdue: boolean;
}

/** How many of the waiting pieces form the next batch, and whether nothing more fits in. */
const packBatch = (waiting: CollectorState['waiting'], batchSize: number): { pieces: number; isFull: boolean } => {
  let records = 0;
  for (const [pieces, piece] of waiting.entries()) {
    if (pieces > 0 && records + piece.records > batchSize) return { pieces, isFull: true };
    records += piece.records;
  }
  return { pieces: waiting.length, isFull: records >= batchSize };
};

/** How many of the waiting pieces go now as one batch; 0 = none yet. Pure. */
export const chooseBatch = (
  state: CollectorState,
  options: Pick<CollectorOptions, 'batchSize' | 'maxInFlight'>,
): number => {
  if (state.waiting.length === 0 || state.inFlight >= options.maxInFlight) return 0;
  const { pieces, isFull } = packBatch(state.waiting, options.batchSize);
  const nothingCanJoin = state.inFlight === 0 && state.beingTaken === 0;
  return isFull || nothingCanJoin || state.isOverdue ? pieces : 0;
};

/** Creates the collector of one source. */
export const createCollector = <T extends Gatherable>(
  deps: CollectorDeps<T>,
  options: CollectorOptions,
): Collector<T> => {
  // Two lists side by side, so that a decision looks at the pieces without copying them.
  let waiting: T[] = [];
  let waitingSince: number[] = [];
  let inFlight = 0;
  let beingTaken = 0;
  let isOverdue = false;
  let cancelTimer: (() => void) | null = null;

  const insert = (piece: T, since: number): void => {
    let at = waiting.length;
    while (at > 0 && (waiting[at - 1]?.priority ?? 1) > piece.priority) at -= 1;
    waiting.splice(at, 0, piece);
    waitingSince.splice(at, 0, since);
  };
  const overdueAt = (): number =>
    waitingSince.reduce((oldest, since) => Math.min(oldest, since), Number.POSITIVE_INFINITY) + options.batchTimeoutMs;
  const armTimer = (): void => {
    if (cancelTimer !== null || waiting.length === 0 || isOverdue) return;
    cancelTimer = deps.after(Math.max(0, overdueAt() - deps.now()), () => {
      cancelTimer = null;
      isOverdue = waiting.length > 0 && overdueAt() <= deps.now();
      pump();
    });
  };
  const pump = (): void => {
    for (;;) {
      const pieces = chooseBatch({ waiting, inFlight, beingTaken, isOverdue }, options);
      if (pieces === 0) break;
      const pass = deps.enter();
      if (pass === null) break;
      const batch = waiting.slice(0, pieces);
      waiting = waiting.slice(pieces);
      waitingSince = waitingSince.slice(pieces);
      isOverdue = false;
      inFlight += 1;
      void deps
        .send(batch, pass)
        // It never does; whatever does all the same, no chunk may wait for its answer for ever.
        .catch(() => {
          for (const piece of batch) piece.giveBack();
        })
        .finally(() => {
          inFlight -= 1;
          pump();
        });
    }
    if (waiting.length === 0) {
      cancelTimer?.();
      cancelTimer = null;
    }
    armTimer();
  };
  return {
    expect: () => {
      beingTaken += 1;
    },
    add: (pieces) => {
      beingTaken -= 1;
      const since = deps.now();
      for (const piece of pieces) insert(piece, since);
      pump();
    },
    dismiss: () => {
      beingTaken -= 1;
      pump();
    },
    wake: pump,
    giveBack: () => {
      const back = waiting;
      waiting = [];
      waitingSince = [];
      isOverdue = false;
      cancelTimer?.();
      cancelTimer = null;
      for (const piece of back) piece.giveBack();
    },
  };
};
