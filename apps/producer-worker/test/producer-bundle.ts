// What every test with real servers starts with: a config of its own (key prefix, one source, one topic), the real chunk
// store to admit chunks with, and producer workers, in this process or as processes of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, configSchema } from '@stream-manager/shared/config/schema';
import { createKafka } from '@stream-manager/shared/kafka/create-kafka';
import { createMetrics, type Metrics } from '@stream-manager/shared/observability/metrics';
import { createFacts, type ProcessFacts } from '@stream-manager/shared/ops/facts';
import { createHealth, type Health } from '@stream-manager/shared/ops/health';
import { createInstance } from '@stream-manager/shared/ops/heartbeat';
import type { ProcessContext } from '@stream-manager/shared/ops/process-context';
import { deadLetterQueueAddress, openQueue, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import { addChunkJobs } from '@stream-manager/shared/queues/records-queue';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import type { PreparedRecord } from '@stream-manager/shared/records/payload';
import { type PriorityClass, priorityOf } from '@stream-manager/shared/records/priority';
import { readTopics } from '@stream-manager/testkit/accounting/read-topics';
import type { StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { inject } from 'vitest';
import { composeProducerWorker } from '../src/compose.ts';
import { silent } from './chunks.ts';

export const sourceId = 'fires';

// Event times are fixed, and the broker's first retention check, 30 s after its start, deletes what is older than a week.
const kept = { 'retention.ms': '-1' };

/** A record of the bundle's source: number `index`, the same on every call. */
export const numberedRecord = (
  index: number,
  changes: { readonly padding?: number; readonly eventTimeMs?: number; readonly priority?: PriorityClass } = {},
): PreparedRecord => {
  const id = createHash('sha256').update(`record-${index}`).digest().subarray(0, 16);
  const eventTimeMs = changes.eventTimeMs ?? Date.parse('2026-01-04T09:00:00.000Z') + index;
  const data = { index, padding: 'x'.repeat(changes.padding ?? 0) };
  const envelope = {
    id: id.toString('base64url'),
    sourceId,
    type: 'fire-detection',
    observedAt: new Date(eventTimeMs).toISOString(),
    ingestedAt: '2026-01-04T10:00:00.000Z',
    priority: priorityOf(changes.priority ?? 3),
    data,
  };
  return {
    id,
    hash: createHash('sha256').update(JSON.stringify(data)).digest().subarray(0, 8),
    eventTimeMs,
    key: `cell-${index % 17}`,
    value: Buffer.from(JSON.stringify(envelope)),
  };
};

/** Records number `from` to `from + count − 1`. */
export const numberedRecords = (from: number, count: number): readonly PreparedRecord[] =>
  Array.from({ length: count }, (_, offset) => numberedRecord(from + offset));

/** The numbers of stored records, in the order in which they were read. */
export const numbersOf = (stored: readonly StoredRecord[]): readonly number[] =>
  stored.map(({ value }) => (value as { readonly data: { readonly index: number } }).data.index);

/** A producer worker of this process. */
interface LocalWorker {
  readonly health: Health;
  readonly facts: ProcessFacts;
  readonly metrics: Metrics;
  stop(): Promise<void>;
}

export interface ProducerBundle extends AsyncDisposable {
  readonly config: Config;
  readonly topic: string;
  readonly redis: Redis;
  readonly store: ChunkStore;
  readonly records: Queue;
  readonly deadLetters: Queue;
  createTopic(changes?: {
    readonly partitions?: number;
    readonly config?: Readonly<Record<string, string>>;
  }): Promise<void>;
  alterTopic(config: Readonly<Record<string, string>>): Promise<void>;
  /** Admits a chunk and adds its job; gives the chunk's id. */
  enqueue(
    records: readonly PreparedRecord[],
    changes?: { readonly priority?: PriorityClass; readonly pollId?: string },
  ): Promise<string>;
  /** A worker of this process; with another config than the bundle's where a test says so. */
  startWorker(
    env?: Readonly<Record<string, string>>,
    changes?: Partial<Pick<ProcessContext, 'config' | 'retired'>>,
  ): Promise<LocalWorker>;
  /** A producer worker as a process of its own; resolves when it is ready. */
  spawnWorker(): Promise<ChildProcess>;
  /** Resolves when nothing lies in the source's queue any more. */
  drained(timeoutMs?: number): Promise<void>;
  stored(): Promise<readonly StoredRecord[]>;
}

/** Opens a bundle; `await using` stops its workers and removes its keys. */
export const openProducer = async (
  changes: { readonly config?: Readonly<Record<string, unknown>> } = {},
): Promise<ProducerBundle> => {
  const name = `producer-${randomUUID().slice(0, 8)}`;
  const topic = `${name}-topic`;
  const raw = {
    redis: { url: inject('redisUrl'), keyPrefix: name },
    kafka: { brokers: inject('kafkaBrokers'), compression: 'none' },
    sources: {
      [sourceId]: {
        type: 'nasa-firms',
        topic,
        params: { mapKey: 'none', bbox: [-124, 32, -114, 42] },
        queue: { maxRecords: 500_000 },
      },
    },
    ...changes.config,
  };
  const config = configSchema.parse(raw);
  const redis = createRedis(config.redis.url, { name, logger: silent });
  const store = createRedisChunkStore({ redis, keyPrefix: name });
  const onError = (): void => {};
  const records = openQueue(recordsQueueAddress(name, sourceId), redis, onError);
  const deadLetters = openQueue(deadLetterQueueAddress(name, sourceId), redis, onError);
  const undo: (() => Promise<unknown>)[] = [];

  return {
    config,
    topic,
    redis,
    store,
    records,
    deadLetters,
    createTopic: async (topicChanges = {}) => {
      const admin = createKafka(config.kafka, { logger: silent, role: 'test' }).createAdmin();
      await admin.createTopics([
        {
          topic,
          partitions: topicChanges.partitions ?? 4,
          replicationFactor: 1,
          config: { ...kept, ...topicChanges.config },
        },
      ]);
      await admin.close();
    },
    alterTopic: async (topicConfig) => {
      const kafka = new Kafka({ brokers: config.kafka.brokers, logLevel: logLevel.NOTHING });
      const admin = kafka.admin();
      await admin.connect();
      // Kafka takes this for the whole of a topic's settings.
      const configEntries = Object.entries({ ...kept, ...topicConfig }).map(([key, value]) => ({ name: key, value }));
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
      });
      await admin.disconnect();
    },
    enqueue: async (prepared, { priority = 3, pollId = 'poll-1' } = {}) => {
      const chunkId = createChunkId();
      const admitted = await store.admit({
        sourceId,
        chunkId,
        priority,
        records: prepared,
        pollId,
        limits: {
          maxRecords: 500_000,
          criticalReserve: 0,
          overflow: 'backpressure',
          dedupeWindowMs: 3_600_000,
          dedupeMaxIds: 2_000_000,
          publishCorrections: true,
        },
      });
      if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
      const { maxAttempts } = config.delivery;
      await addChunkJobs(records, [{ chunkId, records: admitted.stored, priority, pollId, sample: [] }], {
        attempts: maxAttempts,
        backoff: { type: 'delivery' },
      });
      return chunkId;
    },
    startWorker: async (env = {}, workerChanges = {}) => {
      const health = createHealth();
      const facts = createFacts();
      const metrics = createMetrics();
      const connection = createRedis(config.redis.url, { name: `${name}-worker`, logger: silent });
      const composition = composeProducerWorker({
        config,
        retired: new Map(),
        configVersion: '000000000000',
        env,
        instance: createInstance('producer-worker', '0.0.0'),
        logger: silent,
        metrics,
        health,
        facts,
        redisMemory: { high: async () => null, took: () => {}, stop: () => {} },
        redis: connection,
        ...workerChanges,
      });
      await composition.start(new AbortController().signal);
      health.setPhase('ready');
      const stop = async (): Promise<void> => {
        await composition.stop();
        connection.disconnect();
      };
      undo.push(stop);
      return { health, facts, metrics, stop };
    },
    spawnWorker: async () => {
      const directory = await mkdtemp(join(tmpdir(), `${name}-`));
      const configFile = join(directory, 'stream.json');
      await writeFile(configFile, JSON.stringify(raw));
      const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
      const child = spawn(process.execPath, [main], {
        env: { PATH: process.env.PATH, STREAM_CONFIG: configFile },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let log = '';
      child.stdout.on('data', (data: Buffer) => {
        log += data.toString();
      });
      undo.push(async () => {
        if (child.exitCode === null && child.signalCode === null) {
          const exited = new Promise((resolve) => child.once('exit', resolve));
          child.kill('SIGKILL');
          await exited;
        }
        await rm(directory, { recursive: true, force: true });
      });
      await waitUntil(
        'the producer worker to start',
        () => {
          if (child.exitCode !== null) throw new Error(`the producer worker ended: ${log}`);
          return log.includes('producer-worker started');
        },
        { timeoutMs: 30_000 },
      );
      return child;
    },
    drained: async (timeoutMs = 30_000) => {
      await waitUntil(
        'the queue to be empty',
        async () => {
          const counts = await store.counts([sourceId]);
          const jobs = await records.getJobCounts('wait', 'active', 'prioritized', 'delayed', 'failed');
          const left = [counts.get(sourceId)?.total ?? 0, ...Object.values(jobs)];
          if (left.some((count) => count > 0))
            throw new Error(`${counts.get(sourceId)?.total} records, jobs ${JSON.stringify(jobs)}`);
          return true;
        },
        { timeoutMs },
      );
    },
    stored: () => readTopics({ brokers: config.kafka.brokers, topics: [topic] }),
    [Symbol.asyncDispose]: async () => {
      for (const act of undo.reverse()) await act();
      await Promise.all([records.close(), deadLetters.close()]);
      for await (const keys of redis.scanStream({ match: `${name}:*`, count: 1_000 }) as AsyncIterable<string[]>)
        if (keys.length > 0) await redis.unlink(...keys);
      redis.disconnect();
    },
  };
};
