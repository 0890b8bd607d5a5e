// What a drill polls: a world that only grows, so that whatever was served and not admitted is served again, until the
// drill stops the clock of that world. Then all that was served is due.
import { randomInt } from 'node:crypto';
import type { PriorityName } from '@stream-manager/testkit/accounting/expected-priority';
import type { RecordKind } from '@stream-manager/testkit/accounting/expected-record';
import { type Providers, startProviders } from '@stream-manager/testkit/providers/server';

export interface LoadPlan {
  /** New fires per second and source (there are two). Default 500. */
  readonly firesPerSecond?: number;
  /** Fires of each source that are there from the start. Default 5000. */
  readonly backlog?: number;
  /** Other numbers for the second of the two, which then has a topic of its own. Default: as the first, same topic. */
  readonly otherFires?: { readonly firesPerSecond: number; readonly backlog: number };
  /**
   * Seconds between two readings of a sensor (there are 1,500). Default: none changes. Only for drills that harm no poll:
   * a reading that was served and not admitted does not come again.
   */
  readonly sensorIntervalSeconds?: number;
  /** Alerts, all there from the start. Default 0: no source of alerts. */
  readonly alerts?: number;
  /** Priorities that differ from `basePriorities`. */
  readonly priorities?: Partial<Priorities>;
  /** Merged over the config of each source by its id. */
  readonly sources?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Load {
  readonly providers: Providers;
  /** Epoch milliseconds at which the world began. */
  readonly startedAt: number;
  /** Ids of the sources. */
  readonly sourceIds: readonly string[];
  /** The `sources` of the config, with these topics. */
  readonly sources: (topics: LoadTopics) => Readonly<Record<string, unknown>>;
  /** The topic where the records of a source belong, if it is not that of their kind. */
  readonly ownTopic: (sourceId: string, topics: LoadTopics) => string | null;
  /** Sources of which each must publish every record of a kind. Default: one of them is enough. */
  readonly everySource?: (kind: RecordKind) => readonly string[];
  /** The priority that a source of each kind gives its records. */
  readonly priorities: Priorities;
  /** From now on nothing new happens out there. */
  readonly stopClock: () => void;
  /** So much time passes at once out there: all that happens in it is there with the next poll. */
  readonly leap: (seconds: number) => void;
}

export interface Topics {
  readonly firms: string;
  readonly purpleair: string;
  readonly alert: string;
  /** Of devices that publish over MQTT. */
  readonly device: string;
}

/** The topics of a drill. */
export interface LoadTopics extends Topics {
  /** Of the second source of fires, when it has one of its own. */
  readonly otherFirms: string;
}

export type Priorities = Readonly<Record<'firms' | 'purpleair' | 'alert' | 'station' | 'device', PriorityName>>;

/** Unless a drill says otherwise. */
export const basePriorities: Priorities = {
  firms: 'high',
  purpleair: 'normal',
  alert: 'normal',
  station: 'normal',
  device: 'normal',
};

/** Longer than any drill: what would change or end meanwhile stays as it is. */
const foreverSeconds = 10_000_000;
const sensorCount = 1_500;

/** Starts the providers. */
export const startLoad = async (plan: LoadPlan): Promise<Load> => {
  let stoppedAt = Number.POSITIVE_INFINITY;
  let leaptMs = 0;
  const { alerts = 0, otherFires } = plan;
  const priorities = { ...basePriorities, ...plan.priorities };
  const startedAt = Date.now();
  const providers = await startProviders({
    startAt: startedAt,
    seed: randomInt(1, 1_000_000),
    separatePorts: true,
    worldNow: () => Math.min(Date.now(), stoppedAt) + leaptMs,
    requestLogLimit: 10,
    firms: {
      backlog: plan.backlog ?? 5_000,
      perMinute: (plan.firesPerSecond ?? 500) * 60,
      datasets:
        otherFires === undefined
          ? {}
          : {
              VIIRS_NOAA20_NRT: { backlog: otherFires.backlog, perMinute: otherFires.firesPerSecond * 60 },
            },
    },
    purpleair: { count: sensorCount, intervalSeconds: plan.sensorIntervalSeconds ?? foreverSeconds },
    alerts: { backlog: alerts, perMinute: 0, lifetimeSeconds: foreverSeconds },
  });
  const fires = (dataset: string, topic: string) => ({
    type: 'nasa-firms',
    mode: 'batch',
    every: '2s',
    priority: priorities.firms,
    topic,
    rateLimitPerMinute: 600,
    baseUrl: providers.urls.firms,
    params: { mapKey: '${TEST_MAP_KEY}', dataset, bbox: [-124.48, 32.53, -114.13, 42.01], dayRange: 1 },
  });
  const ownTopic: Load['ownTopic'] = (sourceId, topics) =>
    sourceId === 'fires-noaa20' && otherFires !== undefined ? topics.otherFirms : null;
  const plain = (topics: LoadTopics): Readonly<Record<string, Readonly<Record<string, unknown>>>> => ({
    'fires-snpp': fires('VIIRS_SNPP_NRT', topics.firms),
    'fires-noaa20': fires('VIIRS_NOAA20_NRT', ownTopic('fires-noaa20', topics) ?? topics.firms),
    sensors: {
      type: 'purpleair',
      mode: 'real-time',
      every: '3s',
      priority: priorities.purpleair,
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
            priority: priorities.alert,
            topic: topics.alert,
            rateLimitPerMinute: 600,
            baseUrl: providers.urls.nws,
            params: { area: 'CA' },
          },
        }),
  });
  const sources = (topics: LoadTopics): Readonly<Record<string, unknown>> =>
    Object.fromEntries(Object.entries(plain(topics)).map(([id, source]) => [id, { ...source, ...plan.sources?.[id] }]));
  return {
    providers,
    startedAt,
    sources,
    ownTopic,
    priorities,
    sourceIds: Object.keys(plain({ firms: '', otherFirms: '', purpleair: '', alert: '', device: '' })),
    leap: (seconds) => {
      leaptMs += seconds * 1_000;
    },
    stopClock: () => {
      stoppedAt = Math.min(stoppedAt, Date.now());
    },
  };
};
