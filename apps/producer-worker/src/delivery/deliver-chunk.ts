// The way of one chunk through this worker: take → join a batch → (fence, publish) → settle. BullMQ is not known here:
// what the chunk's job has to do in the end is the answer. Many chunks of a source are on this way at once.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { ChunkStore, TakenChunk } from '@stream-manager/shared/queues/chunk-store';
import type { Tap } from '@stream-manager/shared/queues/tap';
import { decodePayload, isPayloadFault } from '@stream-manager/shared/records/payload';
import { type PriorityClass, priorityOf } from '@stream-manager/shared/records/priority';
import { parseValue } from '@stream-manager/shared/records/stored-value';
import type { TopicResolver } from '@stream-manager/shared/topics/resolve-topic';
import type { SourceNotes } from '../source-notes.ts';
import type { Collector, Gatherable } from './collect.ts';
import type { DecideOptions, Rest, WaitCause } from './decide-chunk.ts';
import type { HeldLock } from './fence.ts';
import { type PreparedChunk, prepareChunk } from './prepare.ts';
import type { SendFailure } from './publish.ts';
import { bitmapOf, type SettleDeps, settleChunk } from './settle.ts';
import { showRouted } from './tapped-records.ts';
import { ingestedAtOf } from './timestamps.ts';

/** A chunk job in hand. */
export interface ChunkJob extends HeldLock {
  /** The class in which BullMQ serves it: that of its records, or one to which it has risen. */
  readonly rank: PriorityClass;
  /** Attempts as BullMQ counts them: used before this run, and runs in all. */
  readonly attempts: { readonly made: number; readonly max: number };
}

/** What a chunk's job has to do. `let_go`: its lock is lost, it must not be touched. `give_back`: to its place in the queue. */
export type ChunkEnding =
  | { readonly kind: 'complete' | 'let_go' | 'give_back' }
  | { readonly kind: 'delay'; readonly delayMs: number; readonly reason: string }
  | { readonly kind: 'retry' | 'fail'; readonly reason: string };

/** What became of a piece: its failures by index in `outgoing`, or why it was not sent. */
export type PieceAnswer = readonly SendFailure[] | 'lock_lost' | 'given_back';

/** A chunk, or a part of one that is larger than a batch. */
export interface Piece extends Gatherable {
  readonly lock: HeldLock;
  readonly outgoing: readonly OutgoingRecord[];
  /** It goes to Kafka now. */
  leaves(): void;
  answer(answer: PieceAnswer): void;
}

export interface DeliverDeps extends Omit<SettleDeps, 'store'> {
  readonly store: Pick<ChunkStore, 'take' | 'settle' | 'noteTries' | 'refusedFor' | 'forgetRefusal'>;
  readonly topics: Pick<TopicResolver, 'resolve' | 'needsContent'>;
  readonly collector: Pick<Collector<Piece>, 'expect' | 'add' | 'dismiss'>;
  /** The breaker is open: what has failed for an outage goes back to its place instead of coming again by itself. */
  readonly isShut: () => boolean;
  readonly notes: SourceNotes;
  /** Shows what goes to Kafka to whoever taps. */
  readonly tap: Tap;
  readonly metrics: Pick<
    Metrics,
    'queueWaitSeconds' | 'endToEndSeconds' | 'timestampsReplacedTotal' | 'deadLettersTotal'
  >;
  readonly logger: Logger;
  /** Waits; resolves early when `stopped` aborts. */
  readonly pause: (delayMs: number) => Promise<void>;
  /** Aborted when the process cannot wait any longer: what is in hand is left to others. */
  readonly stopped: AbortSignal;
}

export interface DeliverOptions extends DecideOptions {
  readonly sourceId: string;
  /** Records of a piece at most, now, by the class in which the chunk is served. */
  readonly pieceRecords: (rank: PriorityClass) => number;
  /** `delivery.maxAttempts` */
  readonly maxAttempts: number;
  /** Whose count of attempts holds: the job's (BullMQ waits between them), or the chunk's (it is repeated in place). */
  readonly attemptsOf: 'job' | 'chunk';
}

