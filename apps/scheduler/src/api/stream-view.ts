// What `GET /api/streams` says of one source: put together from the config, the flags and state in Redis, the counts of
// its queue and its schedule. Names are part of the contract; more may be added, none renamed.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import type { QueueCounts } from '@stream-manager/shared/queues/chunk-store';
import {
  type LastPoll,
  type SourceState,
  type StreamState,
  streamState,
} from '@stream-manager/shared/queues/source-state';
import { classOf, type Priority, priorities } from '@stream-manager/shared/records/priority';

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
  readonly breaker: 'closed' | 'open' | 'half_open';
  readonly published: number;
  readonly deadLetters: number;
  readonly dropped: number;
}

/** All that a view is made of. */
export interface StreamFacts {
  readonly source: ResolvedSource;
  readonly state: SourceState;
  readonly counts: QueueCounts;
  readonly totals: { readonly published: number; readonly dropped: number };
  readonly deadLetters: number;
  readonly nextPollAtMs: number | null;
}

/** Puts a view together. Pure. */
export const viewStream = (facts: StreamFacts): StreamView => {
  const { source, state, counts } = facts;
  const shown = streamState({
    flags: state.flags,
    inConfig: true,
    enabled: source.enabled,
    recordsHeld: counts.total,
  });
  const queued = Object.fromEntries(priorities.map((priority) => [priority, counts.byPriority[classOf(priority)]]));
  return {
    id: source.id,
    type: source.type,
    mode: source.mode,
    state: shown,
    nextPollAt: facts.nextPollAtMs === null ? null : new Date(facts.nextPollAtMs).toISOString(),
    lastPoll: state.lastPoll,
    // Every priority is a key: the entries come from the list of priorities.
    queued: queued as Record<Priority, number>,
    lag: {
      records: state.lag?.records ?? null,
      group: state.lag?.group ?? null,
      topic: state.lag?.topic ?? null,
      sampledAt: state.lag?.sampledAt ?? null,
    },
    throttle: {
      action: state.lag === null || state.lag.records === null ? 'no_sample' : 'none',
      level: 0,
      delayMs: 0,
      allowedRate: source.throttling.maxSendRate,
    },
    breaker: 'closed',
    published: facts.totals.published,
    deadLetters: facts.deadLetters,
    dropped: facts.totals.dropped,
  };
};
