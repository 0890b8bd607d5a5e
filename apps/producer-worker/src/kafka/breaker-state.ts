// When sending to Kafka stops and when it is tried again (design.md, "Outcomes of a send"). Pure.
//
//   closed ──threshold outages in a row──► open ──resetMs──► half_open ──acknowledged, or answered──► closed
//      ▲                                    ▲                    └──outage──► open
//      └──── any acknowledged record ───────┴── (an answer that came late closes it, too)

import type { PriorityClass } from '@stream-manager/shared/records/priority';

/** Settings of the breaker: `delivery.circuitBreaker`. */
export interface BreakerOptions {
  /** Outages in a row that open it. */
  readonly threshold: number;
  /** Time from opening to the trial, in milliseconds. */
  readonly resetMs: number;
}

/** An outage, as it concerns the breaker. */
export interface Outage {
  readonly message: string;
  /**
   * `cluster`: nothing answered. `partition`: a broker answered that it cannot take this topic now, so that the topics of
   * other sources may be well.
   */
  readonly scope: 'cluster' | 'partition';
  /** Whose batch it was; null: nobody's (a look at the cluster). */
  readonly sourceId: string | null;
}

/** State of the breaker. Times in monotonic milliseconds. */
export type BreakerState =
  | { readonly kind: 'closed'; readonly outages: number; readonly failing: ReadonlySet<string> }
  | {
      readonly kind: 'open' | 'half_open';
      readonly retryAt: number;
      readonly reason: string;
      /** Sources whose batches failed since the breaker was last closed. */
      readonly failing: ReadonlySet<string>;
      /** All that failed were answers about a partition: a source that did not fail may be tried at once. */
      readonly isPartial: boolean;
    };

/** Nothing has failed. */
export const closedBreaker: BreakerState = { kind: 'closed', outages: 0, failing: new Set() };

const withSource = (failing: ReadonlySet<string>, sourceId: string | null): ReadonlySet<string> =>
  sourceId === null || failing.has(sourceId) ? failing : new Set([...failing, sourceId]);

/** Opens for an outage, whatever was before: nothing is sent before `resetMs` have passed. */
export const opened = (state: BreakerState, outage: Outage, now: number, options: BreakerOptions): BreakerState => ({
  kind: 'open',
  retryAt: now + options.resetMs,
  reason: outage.message,
  failing: withSource(state.failing, outage.sourceId),
  isPartial: outage.scope === 'partition' && (state.kind === 'closed' || state.isPartial),
});

/** After an outage. `isTrial`: it was the batch that decides. Others that were on their way open nothing while it is open. */
export const afterOutage = (
  state: BreakerState,
  outage: Outage,
  isTrial: boolean,
  now: number,
  options: BreakerOptions,
): BreakerState => {
  if (isTrial) return opened(state, outage, now, options);
  const failing = withSource(state.failing, outage.sourceId);
  if (state.kind !== 'closed') return { ...state, failing };
  const outages = state.outages + 1;
  if (outages < options.threshold) return { kind: 'closed', outages, failing };
  return opened({ kind: 'closed', outages, failing }, outage, now, options);
};

/** Whether a source may be invited to make the trial now. */
export const mayInvite = (state: BreakerState, sourceId: string): boolean => {
  if (state.kind === 'closed') return false;
  return state.kind === 'half_open' || (state.isPartial && !state.failing.has(sourceId));
};

/** A source that has something for Kafka. */
export interface Candidate {
  readonly sourceId: string;
  /** The class of the most urgent chunk that waits; 0: one that a dead worker held. */
  readonly head: PriorityClass | 0;
  /** When it was last invited, in monotonic milliseconds; 0: never. */
  readonly invitedAt: number;
}

/** 0: healthy and not asked yet, 1: healthy and asked before (nothing came of it), 2: its batches fail. */
const turnOf = (state: BreakerState, { sourceId, invitedAt }: Candidate): 0 | 1 | 2 => {
  if (state.failing.has(sourceId)) return 2;
  return invitedAt === 0 ? 0 : 1;
};

/**
 * Who makes the trial. Those that have not failed come before all that have, so that a sick source of a higher class does
 * not keep a healthy one waiting; among them the most urgent first, and then whoever's turn was longest ago.
 */
export const chooseTrial = (state: BreakerState, candidates: readonly Candidate[]): string | null => {
  const ranked = candidates
    .filter(({ sourceId }) => mayInvite(state, sourceId))
    .map((candidate) => ({ ...candidate, turn: turnOf(state, candidate) }))
    .toSorted((a, b) => a.turn - b.turn || a.invitedAt - b.invitedAt || a.head - b.head);
  return ranked[0]?.sourceId ?? null;
};
