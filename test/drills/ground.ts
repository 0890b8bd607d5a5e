// The ground on which a drill does its harm: servers, load, fleet, and a watch on the progress. At the end it waits until
// all that was served is published, and gives the account.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient, type StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { readTopics } from '@stream-manager/testkit/accounting/read-topics';
import type { StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import { type Random, randomOf, seedOf } from '@stream-manager/testkit/providers/random';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Redis } from 'ioredis';
import { stringify } from 'yaml';
import { type Account, accountOf, readLetters } from './account.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { type Load, type LoadPlan, type LoadTopics, startLoad } from './load.ts';
import { asAtHome } from './own-topics.ts';
import { type Progress, watchProgress } from './progress.ts';
import { type ServerPlan, type Servers, startServers } from './servers.ts';

export type KafkaClient = 'kafkajs' | 'platformatic';

export interface GroundPlan {
  readonly servers?: ServerPlan;
  /** What is polled: numbers for the usual load, or one of the drill's own. */
  readonly load?: LoadPlan | (() => Promise<Load>);
  /** Merged over the top level of the config. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Ground extends AsyncDisposable {
  readonly servers: Servers;
  readonly load: Load;
  readonly fleet: Fleet;
  readonly progress: Progress;
  readonly topics: LoadTopics;
  /** What the processes read when they start. */
  readonly configFile: string;
  /** Of all keys in Redis. */
  readonly keyPrefix: string;
  readonly client: KafkaClient;
  /** Of the seed: the instants of a run come again with it. */
  readonly random: Random;
  /** A connection to Redis that waits while Redis is away. */
  readonly redis: Redis;
  readonly say: (line: string) => void;
  /** What Kafka holds of the topics now, read directly. */
  readonly stored: (topics?: readonly string[]) => Promise<StoredRecord[]>;
  /** Records to be counted as stored although they are gone by the end (a topic that the drill deletes). */
  readonly keep: (records: readonly StoredRecord[]) => void;
  /** Waits until so many more records are published. */
  readonly publishes: (records: number, timeoutMs?: number) => Promise<void>;
  readonly streams: () => Promise<readonly StreamAnswer[]>;
  readonly act: (sourceId: string, act: string) => Promise<void>;
  /**
   * Stops the world, waits until nothing of it is left to publish, and gives the account. `pollNow`: polls are asked for,
   * since the schedules may be an hour away.
   */
  readonly settle: (options?: { readonly pollNow?: boolean }) => Promise<Account>;
  /** Something to be stopped when the account is taken: what the drill runs beside the system. */
  readonly atEnd: (stop: () => Promise<void>) => void;
  /** Copies all logs there. */
  readonly saveLogs: (directory: string) => Promise<void>;
}

