// State that is the fleet's, as gauges on the scheduler's /metrics: records queued per source and priority, consumer lag and
// throttle, early rotations of remembered ids, the breakers of Kafka and of the providers, what the answers of sources are
// like. Read when somebody scrapes, so that nothing is read for nobody.
import { conditionStates, judgeSource } from '@stream-manager/shared/conditions/judge-source';
import type { ThrottlingSettings } from '@stream-manager/shared/config/sections/throttling';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { ChunkStore, QueueCounts } from '@stream-manager/shared/queues/chunk-store';
import type { ProviderBreakerStore } from '@stream-manager/shared/queues/provider-breaker-store';
import type { SourceState, SourceStateStore } from '@stream-manager/shared/queues/source-state';
import type { ThrottleStore } from '@stream-manager/shared/queues/throttle-store';
import { priorityClasses, priorityOf } from '@stream-manager/shared/records/priority';
import { drainOf } from '@stream-manager/shared/throttle/drain-of';
import { type Backpressure, viewBackpressure } from './backpressure.ts';
import type { BreakerState } from './fleet-breaker.ts';

/** A source of the config. */
export interface GaugedSource {
  readonly id: string;
  readonly enabled: boolean;
  readonly throttling: ThrottlingSettings;
  readonly staleAfterMs: number | null;
  /** `host:port` of its provider; null: it has none. */
  readonly host: string | null;
}

const setQueueGauges = (metrics: Metrics, source: string, counts: QueueCounts | undefined): void => {
  for (const priorityClass of priorityClasses)
    metrics.queueRecords.set({ source, priority: priorityOf(priorityClass) }, counts?.byPriority[priorityClass] ?? 0);
};

const setThrottleGauges = (metrics: Metrics, source: string, { lag, throttle }: Backpressure): void => {
  for (const { group, topic, records } of lag.groups) metrics.consumerLagRecords.set({ source, group, topic }, records);
  const drainSeconds = drainOf(lag);
  if (drainSeconds !== null) metrics.consumerLagDrainSeconds.set({ source }, drainSeconds);
  metrics.throttleLevel.set({ source }, throttle.level);
  metrics.throttleDelaySeconds.set({ source }, throttle.delayMs / 1_000);
  metrics.allowedRecordsPerSecond.set({ source }, throttle.allowedRate);
};

/** What the answers of a source are like. Of one that nobody polls it would stay as it is, and its age would grow for nothing. */
const setAnswerGauges = (
  metrics: Metrics,
  source: GaugedSource,
  answers: SourceState['answers'],
  now: number,
): void => {
  const states = new Set(judgeSource(answers, source, now).map(({ state }) => state));
  for (const state of conditionStates)
    metrics.sourceCondition.set({ source: source.id, state }, states.has(state) ? 1 : 0);
  const newest = answers?.newestObservedAtMs ?? null;
  if (newest !== null)
    metrics.newestObservationAgeSeconds.set({ source: source.id }, Math.max(0, now - newest) / 1_000);
};

/** Reads the fleet's state once and sets the gauges. Of sources that are gone from the config only what they still hold is shown. */
export const setFleetGauges = async (
  deps: {
    readonly store: Pick<ChunkStore, 'counts' | 'totals'>;
    readonly states: Pick<SourceStateStore, 'read'>;
    readonly throttle: Pick<ThrottleStore, 'read'>;
    readonly providers: Pick<ProviderBreakerStore, 'readMany'>;
    readonly readBreaker: () => Promise<BreakerState>;
    readonly metrics: Metrics;
    /** Milliseconds since the epoch. */
    readonly now: () => number;
  },
  options: {
    readonly sources: readonly GaugedSource[];
    readonly retiredIds: readonly string[];
    /** `throttling.sampleIntervalMs` of the fleet. */
    readonly sampleIntervalMs: number;
  },
): Promise<void> => {
  const { metrics } = deps;
  const { sources, retiredIds, sampleIntervalMs } = options;
  const ids = sources.map(({ id }) => id);
  const hosts = new Set(sources.flatMap(({ host }) => host ?? []));
  const [counts, totals, states, decisions, providers, breaker] = await Promise.all([
    deps.store.counts([...ids, ...retiredIds]),
    deps.store.totals(ids),
    deps.states.read(ids),
    deps.throttle.read(ids),
    deps.providers.readMany([...hosts]),
    deps.readBreaker(),
  ]);
  // Half open lets one batch, or one poll, pass and no more.
  metrics.breakerOpen.reset();
  for (const host of hosts)
    metrics.breakerOpen.set({ target: host }, (providers.get(host)?.state ?? 'closed') === 'closed' ? 0 : 1);
  metrics.breakerOpen.set({ target: 'kafka' }, breaker === 'closed' ? 0 : 1);
  metrics.queueRecords.reset();
  metrics.consumerLagRecords.reset();
  metrics.consumerLagDrainSeconds.reset();
  metrics.sourceCondition.reset();
  metrics.newestObservationAgeSeconds.reset();
  const now = deps.now();
  let oldestSampleMs = -1;
  for (const source of sources) {
    const { id, enabled, throttling } = source;
    setQueueGauges(metrics, id, counts.get(id));
    metrics.dedupeEarlyRotations.set({ source: id }, totals.get(id)?.earlyRotations ?? 0);
    const state = states.get(id);
    const stored = decisions.get(id);
    const view = viewBackpressure({ lag: state?.lag ?? null, stored, settings: throttling, sampleIntervalMs });
    setThrottleGauges(metrics, id, view);
    const isPolled = enabled || state?.flags.polls === 'started';
    if (isPolled) setAnswerGauges(metrics, source, state?.answers ?? null, now);
    // The oldest: one source whose lag cannot be read shall show among many that can.
    if (stored !== undefined && isPolled) oldestSampleMs = Math.max(oldestSampleMs, stored.ageMs);
  }
  for (const id of retiredIds) {
    const held = counts.get(id);
    if (held !== undefined && held.total > 0) setQueueGauges(metrics, id, held);
  }
  if (oldestSampleMs < 0) metrics.lagSampleAgeSeconds.remove();
  else metrics.lagSampleAgeSeconds.set(oldestSampleMs / 1_000);
};
