// What `GET /api/streams` says of how a source stands with its provider: when it asks, under which limits, whether it is
// answered, what is odd about the answers, and from where the next poll goes on. Pure.
import { judgeSource, type SourceCondition } from '@stream-manager/shared/conditions/judge-source';
import { providerHostOf } from '@stream-manager/shared/config/provider-host';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { isPolledType } from '@stream-manager/shared/config/source-types';
import type { StoredCursor } from '@stream-manager/shared/queues/cursor-store';
import type { ProviderBreaker, ProviderBreakerState } from '@stream-manager/shared/queues/provider-breaker-store';
import type { SourceState } from '@stream-manager/shared/queues/source-state';
import { isoOrNull } from './iso-time.ts';

/** When a source is polled: one of both is null. */
export interface ScheduleView {
  readonly everyMs: number | null;
  readonly cron: string | null;
  /** Of the cron expression. */
  readonly tz: string | null;
}

/** The provider's host, and its breaker over all sources that are polled there. */
export interface ProviderView {
  /** `host:port`. */
  readonly host: string;
  readonly breaker: ProviderBreakerState;
  /** When the next trial may go; null while closed. */
  readonly until: string | null;
  /** Polls in a row without an answer. */
  readonly failures: number;
  /** What the last of them ended with. */
  readonly error: string | null;
}

/** The cursor in short; the whole of it has an address of its own. */
export interface CursorSummary {
  /** End of the time that was fetched; null: the source keeps a value only. */
  readonly until: string | null;
  readonly at: string | null;
  /** `poll`, or the operator who set it. */
  readonly by: string | null;
}

/** The fields of a stream. */
export interface ProviderFields {
  /** Null: it is not polled (its records come by themselves), or it is gone from the config. */
  readonly schedule: ScheduleView | null;
  /** Null without a host to ask. */
  readonly provider: ProviderView | null;
  /** As configured; null as `provider`. */
  readonly limits: { readonly requestsPerMinute: number; readonly dailyBudget: number | null } | null;
  readonly conditions: readonly SourceCondition[];
  readonly newestObservationAt: string | null;
  readonly cursor: CursorSummary | null;
}

/** What the fields are made of. `source` null: it is gone from the config. */
export interface ProviderFacts {
  readonly source: ResolvedSource | null;
  readonly state: Pick<SourceState, 'answers'>;
  /** Of its host; undefined: as new. */
  readonly breaker: ProviderBreaker | undefined;
  readonly cursor: StoredCursor;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const scheduleOf = (source: ResolvedSource): ScheduleView | null => {
  if (!isPolledType(source.type)) return null;
  return source.cron === undefined
    ? { everyMs: source.periodMs, cron: null, tz: null }
    : { everyMs: null, cron: source.cron, tz: source.tz ?? 'UTC' };
};

const providerOf = (source: ResolvedSource, breaker: ProviderBreaker | undefined): ProviderView | null => {
  const host = providerHostOf(source);
  if (host === null) return null;
  const { state = 'closed', until = null, failures = 0, error = null } = breaker ?? {};
  return { host, breaker: state, until, failures, error };
};

/** The cursor in short; null: there is none, so that the next poll begins as the first one did. */
export const summariseCursor = ({ value, untilMs, at, by }: StoredCursor): CursorSummary | null =>
  value === null && untilMs === null ? null : { until: isoOrNull(untilMs), at, by };

/** Puts the fields together. */
export const viewProvider = ({ source, state, breaker, cursor, now }: ProviderFacts): ProviderFields => {
  const newestObservationAt = isoOrNull(state.answers?.newestObservedAtMs);
  if (source === null)
    return { schedule: null, provider: null, limits: null, conditions: [], newestObservationAt, cursor: null };
  const provider = providerOf(source, breaker);
  return {
    schedule: scheduleOf(source),
    provider,
    limits:
      provider === null
        ? null
        : { requestsPerMinute: source.rateLimitPerMinute, dailyBudget: source.dailyBudget ?? null },
    conditions: judgeSource(state.answers, source, now),
    newestObservationAt,
    cursor: summariseCursor(cursor),
  };
};
