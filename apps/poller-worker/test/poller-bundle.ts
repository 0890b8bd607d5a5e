// What every test of the poller as a whole starts with: a config of its own under a key prefix of its own, sources that
// do what the test says, any number of pollers on real Redis, and a look at everything that lies there.
import { randomBytes } from 'node:crypto';
import { type Config, configSchema } from '@stream-manager/shared/config/schema';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { DeadLetterJobData } from '@stream-manager/shared/jobs/payloads';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createMetrics, type Metrics } from '@stream-manager/shared/observability/metrics';
import { createFacts } from '@stream-manager/shared/ops/facts';
import { createHealth, type Health } from '@stream-manager/shared/ops/health';
import { createInstance } from '@stream-manager/shared/ops/heartbeat';
import type { Composition, ProcessContext } from '@stream-manager/shared/ops/process-context';
import {
  deadLetterQueueAddress,
  openQueue,
  pollQueueAddress,
  recordsQueueAddress,
} from '@stream-manager/shared/queues/bullmq';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import { type CursorStore, createCursorStore } from '@stream-manager/shared/queues/cursor-store';
import { fleetKeys, sourceKeys } from '@stream-manager/shared/queues/keys';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import { createRedis, type Redis } from '@stream-manager/shared/queues/redis';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import { createSourceStateStore, type SourceStateStore } from '@stream-manager/shared/queues/source-state';
import { hasBit } from '@stream-manager/shared/records/bitmap';
import type { Envelope, InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { decodePayload, isPayloadFault } from '@stream-manager/shared/records/payload';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job, Queue } from 'bullmq';
import { inject } from 'vitest';
import { composePoller } from '../src/compose.ts';
import type { Page, PollContext, Source } from '../src/sources/source.ts';

/** What a scripted source does when it is polled. */
export type Script = (context: PollContext) => AsyncIterable<Page>;

/** A station's reading number `index`; another `temperatureC` makes a correction of it. */
export const reading = (index: number, changes: Partial<SourceRecord> = {}): SourceRecord => ({
  type: 'weather-observation',
  naturalKey: `S${index}`,
  observedAtMs: Date.UTC(2026, 0, 4, 9) + index * 1000,
  data: { stationId: `S${index}`, temperatureC: 11 },
  partitionKey: `S${index}`,
  ...changes,
});

/** Readings `first` … `first + count - 1`. */
export const readings = (first: number, count: number): readonly SourceRecord[] =>
  Array.from({ length: count }, (_value, index) => reading(first + index));

/** A page; without a position it is the last one. */
export const page = (
  records: readonly SourceRecord[],
  position: unknown = null,
  invalid: readonly InvalidRow[] = [],
): Page => ({ records, invalid, position });

/** A source of one page. */
export const onePage = (...pages: readonly Page[]): Script =>
  async function* () {
    yield* pages;
  };

/** Holds a script until the test opens it; a poller that stops ends the wait, so that no failed test hangs. */
export const createGate = () => {
  const opened = Promise.withResolvers<void>();
  return {
    open: opened.resolve,
    wait: async (signal: AbortSignal): Promise<void> => {
      const stopped = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => stopped.reject(new StreamManagerError('stopped', 'the fetch was ended')));
      await Promise.race([opened.promise, stopped.promise]);
    },
  };
};

/** The entry of the scripted source in the config; every test may change it. */
const entry = {
  type: 'noaa-stations',
  every: '30s',
  params: { stations: ['KSFO'] },
  headers: { 'X-Token': 'topsecret-token' },
};

