// State that is the fleet's, as gauges on the scheduler's /metrics: records queued per source and priority, consumer lag.
// Read when somebody scrapes, so that nothing is read for nobody.
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { SourceStateStore } from '@stream-manager/shared/queues/source-state';
import { priorityClasses, priorityOf } from '@stream-manager/shared/records/priority';

/** Reads the fleet's state once and sets the gauges. */
export const setFleetGauges = async (
  deps: {
    readonly store: ChunkStore;
    readonly states: SourceStateStore;
    readonly metrics: Metrics;
    readonly now: () => number;
  },
  sources: readonly { readonly id: string; readonly allowedRate: number }[],
): Promise<void> => {
  const ids = sources.map(({ id }) => id);
  const [counts, states] = await Promise.all([deps.store.counts(ids), deps.states.read(ids)]);
  deps.metrics.consumerLagRecords.reset();
  let newestSampleMs = 0;
  for (const { id, allowedRate } of sources) {
    const count = counts.get(id);
    for (const priorityClass of priorityClasses)
      deps.metrics.queueRecords.set(
        { source: id, priority: priorityOf(priorityClass) },
        count?.byPriority[priorityClass] ?? 0,
      );
    const lag = states.get(id)?.lag ?? null;
    for (const { group, topic, records } of lag?.groups ?? [])
      deps.metrics.consumerLagRecords.set({ source: id, group, topic }, records);
    if (lag !== null) newestSampleMs = Math.max(newestSampleMs, Date.parse(lag.sampledAt));
    deps.metrics.throttleLevel.set({ source: id }, 0);
    deps.metrics.allowedRecordsPerSecond.set({ source: id }, allowedRate);
  }
  if (newestSampleMs > 0) deps.metrics.lagSampleAgeSeconds.set(Math.max(0, deps.now() - newestSampleMs) / 1000);
};
