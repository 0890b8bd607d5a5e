// The whole system for one test: simulated providers, a config of its own (key prefix, topics, group), and the processes
// as separate Node processes, on the Redis and Kafka of the run. Everything is stopped when the test ends.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from '@stream-manager/shared/ops/api-client';
import { deadLetterQueueAddress, openQueue, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { type Comparison, compareServedWithStored } from '@stream-manager/testkit/accounting/compare';
import { expectedPriority, type PriorityName } from '@stream-manager/testkit/accounting/expected-priority';
import type { ExpectedRecord, RecordKind } from '@stream-manager/testkit/accounting/expected-record';
import { ofKind } from '@stream-manager/testkit/accounting/of-kind';
import { readTopics } from '@stream-manager/testkit/accounting/read-topics';
import type { StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import { type ProviderOptions, type Providers, startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Redis } from 'ioredis';
import { stringify } from 'yaml';
import { launch, type Role, type SystemProcess } from './launch.ts';

/** What a system polls, and what is expected of it. */
export interface SystemPlan<K extends RecordKind> {
  /** The topic of each kind that is served. */
  readonly topics: (name: string) => Readonly<Record<K, string>>;
  /** The `sources` of the config. */
  readonly sources: (
    providers: Providers,
    topics: Readonly<Record<K, string>>,
  ) => Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The sources of which each must publish this record. */
  readonly sourceIdsOf: (record: ExpectedRecord) => readonly string[];
  /** The priority that sources give records of each kind. */
  readonly priorities: Readonly<Record<K, PriorityName>>;
  /** Records that are due although no provider serves them. Default none. */
  readonly sent?: () => readonly ExpectedRecord[];
  /** Topics that are read besides those of the kinds. Default none. */
  readonly moreTopics?: readonly string[];
  /** More of the environment of each process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A dead letter, as it lies in its queue. */
interface Letter {
  readonly sourceId: string;
  readonly code: string;
  readonly reason: string;
  /** The row; null where the letter is a record. */
  readonly raw: string | null;
}

/** What a test may choose. */
interface SystemOptions {
  readonly redisUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly providers?: ProviderOptions;
  /** Merged over each source of the config by its id. */
  readonly sources?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Merged over the top level of the config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What a system of these tests polls. */
type SystemKind = keyof typeof sourceOf;

/** A running system. */
interface System<K extends RecordKind = SystemKind> extends AsyncDisposable {
  readonly providers: Providers;
  readonly topics: Readonly<Record<K, string>>;
  readonly keyPrefix: string;
  readonly password: string;
  readonly redis: Redis;
  /** Resolves when the process has started. */
  start(role: Role): Promise<SystemProcess>;
  /** The API of the scheduler that was started first. */
  api(): Promise<ApiClient>;
  act(sourceId: string, act: string): Promise<Response>;
  /** Ends polling and waits until all that was fetched is published. */
  drain(): Promise<void>;
  stored(): Promise<StoredRecord[]>;
  /** All dead letters. */
  letters(): Promise<readonly Letter[]>;
  compare(): Promise<Comparison>;
}

const sourceOf = { firms: 'firms', station: 'stations', alert: 'alerts', purpleair: 'purpleair' } as const;
const basePriorities = { firms: 'high', station: 'normal', alert: 'high', purpleair: 'normal' } as const;

const sourcesConfig = (providers: Providers, topics: Readonly<Record<SystemKind, string>>) => ({
  firms: {
    type: 'nasa-firms',
    mode: 'batch',
    every: '2s',
    priority: basePriorities.firms,
    topic: topics.firms,
    rateLimitPerMinute: 600,
    baseUrl: providers.urls.firms,
    params: {
      mapKey: '${TEST_MAP_KEY}',
      dataset: 'VIIRS_SNPP_NRT',
      bbox: [-124.48, 32.53, -114.13, 42.01],
      dayRange: 1,
    },
  },
  stations: {
    type: 'noaa-stations',
    mode: 'real-time',
    every: '5s',
    priority: basePriorities.station,
    topic: topics.station,
    rateLimitPerMinute: 1200,
    baseUrl: providers.urls.nws,
    params: { state: 'CA' },
  },
  alerts: {
    type: 'noaa-alerts',
    mode: 'real-time',
    every: '2s',
    priority: basePriorities.alert,
    topic: topics.alert,
    rateLimitPerMinute: 1200,
    baseUrl: providers.urls.nws,
    params: { area: 'CA' },
  },
  purpleair: {
    type: 'purpleair',
    mode: 'continuous',
    every: '1s',
    priority: basePriorities.purpleair,
    topic: topics.purpleair,
    rateLimitPerMinute: 600,
    baseUrl: providers.urls.purpleair,
    params: { apiKey: '${TEST_API_KEY}', bbox: [-124.48, 32.53, -114.13, 42.01] },
  },
});

/** Fires, stations, alerts and sensors of California. */
const usualPlan: SystemPlan<SystemKind> = {
  topics: (name) => ({
    firms: `e2e-${name}-firms`,
    station: `e2e-${name}-weather`,
    alert: `e2e-${name}-alerts`,
    purpleair: `e2e-${name}-sensors`,
  }),
  sources: sourcesConfig,
  sourceIdsOf: ({ kind }) => [ofKind(sourceOf, kind)],
  priorities: basePriorities,
};

/** Starts providers and writes the config; processes are started one by one. */
export const startSystem = (options: SystemOptions): Promise<System> => openSystem(usualPlan, options);

/** The same with a plan of one's own. */
export const openSystem = async <K extends RecordKind>(
  plan: SystemPlan<K>,
  options: SystemOptions,
): Promise<System<K>> => {
  const name = randomUUID().slice(0, 8);
  const directory = await mkdtemp(join(tmpdir(), `stream-manager-e2e-${name}-`));
  const keyPrefix = `e2e-${name}`;
  const topics = plan.topics(name);
  const providers = await startProviders({
    seed: 1 + Math.floor(Math.random() * 1_000_000),
    separatePorts: true,
    ...options.providers,
  });
  const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
  const poll = openQueue(pollQueueAddress(keyPrefix), redis, () => {});
  const configFile = join(directory, 'stream.yaml');
  const base = plan.sources(providers, topics);
  const sources = Object.fromEntries(
    Object.entries(base).map(([id, source]) => [id, { ...source, ...options.sources?.[id] }]),
  );
  const extra = Object.fromEntries(Object.entries(options.sources ?? {}).filter(([id]) => !(id in base)));
  await writeFile(
    configFile,
    stringify({ redis: { keyPrefix }, ...options.config, sources: { ...sources, ...extra } }),
  );
  const password = `password-${name}`;
  const children: SystemProcess[] = [];

  const start = async (role: Role): Promise<SystemProcess> => {
    const started = launch({
      role,
      logFile: join(directory, `${role}-${children.length}.log`),
      cwd: directory,
      env: {
        STREAM_CONFIG: configFile,
        REDIS_URL: options.redisUrl,
        KAFKA_BROKERS: options.kafkaBrokers.join(','),
        HTTP_PORT: '0',
        LOG_LEVEL: 'debug',
        DASHBOARD_PASSWORD: password,
        TEST_MAP_KEY: providers.mapKey,
        TEST_API_KEY: providers.apiKey,
        ...plan.env,
      },
    });
    children.push(started);
    // A process that cannot start fails the test here, with its own words.
    await started.url();
    return started;
  };

  const apiUrl = async (): Promise<string> => {
    const scheduler = children.find(({ role }) => role === 'scheduler' || role === 'stream-manager');
    if (scheduler === undefined) throw new Error('no scheduler was started');
    return scheduler.url();
  };
  const act = async (sourceId: string, name_: string): Promise<Response> =>
    fetch(`${await apiUrl()}/api/streams/${sourceId}/${name_}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
    });
  const api = async (): Promise<ApiClient> => createApiClient({ url: await apiUrl(), user: 'admin', password });
  const topicNames: readonly string[] = [...Object.values<string>(topics), ...(plan.moreTopics ?? [])];
  const stored = (): Promise<StoredRecord[]> => readTopics({ brokers: options.kafkaBrokers, topics: topicNames });

  return {
    providers,
    topics,
    keyPrefix,
    password,
    redis,
    start,
    api,
    act,
    stored,
    letters: async () => {
      const found: Letter[] = [];
      for (const { id: sourceId } of (await (await api()).streams()).streams) {
        const queue = openQueue(deadLetterQueueAddress(keyPrefix, sourceId), redis, () => {});
        for (const { data } of await queue.getJobs()) {
          const { code, reason, raw } = data;
          found.push({
            sourceId,
            code: String(code),
            reason: String(reason),
            raw: typeof raw === 'string' ? raw : null,
          });
        }
        await queue.close();
      }
      return found;
    },
    drain: async () => {
      const client = await api();
      for (const { id } of (await client.streams()).streams) await act(id, 'stop');
      const isIdle = async (): Promise<boolean> => {
        const counts = await poll.getJobCounts('active', 'waiting', 'prioritized', 'delayed');
        const { streams } = await client.streams();
        const queued = streams.flatMap((stream) => Object.values(stream.queued)).reduce((sum, n) => sum + n, 0);
        return Object.values(counts).every((count) => count === 0) && queued === 0;
      };
      // A poll that ends between two looks may add records after the queue was seen empty: idle twice in a row is idle.
      await waitUntil('everything to be published', async () => (await isIdle()) && (await isIdle()), {
        timeoutMs: 90_000,
        intervalMs: 200,
      });
    },
    compare: async () =>
      compareServedWithStored({
        served: [...providers.ledger.served(), ...(plan.sent?.() ?? [])],
        offered: providers.ledger.offered(),
        stored: await stored(),
        topicOf: (kind) => ofKind<string>(topics, kind),
        expectedSourceIds: (_kind, record) => plan.sourceIdsOf(record),
        priorityOf: (record) => expectedPriority(record, ofKind<PriorityName>(plan.priorities, record.kind)),
      }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(children.map((child) => child.end('SIGKILL')));
      await providers.stop();
      await poll.close();
      redis.disconnect();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