/** A payload of a later version is looked at again after this many milliseconds. */
const newerPayloadWaitMs = 5_000;
/** Redis did not give a chunk: it goes back for this many milliseconds. */
const takeFailedWaitMs = 1_000;
/** Pause between two tries to settle what Kafka has acknowledged, in milliseconds. */
const settleRetryMs = 500;

const seconds = (fromMs: number, toMs: number): number => Math.max(0, toMs - fromMs) / 1000;

const endingOf = (rest: Rest, isShut: boolean): ChunkEnding => {
  switch (rest.kind) {
    case 'none':
      return { kind: 'complete' };
    case 'wait':
      if (rest.cause === 'outage' && isShut) return { kind: 'give_back' };
      return { kind: 'delay', delayMs: rest.delayMs, reason: rest.reason };
    case 'retry':
      return { kind: 'retry', reason: rest.reason };
    case 'give_back':
      return rest;
  }
};

/** What /readyz says of a source whose records wait. */
const waitNote: Readonly<Record<WaitCause, (reason: string) => string>> = {
  outage: (reason) => `Kafka does not take all records of this source now (${reason}); they wait`,
  destination: (reason) => `its topic takes no records (${reason}); they wait`,
  letters: (reason) => `its chunks wait, and it is not polled: ${reason}`,
};

/** Cuts a prepared chunk into pieces of at most `pieceRecords` records; as a rule one. `leaves` is called by each. */
export const cutPieces = (
  lock: HeldLock,
  priority: PriorityClass,
  prepared: Pick<PreparedChunk, 'outgoing'>,
  pieceRecords: number,
  leaves: () => void,
): { readonly piece: Piece; readonly from: number; readonly answered: Promise<PieceAnswer> }[] => {
  const pieces = [];
  for (let from = 0; from < prepared.outgoing.length; from += pieceRecords) {
    const isWhole = prepared.outgoing.length <= pieceRecords;
    const outgoing = isWhole ? prepared.outgoing : prepared.outgoing.slice(from, from + pieceRecords);
    const { promise, resolve } = Promise.withResolvers<PieceAnswer>();
    const giveBack = (): void => resolve('given_back');
    pieces.push({
      piece: {
        chunkId: lock.chunkId,
        lock,
        priority,
        outgoing,
        records: outgoing.length,
        leaves,
        answer: resolve,
        giveBack,
      },
      from,
      answered: promise,
    });
  }
  return pieces;
};

/** The answers of all pieces of a chunk, by index among its prepared records. */
interface Answers {
  readonly failures: readonly SendFailure[];
  readonly unsent: readonly number[];
}

