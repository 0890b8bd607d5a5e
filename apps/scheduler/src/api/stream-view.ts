// What `GET /api/streams` says of one source: put together from the config, the flags and state in Redis, the counts of
// its queue and its schedule. Names are part of the contract; more may be added, none renamed.
import type { QueueCounts } from '@stream-manager/shared/queues/chunk-store';
import {
  type LastPoll,
  type SourceFlags,
  type SourceState,
  type StreamState,
  streamState,
} from '@stream-manager/shared/queues/source-state';
import { classOf, type Priority, priorities } from '@stream-manager/shared/records/priority';
import type { BreakerState } from '../fleet-breaker.ts';

/** One entry of `streams`. Times are ISO 8601 UTC, null when unknown. */
export interface StreamView {
  readonly id: string;
  readonly type: string;
  readonly mode: string;
  readonly state: StreamState;
  readonly nextPollAt: string | null;
  readonly lastPoll: LastPoll | null;
  /** Records waiting, delayed and held. */
  readonly queued: Readonly<Record<Priority, number>>;
  readonly lag: {
    readonly records: number | null;
    readonly group: string | null;
    readonly topic: string | null;
    readonly sampledAt: string | null;
  };
  readonly throttle: {
    readonly action: 'none' | 'throttle_moderate' | 'throttle_critical' | 'no_sample';
    readonly level: number;
    readonly delayMs: number;
    readonly allowedRate: number;
  };
  /** Of the producers' Kafka: open if any producer's is. */
  readonly breaker: BreakerState;
  readonly published: number;
  readonly deadLetters: number;
  readonly dropped: number;
  /** Why the source polls no more although it runs: its dead letters are at their limit. Else null. */
  readonly degraded: string | null;
}

/** What the view takes from a source's entry in the config, or from what is still known of one that is gone from it. */
export interface ViewedSource {
  readonly id: string;
  readonly type: string;
  readonly mode: string;
  readonly enabled: boolean;
  readonly inConfig: boolean;
  /** Records/s. */
  readonly maxSendRate: number;
}

/** All that a view is made of. */
export interface StreamFacts {
  readonly source: ViewedSource;
  readonly state: SourceState;
  readonly counts: QueueCounts;
  readonly totals: { readonly published: number; readonly dropped: number };
  readonly deadLetters: number;
  readonly degraded: string | null;
  readonly breaker: BreakerState;
  readonly nextPollAtMs: number | null;
}

/** The state of a source. One that is gone from the config retires until its dead letters are gone, too. Pure. */
export const shownState = (
  facts: Pick<StreamFacts, 'source' | 'deadLetters'> & {
    readonly flags: SourceFlags;
    readonly queued: number;
  },
): StreamState => {
  const { inConfig, enabled } = facts.source;
  const recordsHeld = facts.queued + (inConfig ? 0 : facts.deadLetters);
  return streamState({ flags: facts.flags, inConfig, enabled, recordsHeld });
};

/** Puts a view together. Pure. */
export const viewStream = (facts: StreamFacts): StreamView => {
  const { source, state, counts, deadLetters } = facts;
  // Nobody samples the lag of a source that is gone: the last sample would be shown for ever.
  const lag = source.inConfig ? state.lag : null;
  const queued = Object.fromEntries(priorities.map((priority) => [priority, counts.byPriority[classOf(priority)]]));
  return {
    id: source.id,
    type: source.type,
    mode: source.mode,
    state: shownState({ source, flags: state.flags, queued: counts.total, deadLetters }),
    nextPollAt: facts.nextPollAtMs === null ? null : new Date(facts.nextPollAtMs).toISOString(),
    lastPoll: state.lastPoll,
    // Every priority is a key: the entries come from the list of priorities.
    queued: queued as Record<Priority, number>,
    lag: {
      records: lag?.records ?? null,
      group: lag?.group ?? null,
      topic: lag?.topic ?? null,
      sampledAt: lag?.sampledAt ?? null,
    },
    throttle: {
      action: lag === null || lag.records === null ? 'no_sample' : 'none',
      level: 0,
      delayMs: 0,
      allowedRate: source.maxSendRate,
    },
    breaker: facts.breaker,
    published: facts.totals.published,
    deadLetters,
    dropped: facts.totals.dropped,
    degraded: facts.degraded,
  };
};
