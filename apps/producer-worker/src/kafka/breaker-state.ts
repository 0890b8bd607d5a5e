// When sending to Kafka stops and when it is tried again (design.md, "Outcomes of a send"). Pure.
//
//   closed ──threshold outages in a row──► open ──resetMs──► half_open ──acknowledged, or answered──► closed
//      ▲                                    ▲                    └──outage──► open
//      └──── any acknowledged record ───────┴── (an answer that came late closes it, too)

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
      /** A batch is on its way that decides. */
      readonly isTrying: boolean;
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
  isTrying: false,
  failing: withSource(state.failing, outage.sourceId),
  isPartial: outage.scope === 'partition' && (state.kind === 'closed' || state.isPartial),
});

/** After an outage. `isTrial`: it was the batch that decides. Others that were on their way change nothing while open. */
export const afterOutage = (
  state: BreakerState,
  outage: Outage,
  isTrial: boolean,
  now: number,
  options: BreakerOptions,
): BreakerState => {
  if (state.kind !== 'closed') {
    if (isTrial) return opened(state, outage, now, options);
    return { ...state, failing: withSource(state.failing, outage.sourceId) };
  }
  const failing = withSource(state.failing, outage.sourceId);
  const outages = state.outages + 1;
  if (outages < options.threshold) return { kind: 'closed', outages, failing };
  return opened({ kind: 'closed', outages, failing }, outage, now, options);
};

/** Whether a batch of the source may go now, and whether it decides. */
export const mayEnter = (state: BreakerState, sourceId: string): 'yes' | 'as_trial' | 'no' => {
  if (state.kind === 'closed') return 'yes';
  if (state.isTrying) return 'no';
  if (state.kind === 'half_open') return 'as_trial';
  return state.isPartial && !state.failing.has(sourceId) ? 'as_trial' : 'no';
};