/** Makes the function that delivers the chunks of one source. It never rejects. */
export const createDelivery = (
  deps: DeliverDeps,
  options: DeliverOptions,
): ((job: ChunkJob) => Promise<ChunkEnding>) => {
  const { sourceId } = options;
  const { store, collector, logger, metrics, notes } = deps;

  /** Does an act that only Redis can refuse until it is done; false when the process stops before. */
  const persist = async (chunkId: string, act: () => Promise<void>): Promise<boolean> => {
    for (let reported = false; ; reported = true) {
      try {
        await act();
        return true;
      } catch (error) {
        if (!reported)
          logger.warn({ sourceId, chunkId, error: messageOf(error) }, 'settling a chunk failed; trying again');
      }
      if (deps.stopped.aborted) return false;
      await deps.pause(settleRetryMs);
    }
  };

  /** Sends a chunk's records and waits for all answers; null when its lock was lost. */
  const send = async (job: ChunkJob, taken: TakenChunk, prepared: PreparedChunk): Promise<Answers | null> => {
    let isWaiting = true;
    const leaves = (): void => {
      if (isWaiting)
        metrics.queueWaitSeconds.observe(
          { source: sourceId, priority: priorityOf(taken.priority) },
          seconds(taken.admittedAt, deps.now()),
        );
      isWaiting = false;
    };
    const pieces = cutPieces(job, job.rank, prepared, options.pieceRecords(job.rank), leaves);
    let unanswered = pieces.length;
    collector.add(pieces.map(({ piece }) => piece));
    const failures: SendFailure[] = [];
    const unsent: number[] = [];
    let isLost = false;
    await Promise.all(
      pieces.map(async ({ piece, from, answered }) => {
        const answer = await answered;
        unanswered -= 1;
        if (answer === 'lock_lost') {
          isLost = true;
          return;
        }
        if (answer === 'given_back') {
          for (let index = from; index < from + piece.records; index += 1) unsent.push(index);
          return;
        }
        for (const failure of answer)
          failures.push({ ...failure, indexes: failure.indexes.map((index) => from + index) });
        if (unanswered === 0 && !isLost) return;
        // The other pieces are still on their way: what is acknowledged by now shall not be sent again after a kill.
        const failed = new Set(answer.flatMap((failure) => failure.indexes));
        const records = prepared.records.slice(from, from + piece.records).filter((_record, at) => !failed.has(at));
        if (records.length === 0) return;
        const done = bitmapOf(records, taken.records);
        await persist(
          taken.chunkId,
          async () => void (await store.settle(sourceId, taken.chunkId, done, records.length)),
        );
      }),
    );
    return isLost ? null : { failures, unsent };
  };

  const deliver = async (job: ChunkJob, taken: TakenChunk, prepared: PreparedChunk): Promise<ChunkEnding> => {
    const answers = await send(job, taken, prepared);
    if (answers === null) {
      logger.warn(
        { sourceId, chunkId: job.chunkId },
        'the lock of a chunk was lost before its send; it is left to its new holder',
      );
      return { kind: 'let_go' };
    }
    const attempts = options.attemptsOf === 'job' ? job.attempts : { made: taken.tries.made, max: options.maxAttempts };
    let rest: Rest | undefined;
    const isSettled = await persist(job.chunkId, async () => {
      rest = await settleChunk(deps, { sourceId, taken, prepared, ...answers, attempts }, options);
    });
    if (!isSettled || rest === undefined) return { kind: 'let_go' };
    if (answers.failures.length === 0 && answers.unsent.length === 0) {
      const fetchedAt = ingestedAtOf(parseValue(prepared.outgoing[0]?.value ?? Buffer.alloc(0))) ?? taken.admittedAt;
      metrics.endToEndSeconds.observe(
        { source: sourceId, priority: priorityOf(taken.priority) },
        seconds(fetchedAt, deps.now()),
      );
    }
    // While the breaker is open a line for each source would say nothing more.
    if (rest.kind === 'wait' && !(rest.cause === 'outage' && deps.isShut()))
      notes.raise(sourceId, rest.cause, waitNote[rest.cause](rest.reason));
    return endingOf(rest, deps.isShut());
  };

  return async (job) => {
    let isExpected = true;
    collector.expect();
    try {
      let taken: TakenChunk | null;
      try {
        // Side by side: to look who taps, which is done once a second, makes no chunk wait longer.
        [taken] = await Promise.all([store.take(sourceId, job.chunkId), deps.tap.look()]);
      } catch (error) {
        return { kind: 'delay', delayMs: takeFailedWaitMs, reason: messageOf(error) };
      }
      // Settled already, by a worker that was killed before it completed the job.
      if (taken === null) return { kind: 'complete' };
      const records = decodePayload(taken.payload);
      if (isPayloadFault(records)) {
        if (records.kind === 'damaged')
          return { kind: 'fail', reason: 'the payload of the chunk is damaged and cannot be read' };
        const reason = `a chunk has payload version ${records.version}, which this worker is too old to read: it waits for a newer one`;
        notes.raise(sourceId, 'newer', reason);
        return { kind: 'delay', delayMs: newerPayloadWaitMs, reason };
      }
      const now = deps.now();
      const prepared = prepareChunk(sourceId, taken, records, deps.topics, now);
      if (prepared.timestampsReplaced > 0)
        metrics.timestampsReplacedTotal.inc({ source: sourceId }, prepared.timestampsReplaced);
      showRouted(deps.tap, sourceId, prepared.outgoing);
      isExpected = false;
      return await deliver(job, taken, prepared);
    } catch (error) {
      // Nothing above is known to throw; whatever does is the chunk's trouble and uses one of its attempts.
      logger.error({ sourceId, chunkId: job.chunkId, error: messageOf(error) }, 'delivering a chunk failed');
      return { kind: 'retry', reason: messageOf(error) };
    } finally {
      if (isExpected) collector.dismiss();
    }
  };
};
