// What the answer to a numbered batch means for it. Pure. The one thing that must never happen: a batch that may lie in the
// log is let go as if it did not, for its caller would send it again under another number, and it would lie there twice.
// So such a batch is sent again, the same to the byte, as long as the cluster is away. And after a batch that may have been
// written was let go all the same, its lane needs a new identity: a number used twice for different records is
// acknowledged and dropped (what kafkajs' idempotent producer does).
import { classifySendError } from '../failures/send-outcome.ts';
import { passesByItself } from './retry.ts';

/** MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP, INVALID_RECORD: a part of the batch may pass. */
export const refusedForARecord: ReadonlySet<number> = new Set([10, 18, 32, 87]);

/** DUPLICATE_SEQUENCE_NUMBER: the broker has it already. */
const writtenCodes: ReadonlySet<number> = new Set([0, 46]);

/** OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, UNKNOWN_PRODUCER_ID, PRODUCER_FENCED. */
const identityLost: ReadonlySet<number> = new Set([45, 47, 49, 59, 90]);

/**
 * Answers that a leader gives only before it appends anything. After any other the batch may be there: also after
 * NOT_LEADER_OR_FOLLOWER, which a leader that is deposed while it waits for its replicas answers too.
 */
const notAppended: ReadonlySet<number> = new Set([
  2, // CORRUPT_MESSAGE
  5, // LEADER_NOT_AVAILABLE
  17, // INVALID_TOPIC_EXCEPTION
  19, // NOT_ENOUGH_REPLICAS
  29, // TOPIC_AUTHORIZATION_FAILED
  31, // CLUSTER_AUTHORIZATION_FAILED
  35, // UNSUPPORTED_VERSION
  42, // INVALID_REQUEST
  43, // UNSUPPORTED_FOR_MESSAGE_FORMAT
  44, // POLICY_VIOLATION
  76, // UNSUPPORTED_COMPRESSION_TYPE
  89, // THROTTLING_QUOTA_EXCEEDED
]);

/** How sending a batch went: Kafka's code for it, or no answer. */
export type SendResult =
  | { readonly code: number; readonly error: unknown }
  | { readonly code: null; readonly error: unknown; readonly isHandedOver: boolean };

/** A batch that was sent. */
export interface SentBatch {
  readonly records: number;
  /** Whether an earlier attempt may have written it. */
  readonly mayBeWritten: boolean;
  /** Attempts in a row that ended without it being kept up, this one included. */
  readonly attempts: number;
  /** Since the first of them, in milliseconds. */
  readonly elapsedMs: number;
}

/**
 * `written`: acknowledged. `split`: refused for a record in it, and it holds several. `refused`: the lone record is at fault.
 * `again`: sent again; `isKeptUp` when that has no end but an answer. `let_go`: its records fail with the error;
 * `isIdentityLost` when its number must not be used again.
 */
export type BatchVerdict =
  | { readonly action: 'written' }
  | { readonly action: 'split' | 'refused'; readonly isIdentityLost: boolean }
  | { readonly action: 'again'; readonly mayBeWritten: boolean; readonly isKeptUp: boolean }
  | { readonly action: 'let_go'; readonly isIdentityLost: boolean };

/** Decides. `limits`: attempts after the first and the time within which they begin, for what cannot have been written. */
export const judgeSend = (
  batch: SentBatch,
  result: SendResult,
  limits: { readonly retries: number; readonly withinMs: number },
): BatchVerdict => {
  if (result.code !== null) {
    if (writtenCodes.has(result.code)) return { action: 'written' };
    if (refusedForARecord.has(result.code)) {
      return { action: batch.records > 1 ? 'split' : 'refused', isIdentityLost: batch.mayBeWritten };
    }
    if (identityLost.has(result.code)) return { action: 'let_go', isIdentityLost: true };
  }
  const isUncertain = result.code === null ? result.isHandedOver : !notAppended.has(result.code);
  const mayBeWritten = batch.mayBeWritten || isUncertain;
  const { outcome } = classifySendError(result.error);
  if (mayBeWritten && outcome === 'outage') return { action: 'again', mayBeWritten, isKeptUp: true };
  const isOver = batch.attempts > limits.retries || batch.elapsedMs >= limits.withinMs;
  // Under its number an attempt too many writes nothing twice, so it is worth making after an error that is not understood.
  const isWorthIt = passesByItself(result.error) || (mayBeWritten && outcome === 'other');
  if (isOver || !isWorthIt) return { action: 'let_go', isIdentityLost: mayBeWritten };
  return { action: 'again', mayBeWritten, isKeptUp: false };
};

/** The sequence number after `records` records from `sequence` on; they wrap at 2³¹, as in Kafka's Java client. */
export const nextSequence = (sequence: number, records: number): number => (sequence + records) % 2 ** 31;
