// What `GET /api/streams` says of one source: put together from the config, the flags and state in Redis, the counts of
// its queue and its schedule. Names are part of the contract; more may be added, none renamed.
import type { ThrottlingSettings } from '@stream-manager/shared/config/sections/throttling';
import type { PollDelay } from '@stream-manager/shared/jobs/payloads';
import type { QueueCounts } from '@stream-manager/shared/queues/chunk-store';
import {
  type LastPoll,
  type SourceFlags,
  type SourceState,
  type StreamState,
  streamState,
} from '@stream-manager/shared/queues/source-state';
import type { StoredDecision } from '@stream-manager/shared/queues/throttle-store';
import { classOf, type Priority, priorities } from '@stream-manager/shared/records/priority';
import { type LagView, retiredBackpressure, type ThrottleView, viewBackpressure } from '../backpressure.ts';
import type { BreakerState } from '../fleet-breaker.ts';
import { isoOrNull } from './iso-time.ts';
import type { ProviderFields } from './provider-view.ts';

/** One entry of `streams`. Times are ISO 8601 UTC, null when unknown. */
export interface StreamView extends ProviderFields {
  readonly id: string;
  readonly type: string;
  readonly mode: string;
  readonly state: StreamState;
  readonly nextPollAt: string | null;
  /** Why the poll that there is waits, since when and until when it does; null unless it does. */
  readonly pollDelayed: PollDelay | null;
  readonly lastPoll: LastPoll | null;
  /** Records waiting, delayed and held. */
  readonly queued: Readonly<Record<Priority, number>>;
  readonly lag: LagView;
  readonly throttle: ThrottleView;
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
  /** Of a source that is gone from the config: those for all sources. */
  readonly throttling: ThrottlingSettings;
}

/** All that a view is made of. */
export interface StreamFacts {
  readonly source: ViewedSource;
  readonly state: SourceState;
  readonly counts: QueueCounts;
  readonly totals: { readonly published: number; readonly dropped: number };
  readonly deadLetters: number;
  readonly degraded: string | null;
  readonly provider: ProviderFields;
  readonly breaker: BreakerState;
  readonly nextPollAtMs: number | null;
  readonly pollDelayed: PollDelay | null;
  /** The throttle's last decision; undefined: its lag was never sampled. */
  readonly stored: StoredDecision | undefined;
  /** `throttling.sampleIntervalMs` of the fleet. */
  readonly sampleIntervalMs: number;
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
  const { lag, throttle } = source.inConfig
    ? viewBackpressure({
        lag: state.lag,
        stored: facts.stored,
        settings: source.throttling,
        sampleIntervalMs: facts.sampleIntervalMs,
      })
    : retiredBackpressure(source.throttling.maxSendRate);
  const queued = Object.fromEntries(priorities.map((priority) => [priority, counts.byPriority[classOf(priority)]]));
  return {
    id: source.id,
    type: source.type,
    mode: source.mode,
    state: shownState({ source, flags: state.flags, queued: counts.total, deadLetters }),
    nextPollAt: isoOrNull(facts.nextPollAtMs),
    pollDelayed: facts.pollDelayed,
    lastPoll: state.lastPoll,
    // Every priority is a key: the entries come from the list of priorities.
    queued: queued as Record<Priority, number>,
    lag,
    throttle,
    breaker: facts.breaker,
    published: facts.totals.published,
    deadLetters,
    dropped: facts.totals.dropped,
    degraded: facts.degraded,
    ...facts.provider,
  };
};
