// The servers of one drill: a Redis and a Kafka of its own, since it kills, freezes and fills them. With a network, the
// workers reach them through proxies that can be cut; the drill's own tools go directly.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Proxy, startProxy } from '@stream-manager/testkit/network/proxy';
import { survivingFullDisk } from '@stream-manager/testkit/stack/full-disk';
import { type KafkaBroker, startKafkaBroker } from '@stream-manager/testkit/stack/kafka-broker';
import { type KafkaCluster, startKafkaCluster } from '@stream-manager/testkit/stack/kafka-cluster';
import { cacheDirOf } from '@stream-manager/testkit/stack/places';
import { isPortFree, pickPort } from '@stream-manager/testkit/stack/ports';
import { localRedisProgram, type RedisServer, startRedisServer } from '@stream-manager/testkit/stack/redis-server';

export interface ServerPlan {
  /** `cluster`: three brokers. Default `one`. */
  readonly kafka?: 'one' | 'cluster';
  /** Proxies between the workers and the servers (not with a cluster). Default false. */
  readonly network?: boolean;
  /** What each piece takes on its way to Kafka and back, so that sends are in flight most of the time. Default 0. */
  readonly kafkaDelayMs?: number;
  /** Records are stamped with the time at which the broker wrote them, so that it can be read. Default false. */
  readonly stampsAppendTime?: boolean;
  /** Redis survives a write beyond a file size limit. Default false. */
  readonly canFillDisk?: boolean;
}

export interface Servers {
  readonly redis: RedisServer;
  /** The broker, or the first of the cluster. */
  readonly broker: KafkaBroker;
  /** All of them. */
  readonly brokers: readonly KafkaBroker[];
  /** Only with `network`. */
  readonly network: { readonly redis: Proxy; readonly kafka: Proxy } | null;
  /** What the workers are told. */
  readonly forWorkers: { readonly redisUrl: string; readonly kafkaBrokers: readonly string[] };
  /** What the drill itself uses. */
  readonly direct: { readonly redisUrl: string; readonly kafkaBrokers: readonly string[] };
  readonly stop: () => Promise<void>;
}

/** Starts them below `dir`; what was started is stopped when one does not start. */
export const startServers = async (dir: string, plan: ServerPlan): Promise<Servers> => {
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const act of undo.splice(0).reverse()) await act();
  };
  try {
    const redis = await startRedis(join(dir, 'redis'), plan.canFillDisk ?? false);
    undo.push(redis.stop);
    const { brokers, direct, forWorkers, proxy } = await startKafka(join(dir, 'kafka'), plan, undo);
    const [broker] = brokers;
    if (broker === undefined) throw new Error('a Kafka without brokers');
    let redisProxy: Proxy | null = null;
    if (plan.network) {
      redisProxy = await startProxy({ target: () => redis.port });
      undo.push(redisProxy.stop);
    }
    return {
      redis,
      broker,
      brokers,
      network: redisProxy === null || proxy === null ? null : { redis: redisProxy, kafka: proxy },
      forWorkers: {
        redisUrl: redisProxy === null ? redis.url : `redis://127.0.0.1:${redisProxy.port}`,
        kafkaBrokers: forWorkers,
      },
      direct: { redisUrl: redis.url, kafkaBrokers: direct },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** The servers are the drill's own, whatever the environment names: it harms them. */
const env: NodeJS.ProcessEnv = { ...process.env, REDIS_URL: undefined, KAFKA_BROKERS: undefined };

const startRedis = async (dir: string, canFillDisk: boolean): Promise<RedisServer> => {
  if (!canFillDisk) return startRedisServer({ dir, env });
  await mkdir(dir, { recursive: true });
  const found = await localRedisProgram({ env, cacheDir: cacheDirOf(env), say: () => {}, signal: undefined });
  return startRedisServer({ dir, env, program: await survivingFullDisk(found, dir) });
};

interface StartedKafka {
  readonly brokers: readonly KafkaBroker[];
  readonly direct: readonly string[];
  readonly forWorkers: readonly string[];
  readonly proxy: Proxy | null;
}

const startKafka = async (dir: string, plan: ServerPlan, undo: (() => Promise<void>)[]): Promise<StartedKafka> => {
  if (plan.kafka === 'cluster') {
    const cluster: KafkaCluster = await startKafkaCluster({ dir });
    undo.push(cluster.stop);
    return { brokers: cluster.nodes, direct: cluster.brokers, forWorkers: cluster.brokers, proxy: null };
  }
  const config: Readonly<Record<string, string>> = plan.stampsAppendTime
    ? { 'log.message.timestamp.type': 'LogAppendTime' }
    : {};
  if (!plan.network && plan.kafkaDelayMs === undefined) {
    const broker = await startKafkaBroker({ dir, env, config });
    undo.push(broker.stop);
    return { brokers: [broker], direct: broker.brokers, forWorkers: broker.brokers, proxy: null };
  }
  // Two listeners: who comes by the proxy is told the proxy's address, who comes directly the broker's own.
  const taken = new Set<number>();
  const pick = async (): Promise<number> => {
    const picked = await pickPort([], taken, isPortFree);
    taken.add(picked);
    return picked;
  };
  const [port, controllerPort, behindProxy] = [await pick(), await pick(), await pick()];
  const proxy = await startProxy({ target: () => behindProxy, delayMs: plan.kafkaDelayMs ?? 0 });
  undo.push(proxy.stop);
  const broker = await startKafkaBroker({
    dir,
    env,
    port,
    controllerPort,
    config: {
      ...config,
      listeners: `PLAINTEXT://127.0.0.1:${port},WORKERS://127.0.0.1:${behindProxy},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},WORKERS://127.0.0.1:${proxy.port}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,WORKERS:PLAINTEXT',
    },
  });
  undo.push(broker.stop);
  return { brokers: [broker], direct: broker.brokers, forWorkers: [`127.0.0.1:${proxy.port}`], proxy };
};
