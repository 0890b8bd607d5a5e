// What happens to a chunk after Kafka's answers: which records become dead letters, and whether the rest waits (no
// attempt: it is not the records' fault), is tried again after the next backoff, or is done. Pure.
import type { SendFailure } from './publish.ts';

/** A record that becomes a dead letter, by its index among the chunk's records. */
export interface Refusal {
  readonly index: number;
  readonly code: string;
  readonly reason: string;
}

/** What happens to the records that are neither acknowledged nor refused. */
export type Rest =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly delayMs: number; readonly reason: string; readonly cause: WaitCause }
  | { readonly kind: 'retry'; readonly reason: string }
  /** Not sent at all: back to its place in the queue. */
  | { readonly kind: 'give_back' };

/** What records wait for. */
export type WaitCause = 'outage' | 'destination' | 'letters';

export interface ChunkDecision {
  readonly refused: readonly Refusal[];
  readonly rest: Rest;
}

/** Where a chunk stands. */
export interface ChunkStanding {
  /** Attempts that were used before this send. */
  readonly made: number;
  /** Sends in all: `delivery.maxAttempts`. */
  readonly max: number;
  /** For how long its topic has refused it, in milliseconds. */
  readonly refusedForMs: number;
}

/** The operator's choices that count here. */
export interface DecideOptions {
  /** `delivery.destinationGraceMs` */
  readonly destinationGraceMs: number;
  /** The breaker is turned off: outages use attempts like any other error. */
  readonly outagesCount: boolean;
}

/** Waits without an attempt, in milliseconds. An unknown topic is looked up again on every try, so it waits longer. */
export const outageWaitMs = 1_000;
export const destinationWaitMs = 2_000;
/** Until somebody replays or discards letters. */
export const lettersWaitMs = 5_000;

/** Why a topic took nothing for the whole grace time, as a sentence for whoever has to act. */
const destinationReason = (code: string, message: string, graceMs: number): string => {
  const waited = `${Math.round(graceMs / 100) / 10} s (delivery.destinationGraceMs)`;
  if (code === 'UNKNOWN_TOPIC_OR_PARTITION')
    return `the topic did not exist for ${waited}: create it or correct the routing, then replay`;
  if (code === 'TOPIC_AUTHORIZATION_FAILED')
    return `Kafka did not allow this user to write to the topic for ${waited}: give it the right, then replay`;
  return `the topic took no records for ${waited}: ${message}`;
};

/** Decides over the failures of one chunk; no failures: everything is done. */
export const decideChunk = (
  failures: readonly SendFailure[],
  standing: ChunkStanding,
  options: DecideOptions,
): ChunkDecision => {
  const isLastAttempt = standing.made + 1 >= standing.max;
  const refused: Refusal[] = [];
  let rest: Rest = { kind: 'none' };
  const refuse = (indexes: readonly number[], code: string, reason: string): void => {
    for (const index of indexes) refused.push({ index, code, reason });
  };
  const wait = (delayMs: number, reason: string, cause: WaitCause): void => {
    // An attempt that is used anyway may carry the waiting records along: only outcome `other` ever ends in a letter.
    if (rest.kind === 'none' || (rest.kind === 'wait' && rest.delayMs < delayMs))
      rest = { kind: 'wait', delayMs, reason, cause };
  };
  for (const { outcome, code, message, indexes } of failures) {
    // Without a breaker an outage is an error like any other.
    switch (outcome === 'outage' && options.outagesCount ? 'other' : outcome) {
      case 'poison':
        refuse(indexes, code, message);
        break;
      case 'destination':
        if (standing.refusedForMs < options.destinationGraceMs) wait(destinationWaitMs, message, 'destination');
        else refuse(indexes, code, destinationReason(code, message, options.destinationGraceMs));
        break;
      case 'outage':
        wait(outageWaitMs, message, 'outage');
        break;
      case 'other':
        if (isLastAttempt)
          refuse(indexes, code, standing.max === 1 ? message : `${message} (after ${standing.made + 1} attempts)`);
        else rest = { kind: 'retry', reason: message };
        break;
    }
  }
  return { refused, rest };
};

/**
 * The pause before send number `attemptsMade + 1`, in milliseconds; beyond the list the last pause repeats. `jitter`
 * (0 to 1) takes up to that share of it away, by `random` in [0, 1): as BullMQ's own backoffs do.
 */
export const backoffAfter = (
  attemptsMade: number,
  backoffMs: readonly number[],
  jitter: number,
  random: number,
): number => {
  const pause = backoffMs[Math.min(Math.max(1, attemptsMade), backoffMs.length) - 1] ?? 0;
  return Math.round(pause * (1 - jitter * random));
};
