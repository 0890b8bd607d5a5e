// Sends one batch of pieces: fence, publish, the end of its pass, and each piece its own answer.

import type { BatchEnd, Pass } from '../kafka/breaker.ts';
import { outageScope } from '../kafka/outage-scope.ts';
import type { Piece } from './deliver-chunk.ts';
import type { ExtendLocks } from './fence.ts';
import { passFence } from './fence.ts';
import type { PublishedBatch, Publisher, SendFailure } from './publish.ts';

export interface SendBatchDeps {
  readonly publisher: Publisher;
  /** Extends locks of the source's queue. */
  readonly extendLocks: ExtendLocks;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** How a batch of the source ended, as the breaker has to know it. Pure. */
export const batchEnd = (sourceId: string, { failures, acknowledged }: PublishedBatch): BatchEnd => {
  if (acknowledged > 0) return { kind: 'acknowledged' };
  const outage = failures.find((failure) => failure.outcome === 'outage');
  if (outage === undefined) return { kind: 'answered' };
  return { kind: 'outage', outage: { message: outage.message, scope: outageScope(outage.code), sourceId } };
};

/** Makes the sender of one source's batches. It never rejects, and every piece gets exactly one answer. */
export const createSendBatch =
  (deps: SendBatchDeps, options: { readonly sourceId: string; readonly lockDurationMs: number }) =>
  async (pieces: readonly Piece[], pass: Pass): Promise<void> => {
    const locks = new Set(pieces.map((piece) => piece.lock));
    const lost = await passFence([...locks], deps.extendLocks, {
      lockDurationMs: options.lockDurationMs,
      now: deps.now,
    });
    const sent: Piece[] = [];
    for (const piece of pieces) {
      if (lost.has(piece.lock)) piece.answer('lock_lost');
      else sent.push(piece);
    }
    for (const piece of sent) piece.leaves();
    if (sent.length === 0) {
      pass.end({ kind: 'not_sent' });
      return;
    }
    const [only] = sent;
    const records = sent.length === 1 && only !== undefined ? only.outgoing : sent.flatMap((piece) => piece.outgoing);
    const published = await deps.publisher.publish(records);
    // First, so that a chunk whose piece failed sees the breaker as this batch left it.
    pass.end(batchEnd(options.sourceId, published));
    const { failures } = published;
    let from = 0;
    for (const piece of sent) {
      piece.answer(failures.length === 0 ? [] : failuresWithin(failures, from, piece.records));
      from += piece.records;
    }
  };

/** The failures of one piece, by index within it. */
const failuresWithin = (failures: readonly SendFailure[], from: number, count: number): readonly SendFailure[] =>
  failures.flatMap((failure) => {
    const indexes = failure.indexes.filter((index) => index >= from && index < from + count);
    return indexes.length === 0 ? [] : [{ ...failure, indexes: indexes.map((index) => index - from) }];
  });
