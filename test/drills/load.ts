// What a drill polls: a world that only grows, so that whatever was served and not admitted is served again, until the
// drill stops the clock of that world. Then all that was served is due.
import { randomInt } from 'node:crypto';
import { type Providers, startProviders } from '@stream-manager/testkit/providers/server';

export interface LoadPlan {
  /** New fires per second and source (there are two). Default 500. */
  readonly firesPerSecond?: number;
  /** Fires of each source that are there from the start. Default 5000. */
  readonly backlog?: number;
  /**
   * Seconds between two readings of a sensor (there are 1,500). Default: none changes. Only for drills that harm no poll:
   * a reading that was served and not admitted does not come again.
   */
  readonly sensorIntervalSeconds?: number;
  /** Alerts, all there from the start. Default 0: no source of alerts. */
  readonly alerts?: number;
}

export interface Load {
  readonly providers: Providers;
  /** Epoch milliseconds at which the world began. */
  readonly startedAt: number;
  /** Ids of the sources. */
  readonly sourceIds: readonly string[];
  /** The `sources` of the config, with these topics. */
  readonly sources: (topics: Topics) => Readonly<Record<string, unknown>>;
  /** From now on nothing new happens out there. */
  readonly stopClock: () => void;
}

export interface Topics {
  readonly firms: string;
  readonly purpleair: string;
  readonly alert: string;
}

export const basePriorities = { firms: 'high', purpleair: 'normal', alert: 'normal', station: 'normal' } as const;

/** Longer than any drill: what would change or end meanwhile stays as it is. */
const foreverSeconds = 10_000_000;
const sensorCount = 1_500;

/** Starts the providers. */
export const startLoad = async (plan: LoadPlan): Promise<Load> => {
  let stoppedAt = Number.POSITIVE_INFINITY;
  const { alerts = 0 } = plan;
  const startedAt = Date.now();
  const providers = await startProviders({
    startAt: startedAt,
    seed: randomInt(1, 1_000_000),
    separatePorts: true,
    now: () => Math.min(Date.now(), stoppedAt),
    requestLogLimit: 10,
    firms: { backlog: plan.backlog ?? 5_000, perMinute: (plan.firesPerSecond ?? 500) * 60 },
    purpleair: { count: sensorCount, intervalSeconds: plan.sensorIntervalSeconds ?? foreverSeconds },
    alerts: { backlog: alerts, perMinute: 0, lifetimeSeconds: foreverSeconds },
  });
  const fires = (dataset: string, topic: string) => ({
    type: 'nasa-firms',
    mode: 'batch',
    every: '2s',
    priority: basePriorities.firms,
    topic,
    rateLimitPerMinute: 600,
    baseUrl: providers.urls.firms,
    params: { mapKey: '${TEST_MAP_KEY}', dataset, bbox: [-124.48, 32.53, -114.13, 42.01], dayRange: 1 },
  });
  const sources = (topics: Topics): Readonly<Record<string, unknown>> => ({
    'fires-snpp': fires('VIIRS_SNPP_NRT', topics.firms),
    'fires-noaa20': fires('VIIRS_NOAA20_NRT', topics.firms),
    sensors: {
      type: 'purpleair',
      mode: 'real-time',
      every: '3s',
      priority: basePriorities.purpleair,
      topic: topics.purpleair,
      rateLimitPerMinute: 600,
      baseUrl: providers.urls.purpleair,
      params: { apiKey: '${TEST_API_KEY}', bbox: [-124.48, 32.53, -114.13, 42.01] },
    },
    ...(alerts === 0
      ? {}
      : {
          alerts: {
            type: 'noaa-alerts',
            mode: 'real-time',
            every: '2s',
            priority: basePriorities.alert,
            topic: topics.alert,
            rateLimitPerMinute: 600,
            baseUrl: providers.urls.nws,
            params: { area: 'CA' },
          },
        }),
  });
  return {
    providers,
    startedAt,
    sources,
    sourceIds: Object.keys(sources({ firms: '', purpleair: '', alert: '' })),
    stopClock: () => {
      stoppedAt = Math.min(stoppedAt, Date.now());
    },
  };
};
