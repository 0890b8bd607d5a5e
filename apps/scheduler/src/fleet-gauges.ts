// State that is the fleet's, as gauges on the scheduler's /metrics: records queued per source and priority, consumer lag,
// early rotations of remembered ids, the breaker. Read when somebody scrapes, so that nothing is read for nobody.
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { SourceStateStore } from '@stream-manager/shared/queues/source-state';
import { priorityClasses, priorityOf } from '@stream-manager/shared/records/priority';
import type { BreakerState } from './fleet-breaker.ts';

/** Reads the fleet's state once and sets the gauges. */
export const setFleetGauges = async (
  deps: {
    readonly store: Pick<ChunkStore, 'counts' | 'totals'>;
    readonly states: Pick<SourceStateStore, 'read'>;
    readonly readBreaker: () => Promise<BreakerState>;
    readonly metrics: Metrics;
    readonly now: () => number;
  },
  sources: readonly { readonly id: string; readonly allowedRate: number; readonly enabled: boolean }[],
): Promise<void> => {
  const ids = sources.map(({ id }) => id);
  const [counts, totals, states, breaker] = await Promise.all([
    deps.store.counts(ids),
    deps.store.totals(ids),
    deps.states.read(ids),
    deps.readBreaker(),
  ]);
  // Half open lets one batch pass and no more.
  deps.metrics.breakerOpen.set({ target: 'kafka' }, breaker === 'closed' ? 0 : 1);
  deps.metrics.consumerLagRecords.reset();
  let oldestSampleMs = Number.POSITIVE_INFINITY;
  for (const { id, allowedRate, enabled } of sources) {
    const count = counts.get(id);
    for (const priorityClass of priorityClasses)
      deps.metrics.queueRecords.set(
        { source: id, priority: priorityOf(priorityClass) },
        count?.byPriority[priorityClass] ?? 0,
      );
    const state = states.get(id);
    const lag = state?.lag ?? null;
    for (const { group, topic, records } of lag?.groups ?? [])
      deps.metrics.consumerLagRecords.set({ source: id, group, topic }, records);
    // The oldest: one source whose lag cannot be read shall show among many that can.
    if (lag !== null && (enabled || state?.flags.polls === 'started'))
      oldestSampleMs = Math.min(oldestSampleMs, Date.parse(lag.sampledAt));
    deps.metrics.dedupeEarlyRotations.set({ source: id }, totals.get(id)?.earlyRotations ?? 0);
    deps.metrics.throttleLevel.set({ source: id }, 0);
    deps.metrics.allowedRecordsPerSecond.set({ source: id }, allowedRate);
  }
  const { lagSampleAgeSeconds } = deps.metrics;
  if (oldestSampleMs === Number.POSITIVE_INFINITY) lagSampleAgeSeconds.remove();
  else lagSampleAgeSeconds.set(Math.max(0, deps.now() - oldestSampleMs) / 1000);
};