export interface GroundOptions {
  readonly client: KafkaClient;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** Starts servers and load; the fleet is the drill's to start. */
export const openGround = async (plan: GroundPlan, options: GroundOptions): Promise<Ground> => {
  const name = randomUUID().slice(0, 8);
  const directory = await mkdtemp(join(tmpdir(), `stream-manager-drill-${name}-`));
  const logs = join(directory, 'logs');
  await mkdir(logs);
  const removeAtExit = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', removeAtExit);
  const undo: (() => Promise<void> | void)[] = [
    async () => {
      await rm(directory, { recursive: true, force: true });
      process.off('exit', removeAtExit);
    },
  ];
  const close = async (): Promise<void> => {
    for (const act of undo.splice(0).reverse()) await act();
  };
  try {
    const servers = await startServers(directory, plan.servers ?? {});
    undo.push(servers.stop);
    const load = await (typeof plan.load === 'function' ? plan.load() : startLoad(plan.load ?? {}));
    undo.push(() => load.providers.stop());
    const redis = new Redis(servers.direct.redisUrl, { maxRetriesPerRequest: null });
    redis.on('error', () => {}); // drills take Redis away; commands wait for it
    undo.push(() => redis.disconnect());
    const keyPrefix = `drill-${name}`;
    const topics: LoadTopics = {
      firms: `${name}-fires`,
      otherFirms: `${name}-other-fires`,
      purpleair: `${name}-sensors`,
      alert: `${name}-alerts`,
      device: `${name}-devices`,
    };
    const password = `password-${name}`;
    const configFile = join(logs, 'stream.yaml');
    const { kafka = {}, redis: redisConfig = {}, ...config } = plan.config ?? {};
    await writeFile(
      configFile,
      stringify({
        redis: { keyPrefix, ...redisConfig },
        kafka: { client: options.client, ...kafka },
        ...config,
        sources: load.sources(topics),
      }),
    );
    const fleet = createFleet({
      directory: logs,
      env: {
        STREAM_CONFIG: configFile,
        REDIS_URL: servers.forWorkers.redisUrl,
        KAFKA_BROKERS: servers.forWorkers.kafkaBrokers.join(','),
        HTTP_PORT: '0',
        LOG_LEVEL: 'info',
        DASHBOARD_PASSWORD: password,
        TEST_MAP_KEY: load.providers.mapKey,
        TEST_API_KEY: load.providers.apiKey,
      },
    });
    undo.push(fleet.killAll);
    const progress = watchProgress(createRedisChunkStore({ redis, keyPrefix }), load.sourceIds);
    undo.push(progress.stop);

    const api = async () =>
      createApiClient({ url: await fleet.at('scheduler').url(), user: 'admin', password }, 20_000);
    const streams = async (): Promise<readonly StreamAnswer[]> => (await (await api()).streams()).streams;
    const act = async (sourceId: string, what: string): Promise<void> => {
      const url = `${await fleet.at('scheduler').url()}/api/streams/${sourceId}/${what}`;
      const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
      const answer = await fetch(url, { method: 'POST', headers: { authorization } });
      if (!answer.ok) throw new Error(`${what} of ${sourceId} was answered with ${answer.status}`);
    };
    const stored = (names: readonly string[] = Object.values(topics)): Promise<StoredRecord[]> =>
      readTopics({ brokers: servers.direct.kafkaBrokers, topics: names, timeoutMs: 120_000 });
    const kept: StoredRecord[] = [];

    return {
      servers,
      load,
      fleet,
      progress,
      topics,
      configFile,
      keyPrefix,
      client: options.client,
      random: randomOf(seedOf('drill', options.seed)),
      redis,
      say: options.say,
      stored,
      keep: (records) => {
        for (const record of records) kept.push(record);
      },
      publishes: async (records, timeoutMs = 120_000) => {
        const before = await progress.published();
        const isDone = async (): Promise<boolean> => (await progress.published()) >= before + records;
        await waitUntil(`${records} more records to be published`, isDone, { timeoutMs, intervalMs: 100 });
      },
      streams,
      act,
      settle: async ({ pollNow = false } = {}) => {
        load.stopClock();
        await everythingKnown(async () => {
          if (pollNow) for (const sourceId of load.sourceIds) await act(sourceId, 'poll');
          return streams();
        });
        for (const sourceId of load.sourceIds) await act(sourceId, 'stop');
        const isIdle = async (): Promise<boolean> => (await progress.queued()) === 0;
        await waitUntil('everything to be published', async () => (await isIdle()) && (await isIdle()), {
          timeoutMs: 120_000,
          intervalMs: 200,
        });
        const letters = await readLetters(redis, keyPrefix, load.sourceIds);
        const home = asAtHome(load, topics, plan.servers?.stampsAppendTime ?? false);
        return accountOf({
          ledger: load.providers.ledger,
          stored: [...kept, ...(await stored())].map(home),
          letters,
          topics,
          priorities: load.priorities,
          everySource: load.everySource,
        });
      },
      atEnd: (stop) => undo.push(stop),
      saveLogs: (target) => cp(logs, target, { recursive: true }),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

/** Waits until every source has had two polls in a row that brought nothing: so all that was ever served is admitted. */
const everythingKnown = async (streams: () => Promise<readonly StreamAnswer[]>): Promise<void> => {
  const quiet = new Map<string, Set<string>>();
  await waitUntil(
    'every row to be known',
    async () => {
      // The records of devices come by themselves: their drill waits for them.
      const all = await streams();
      const polled = all.filter(({ type }) => type !== 'mqtt');
      for (const { id, lastPoll } of polled) {
        const seen = quiet.get(id) ?? new Set();
        const outcome = lastPoll?.outcome;
        // What was cached says nothing of what has been served since, and a poll that was put off says nothing yet.
        if (outcome === 'cached' || outcome === 'deferred') continue;
        const isQuiet = outcome === 'not_modified' || (outcome === 'ok' && lastPoll?.records === 0);
        if (lastPoll !== null && isQuiet) seen.add(lastPoll.at);
        else seen.clear();
        quiet.set(id, seen);
      }
      return all.length > 0 && polled.every(({ id }) => (quiet.get(id)?.size ?? 0) >= 2);
    },
    { timeoutMs: 180_000, intervalMs: 500 },
  );
};