export interface PollerBundle extends AsyncDisposable {
  readonly redis: Redis;
  readonly config: Config;
  readonly keyPrefix: string;
  readonly store: ChunkStore;
  readonly states: SourceStateStore;
  readonly polls: Queue;
  readonly records: Queue;
  readonly letters: Queue<DeadLetterJobData>;
  readonly metrics: Metrics;
  /** What the scripted source does from the next poll on. */
  script: Script;
  /** What the scripted source makes of a row that is parsed again; until a test says otherwise, nothing. */
  parseRow: Source['parseRow'];
  /** The position and tick of each call of the script. */
  readonly calls: { readonly position: unknown; readonly scheduledFor: number }[];
  /** The cursor and window of each call of the script. */
  readonly asked: Pick<PollContext, 'cursor' | 'window'>[];
  readonly cursors: CursorStore;
  /** Where an unfinished pass stands; null: there is none. */
  position(): Promise<unknown>;
  readonly health: Health;
  /** Says that Redis has no memory left; null: it has. */
  memoryHigh: string | null;
  /** The process that a poller runs in. */
  context(): ProcessContext;
  /** Makes a poller of the scripted source that runs nothing yet; `changes` to the source's entry. */
  compose(changes?: Readonly<Record<string, unknown>>): Composition;
  /** Starts a poller; several share the queue. */
  startPoller(changes?: Readonly<Record<string, unknown>>): Promise<Composition>;
  /** Adds a poll as a tick does; gives its job's id. */
  poll(scheduledFor?: number): Promise<string>;
  /** Waits until a job of queue `poll` is in one of these states. */
  until(jobId: string, ...states: readonly string[]): Promise<Job>;
  /** Polls once and waits for the end. */
  pollOnce(scheduledFor?: number): Promise<Job>;
  /** Envelopes that lie in Redis and are not done, in the order of admission. */
  stored(): Promise<readonly Envelope[]>;
  /** Value of a counter or gauge; 0 if it was never touched. */
  value(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  claimedBy(): Promise<string | null>;
}

/** The scripted source's id. */
export const sourceId = 'stations';

/** Opens a bundle. `source` changes the source's entry, `more` the rest of the config. */
export const openPollerBundle = async (
  source: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
  own: {
    /** A Redis of the test's own. */
    readonly redisUrl?: string;
    /** What the process makes of the memory of Redis; default: there is enough, unless `memoryHigh` says otherwise. */
    readonly hangLimitMs?: number;
    readonly memory?: (redis: Redis, health: Health, metrics: Metrics) => RedisMemory;
  } = {},
): Promise<PollerBundle> => {
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const configWith = (changes: Readonly<Record<string, unknown>>): Config =>
    configSchema.parse({
      redis: { url: own.redisUrl ?? inject('redisUrl'), keyPrefix },
      sources: { [sourceId]: { ...entry, ...source, ...changes } },
      ...more,
    });
  const config = configWith({});
  const logger = createLogger({ role: 'test', instance: 'test', level: process.env['TEST_LOG'] ?? 'silent' });
  const redis = createRedis(config.redis.url, { name: 'test', logger });
  await redis.connect();
  const metrics = createMetrics();
  const health = createHealth();
  const store = createRedisChunkStore({ redis, keyPrefix });
  const states = createSourceStateStore(redis, keyPrefix);
  const cursors = createCursorStore(redis, keyPrefix);
  const open = (address: ReturnType<typeof pollQueueAddress>): Queue => openQueue(address, redis, () => {});
  const polls = open(pollQueueAddress(keyPrefix));
  const records = open(recordsQueueAddress(keyPrefix, sourceId));
  const letters: Queue<DeadLetterJobData> = open(deadLetterQueueAddress(keyPrefix, sourceId));
  const started: Composition[] = [];

  const context = (): ProcessContext => ({
    config,
    retired: new Map(),
    configVersion: 'test',
    env: {},
    instance: createInstance('poller-worker', '0.0.0'),
    logger,
    metrics,
    health,
    redisMemory: own.memory?.(redis, health, metrics) ?? {
      high: async () => bundle.memoryHigh,
      took: () => {},
      stop: () => {},
    },
    facts: createFacts(),
    redis,
  });

  const bundle: PollerBundle = {
    redis,
    config,
    keyPrefix,
    store,
    states,
    polls,
    records,
    letters,
    metrics,
    health,
    memoryHigh: null,
    script: onePage(),
    parseRow: ({ raw }) => ({ raw, reason: 'unreadable', message: 'still no record' }),
    calls: [],
    asked: [],
    cursors,
    position: async () => (await cursors.begin(sourceId)).position,
    context,
    compose: (changes = {}) =>
      composePoller(
        { ...context(), config: configWith(changes) },
        () => () => ({
          poll: (poll) => {
            bundle.calls.push({ position: poll.position, scheduledFor: poll.scheduledFor });
            bundle.asked.push({ cursor: poll.cursor, window: poll.window });
            return bundle.script(poll);
          },
          parseRow: (row) => bundle.parseRow(row),
        }),
        own.hangLimitMs === undefined ? {} : { hangLimitMs: () => own.hangLimitMs ?? 0 },
      ),
    startPoller: async (changes) => {
      const poller = bundle.compose(changes);
      started.push(poller);
      await poller.start(new AbortController().signal);
      return poller;
    },
    poll: async (scheduledFor = Date.now()) => {
      await addPoll(polls, { sourceId, scheduledFor, priority: 3 });
      return `${sourceId}.${scheduledFor}`;
    },
    until: (jobId, ...wanted) =>
      waitUntil(
        `poll ${jobId} to be ${wanted.join(' or ')}`,
        async () => {
          if (!wanted.includes(await polls.getJobState(jobId))) return null;
          return polls.getJob(jobId);
        },
        { timeoutMs: 45_000 },
      ),
    pollOnce: async (scheduledFor) => {
      const jobId = await bundle.poll(scheduledFor);
      return bundle.until(jobId, 'completed', 'failed');
    },
    stored: async () => {
      const ids = await redis.zrange(sourceKeys(keyPrefix, sourceId).index, 0, -1);
      const chunks = await Promise.all(ids.map((id) => store.take(sourceId, id)));
      return chunks.flatMap((chunk) => {
        if (chunk === null) throw new Error('an index entry without its chunk');
        const decoded = decodePayload(chunk.payload);
        if (isPayloadFault(decoded)) throw new Error('an unreadable payload');
        const waiting = decoded.filter((_record, index) => !hasBit(chunk.done, index));
        return waiting.map((record): Envelope => JSON.parse(record.value.toString('utf8')));
      });
    },
    value: async (name, labels = {}) => {
      for (const before of metrics.beforeScrape) await before();
      const metric = await metrics.registry.getSingleMetric(`stream_manager_${name}`)?.get();
      const wanted = Object.entries({ source: sourceId, ...labels });
      return metric?.values.find((one) => wanted.every(([label, value]) => one.labels[label] === value))?.value ?? 0;
    },
    claimedBy: () => redis.get(fleetKeys(keyPrefix).running(sourceId)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((poller) => poller.stop()));
      await Promise.all([polls, records, letters].map((queue) => queue.close()));
      let cursor = '0';
      do {
        const [next, keys] = await redis.scan(cursor, 'MATCH', `${keyPrefix}:*`, 'COUNT', 1000);
        if (keys.length > 0) await redis.unlink(...keys);
        cursor = next;
      } while (cursor !== '0');
      redis.disconnect();
    },
  };
  return bundle;
};
