// Gathers the chunks of one source into batches. "Nothing more can join" means: no send of the source is in flight in
// this worker and no chunk of it is being taken. So a lone chunk goes at once, and chunks gather only behind a send:
// the timeout bounds that wait and is never paid for nothing (a timer alone starves a worker whose slots are all held).
// A batch that is ready asks for leave; without it its pieces wait again, or are given back to the queue. Critical pieces
// gather behind nothing, and share no batch with others: these would have to wait where critical ones need not.
//
//   being taken ──add──► waiting ──full, alone or overdue──► asking ──leave──► in flight ──answered──► gone
//        └──dismiss──► gone ▲ └──giveBack──► gone              │
//                           └────────────no leave──────────────┘
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import type { Pass } from '../kafka/breaker.ts';

/** Something that goes to Kafka in one piece: a chunk, or a part of one that is larger than a batch. */
export interface Gatherable {
  /** Pieces of one chunk go back together: the chunk is in hand as long as one of them is. */
  readonly chunkId: string;
  readonly records: number;
  /** The class in which it is served: a chunk that has waited long may have risen. */
  readonly priority: PriorityClass;
  /** It is not sent from here: its chunk goes back to the queue. */
  giveBack(): void;
}

/** Bounds of one source's collector. */
export interface CollectorOptions {
  /** Records of a batch at most, now, by the class of its most urgent piece; a single piece that is larger goes alone. */
  readonly batchRecords: (priority: PriorityClass) => number;
  /** Longest wait behind a send, in milliseconds, while a slot is free. */
  readonly batchTimeoutMs: number;
  /** Batches of the source in flight at most, and one more of critical pieces; a second one goes only full or overdue. */
  readonly maxInFlight: number;
}

/** Which batches may ask for leave now. */
export type Leave = 'any' | 'critical' | 'none';

/** A batch that asks for leave. */
export interface AskingBatch {
  readonly records: number;
  /** The most urgent class in it; a critical batch is critical throughout. */
  readonly priority: PriorityClass;
}

/** What a collector needs. */
export interface CollectorDeps<T> {
  /** Leave for one batch, or null: not now. Must not reject. Whoever gave none calls `wake`. */
  readonly enter: (batch: AskingBatch) => Promise<Pass | null>;
  /** Who may ask; a batch that was refused must not be allowed to ask again before `wake`. */
  readonly leave: () => Leave;
  /** A batch got no leave, and its pieces wait again. */
  readonly onRefused: () => void;
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
  /** The class of the least urgent piece that waits and cannot go now; null: none, or it is about to go. */
  leastUrgent(): PriorityClass | null;
  /** Gives back what waits. */
  giveBack(): void;
  /** Gives back the least urgent chunk that waits. */
  giveBackLast(): void;
  /**
   * Gives back the chunks that begin beyond this many records, and those in pieces larger than a batch may be now; critical
   * ones stay.
   */
  keepWithin(records: number): void;
}

/** What decides whether a batch goes now. */
export interface CollectorState {
  /** Pieces that wait, most urgent first. */
  readonly waiting: readonly Pick<Gatherable, 'records' | 'priority'>[];
  /** Batches that ask or are on their way. */
  readonly inFlight: number;
  readonly beingTaken: number;
  /** A piece has waited for `batchTimeoutMs`. */
  readonly isOverdue: boolean;
  readonly leave: Leave;
}

/** How many of the waiting pieces form the next batch, and whether nothing more fits in. */
const packBatch = (waiting: CollectorState['waiting'], batchRecords: number): { pieces: number; isFull: boolean } => {
  const isCritical = waiting[0]?.priority === 1;
  let records = 0;
  for (const [pieces, piece] of waiting.entries()) {
    if ((piece.priority === 1) !== isCritical) return { pieces, isFull: true };
    if (pieces > 0 && records + piece.records > batchRecords) return { pieces, isFull: true };
    records += piece.records;
  }
  return { pieces: waiting.length, isFull: records >= batchRecords };
};

/** How many of the waiting pieces go now as one batch; 0 = none yet. Pure. */
export const chooseBatch = (
  state: CollectorState,
  options: { readonly batchRecords: number; readonly maxInFlight: number },
): number => {
  const [first] = state.waiting;
  if (first === undefined || state.leave === 'none') return 0;
  const { pieces, isFull } = packBatch(state.waiting, options.batchRecords);
  if (first.priority === 1) return state.inFlight > options.maxInFlight ? 0 : pieces;
  if (state.leave === 'critical' || state.inFlight >= options.maxInFlight) return 0;
  const nothingCanJoin = state.inFlight === 0 && state.beingTaken === 0;
  return isFull || nothingCanJoin || state.isOverdue ? pieces : 0;
};

