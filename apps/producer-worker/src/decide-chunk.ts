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
  | { readonly kind: 'wait'; readonly delayMs: number; readonly reason: string }
  | { readonly kind: 'retry'; readonly reason: string };

export interface ChunkDecision {
  readonly refused: readonly Refusal[];
  readonly rest: Rest;
}

/** Where a chunk stands with its attempts. */
export interface AttemptCount {
  /** Runs that used an attempt before this one. */
  readonly made: number;
  /** Sends in all. */
  readonly max: number;
}

/** Waits without an attempt, in milliseconds. An unknown topic is looked up again on every try, so it waits longer. */
export const outageWaitMs = 1_000;
export const destinationWaitMs = 2_000;

/** Decides over the failures of one chunk; no failures: everything is done. */
export const decideChunk = (failures: readonly SendFailure[], attempts: AttemptCount): ChunkDecision => {
  const isLastAttempt = attempts.made + 1 >= attempts.max;
  const refused: Refusal[] = [];
  let rest: Rest = { kind: 'none' };
  for (const { outcome, code, message, indexes } of failures) {
    switch (outcome) {
      case 'poison':
        for (const index of indexes) refused.push({ index, code, reason: message });
        break;
      case 'other':
        if (isLastAttempt) {
          const reason = attempts.max === 1 ? message : `${message} (after ${attempts.made + 1} attempts)`;
          for (const index of indexes) refused.push({ index, code, reason });
        } else rest = { kind: 'retry', reason: message };
        break;
      case 'outage':
      case 'destination': {
        // An attempt that is used anyway may carry the waiting records along: only outcome `other` ever ends in a letter.
        if (rest.kind === 'retry') break;
        const delayMs = outcome === 'outage' ? outageWaitMs : destinationWaitMs;
        if (rest.kind === 'none' || rest.delayMs < delayMs) rest = { kind: 'wait', delayMs, reason: message };
        break;
      }
    }
  }
  return { refused, rest };
};

/** The pause before send number `attemptsMade + 1`; beyond the list the last pause repeats. */
export const backoffAfter = (attemptsMade: number, backoffMs: readonly number[]): number =>
  backoffMs[Math.min(Math.max(1, attemptsMade), backoffMs.length) - 1] ?? 0;
