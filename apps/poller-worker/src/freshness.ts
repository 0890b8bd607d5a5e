// How old a source's newest observation is. Computed when somebody scrapes, so that it goes on growing while a provider
// answers with old data, or not at all.
import type { Metrics } from '@stream-manager/shared/observability/metrics';

/** Remembers one time per source. */
export interface Freshness {
  /** The newest observation of a poll, in milliseconds since the epoch. */
  saw(sourceId: string, observedAtMs: number): void;
}

/** Creates it and has the gauge set before every scrape. `now`: milliseconds since the epoch. */
export const createFreshness = (metrics: Metrics, now: () => number): Freshness => {
  const newest = new Map<string, number>();
  metrics.beforeScrape.add(async () => {
    for (const [source, observedAtMs] of newest)
      metrics.newestObservationAgeSeconds.set({ source }, (now() - observedAtMs) / 1000);
  });
  return { saw: (sourceId, observedAtMs) => void newest.set(sourceId, observedAtMs) };
};