/** A piece that waits. */
interface Waiting<T> extends Pick<Gatherable, 'records' | 'priority'> {
  readonly piece: T;
  readonly since: number;
  /** Its number among all that were added: the order within its class, also for what comes back. */
  readonly number: number;
}

const isAfter = (a: Waiting<unknown>, b: Waiting<unknown>): boolean =>
  a.priority === b.priority ? a.number > b.number : a.priority > b.priority;

/** Creates the collector of one source. */
export const createCollector = <T extends Gatherable>(
  deps: CollectorDeps<T>,
  options: CollectorOptions,
): Collector<T> => {
  let waiting: Waiting<T>[] = [];
  let added = 0;
  let inFlight = 0;
  let beingTaken = 0;
  let isOverdue = false;
  let cancelTimer: (() => void) | null = null;

  const insert = (entry: Waiting<T>): void => {
    let at = waiting.length;
    for (let before = waiting[at - 1]; before !== undefined && isAfter(before, entry); before = waiting[at - 1])
      at -= 1;
    waiting.splice(at, 0, entry);
  };
  const overdueAt = (): number =>
    waiting.reduce((oldest, { since }) => Math.min(oldest, since), Number.POSITIVE_INFINITY) + options.batchTimeoutMs;
  const armTimer = (): void => {
    if (cancelTimer !== null || waiting.length === 0 || isOverdue) return;
    cancelTimer = deps.after(Math.max(0, overdueAt() - deps.now()), () => {
      cancelTimer = null;
      isOverdue = waiting.length > 0 && overdueAt() <= deps.now();
      pump();
    });
  };
  const disarm = (): void => {
    cancelTimer?.();
    cancelTimer = null;
  };
  const go = async (batch: readonly Waiting<T>[]): Promise<void> => {
    const records = batch.reduce((sum, entry) => sum + entry.records, 0);
    const pass = await deps.enter({ records, priority: batch[0]?.priority ?? 4 });
    if (pass === null) {
      for (const entry of batch) insert(entry);
      deps.onRefused();
      return;
    }
    await deps.send(
      batch.map(({ piece }) => piece),
      pass,
    );
  };
  const pump = (): void => {
    for (;;) {
      const state = { waiting, inFlight, beingTaken, isOverdue, leave: deps.leave() };
      const pieces = chooseBatch(state, {
        batchRecords: options.batchRecords(waiting[0]?.priority ?? 4),
        maxInFlight: options.maxInFlight,
      });
      if (pieces === 0) break;
      const batch = waiting.slice(0, pieces);
      waiting = waiting.slice(pieces);
      isOverdue = false;
      inFlight += 1;
      void go(batch)
        // It never does; whatever does all the same, no chunk may wait for its answer for ever.
        .catch(() => {
          for (const { piece } of batch) piece.giveBack();
        })
        .finally(() => {
          inFlight -= 1;
          pump();
        });
    }
    if (waiting.length === 0) disarm();
    armTimer();
  };
  /** Keeps these and gives back the rest; the last first, so that each stands before those that follow it again. */
  const keep = (kept: readonly Waiting<T>[]): void => {
    const stays = new Set(kept);
    const back = waiting.filter((entry) => !stays.has(entry)).reverse();
    waiting = [...kept];
    if (waiting.length === 0) {
      isOverdue = false;
      disarm();
    }
    for (const { piece } of back) piece.giveBack();
  };
  return {
    expect: () => {
      beingTaken += 1;
    },
    add: (pieces) => {
      beingTaken -= 1;
      const since = deps.now();
      for (const piece of pieces) {
        insert({ piece, records: piece.records, priority: piece.priority, since, number: added });
        added += 1;
      }
      pump();
    },
    dismiss: () => {
      beingTaken -= 1;
      pump();
    },
    wake: pump,
    leastUrgent: () => {
      const isStuck = deps.leave() !== 'any' || inFlight >= options.maxInFlight;
      return isStuck ? (waiting.at(-1)?.priority ?? null) : null;
    },
    giveBack: () => keep([]),
    giveBackLast: () => {
      const last = waiting.at(-1)?.piece.chunkId;
      keep(waiting.filter(({ piece }) => piece.chunkId !== last));
    },
    keepWithin: (records) => {
      const kept = new Set<string>();
      const tooLarge = new Set<string>();
      let total = 0;
      for (const { piece, priority, records: own } of waiting) {
        if (own > options.batchRecords(priority)) tooLarge.add(piece.chunkId);
        if (priority === 1 || total < records) kept.add(piece.chunkId);
        if (priority > 1) total += own;
      }
      keep(waiting.filter(({ piece }) => kept.has(piece.chunkId) && !tooLarge.has(piece.chunkId)));
    },
  };
};
