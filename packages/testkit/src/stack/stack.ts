// The real Redis and the real Kafka that `npm start`, the tests and the benchmark run on, whatever the machine has:
// addresses that are given, else containers, else local servers whose programs come from the PATH or from PyPI
// (see choose-ways.ts). Both are found and started side by side, each on its own way.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf } from '@stream-manager/shared/failures/errors';
import {
  type Choice,
  chooseKafka,
  chooseRedis,
  type KafkaWay,
  type RedisWay,
  refusalText,
  type Shortage,
} from './choose-ways.ts';
import { type Claim, claimDirectory } from './claim-directory.ts';
import { notedVolumes, removeContainerNotes } from './container-notes.ts';
import { reachKafka, reachRedis, withoutCredentials } from './given-servers.ts';
import { kafkaRuntime, startKafkaBroker, sustainedJvm } from './kafka-broker.ts';
import { endLeftover } from './local-server.ts';
import { lookForKafka, lookForRedis } from './look-around.ts';
import { cacheDirOf } from './places.ts';
import type { Say } from './progress.ts';
import { valkeyFromPypi } from './pypi.ts';
import { startRedisServer } from './redis-server.ts';
import { StackError } from './stack-error.ts';

export interface StackOptions {
  /** Holds the servers' data and is this run's alone; made when missing. */
  readonly dataDir: string;
  /** Forgets what earlier runs left in `dataDir`. Default false. Downloads stay. */
  readonly fresh?: boolean;
  /** Forgets everything again at the stop, `dataDir` included. Default false. */
  readonly ephemeral?: boolean;
  /** Default: see `places.ts`. */
  readonly cacheDir?: string;
  readonly say: Say;
  /** Ends the start; afterwards stops the stack. Not the signal by which the product drains: it needs the stack until the end. */
  readonly signal?: AbortSignal;
  /** `REDIS_URL`, `KAFKA_BROKERS`, `STREAM_STACK`, `STREAM_KAFKA_JVM`, `PATH`, … Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Flags of Kafka's virtual machine. Default `sustainedJvm`; `STREAM_KAFKA_JVM` wins. */
  readonly jvm?: readonly string[];
}

export interface Stack {
  readonly redisUrl: string;
  readonly kafkaBrokers: readonly string[];
  /** One line each: what is used, where it listens, where its data is. */
  readonly facts: readonly string[];
  /** Stops what was started, Kafka and Redis side by side, each within about ten seconds. Idempotent. */
  readonly stop: () => Promise<void>;
}

/** One server that is there: how to reach it, what to say of it, how to end it. */
interface Part<Address> {
  readonly address: Address;
  readonly fact: string;
  readonly stop: () => Promise<void>;
}

interface Surrounding {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: Say;
  readonly signal: AbortSignal;
  readonly jvm: readonly string[];
}

/**
 * Gives a Redis and a Kafka that serve. Throws a `StackError` when `dataDir` is in use, when an address that was given
 * does not answer, or when there is no way to have a server here; another Error when a server does not start. Whatever
 * was started by then is stopped.
 */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const { say, env = process.env, jvm = sustainedJvm } = options;
  const dataDir = resolve(options.dataDir);
  const cacheDir = options.cacheDir ?? cacheDirOf(env);
  options.signal?.throwIfAborted();
  const claim = await claimDirectory(dataDir);
  const failure = new AbortController();
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const surrounding: Surrounding = { dataDir, cacheDir, env, say, signal, jvm };

  const failures: unknown[] = [];
  const callOff = (error: unknown): null => {
    failures.push(error);
    failure.abort(error); // the other one need not be finished any more
    return null;
  };
  const parts: (Part<unknown> | null)[] = [];
  try {
    if (options.fresh === true) await forget(surrounding);
    const [seenRedis, seenKafka] = await Promise.all([
      lookForRedis(env, cacheDir, true),
      lookForKafka(env, cacheDir, true),
    ]);
    const [redisChoice, kafkaChoice] = [chooseRedis(seenRedis), chooseKafka(seenKafka)];
    refuseWithoutWays(redisChoice, kafkaChoice);

    const python = seenRedis.python.found ? seenRedis.python.path : null;
    const [redis, kafka] = await Promise.all([
      firstThatWorks('Redis', redisChoice, surrounding, (way) => redisBy(way, surrounding, python)).catch(callOff),
      firstThatWorks('Kafka', kafkaChoice, surrounding, (way) => {
        const maven = seenKafka.maven.found ? seenKafka.maven.path : null;
        const ofKafka = seenKafka.python.found ? seenKafka.python.path : null;
        return kafkaBy(way, surrounding, { python: ofKafka, maven });
      }).catch(callOff),
    ]);
    parts.push(redis, kafka);
    if (redis === null || kafka === null) throw failureOf(failures, options.signal);
    signal.throwIfAborted();

    const stop = once(async () => {
      await stopAll(parts);
      await leave(options, surrounding, claim);
    });
    options.signal?.addEventListener('abort', () => {
      stop().catch((error: unknown) => say(`stack: ${messageOf(error)}`));
    });
    return { redisUrl: redis.address, kafkaBrokers: kafka.address, facts: [redis.fact, kafka.fact], stop };
  } catch (error) {
    await stopAll(parts);
    await leave(options, surrounding, claim);
    throw error;
  }
};

const refuseWithoutWays = (redis: Choice<RedisWay>, kafka: Choice<KafkaWay>): void => {
  const shortages: Shortage[] = [];
  if (redis.ways.length === 0) shortages.push({ server: 'Redis', reasons: redis.closed });
  if (kafka.ways.length === 0) shortages.push({ server: 'Kafka', reasons: kafka.closed });
  if (shortages.length > 0) throw new StackError('unavailable', refusalText(shortages));
};

/** A server cannot be had by any way; several of these become one message. */
class ShortageError extends StackError {
  readonly shortage: Shortage;

  constructor(shortage: Shortage) {
    super('unavailable', refusalText([shortage]));
    this.shortage = shortage;
  }
}

/** The errors that came of themselves, not because the other start had already failed. */
const failureOf = (failures: readonly unknown[], signal: AbortSignal | undefined): unknown => {
  signal?.throwIfAborted();
  const shortages = failures.flatMap((error) => (error instanceof ShortageError ? [error.shortage] : []));
  return shortages.length > 1 ? new StackError('unavailable', refusalText(shortages)) : failures[0];
};

/**
 * Tries the ways in order. What cannot be had (an image, a download), and whatever goes wrong with containers, leads to
 * the next way and is said; a server that is had and does not start is an error that no other way would mend.
 */
const firstThatWorks = async <Way extends RedisWay | KafkaWay, Address>(
  server: 'Redis' | 'Kafka',
  { ways, closed }: Choice<Way>,
  { say, signal }: Surrounding,
  start: (way: Way) => Promise<Part<Address>>,
): Promise<Part<Address>> => {
  const reasons = [...closed];
  for (const way of ways) {
    try {
      const part = await start(way);
      say(part.fact);
      return part;
    } catch (error) {
      const canGoOn = way.way === 'docker' || (error instanceof StackError && error.code === 'unavailable');
      if (signal.aborted || !canGoOn) throw error;
      const text = messageOf(error);
      reasons.push(`${nameOf(way)}: ${text}`);
      const isLast = way === ways.at(-1);
      if (!isLast) say(`${server.toLowerCase()}: going on without ${nameOf(way)}: ${firstLine(text)}`);
    }
  }
  throw new ShortageError({ server, reasons });
};

const nameOf = ({ way }: RedisWay | KafkaWay): string =>
  ({ given: 'the address given', docker: 'Docker', path: 'the program on the PATH', pypi: 'PyPI', java: 'Java' })[way];

const redisBy = async (way: RedisWay, around: Surrounding, python: string | null): Promise<Part<string>> => {
  const { dataDir, say, signal, env } = around;
  if (way.way === 'given') {
    await reachRedis(way.url, around);
    return { address: way.url, fact: `redis: ${withoutCredentials(way.url)}, given by REDIS_URL`, stop: nothing };
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

const kafkaBy = async (
  way: KafkaWay,
  around: Surrounding,
  programs: { readonly python: string | null; readonly maven: string | null },
): Promise<Part<readonly string[]>> => {
  const { dataDir, say, signal, env, jvm } = around;
  if (way.way === 'given') {
    await reachKafka(way.brokers, around);
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

/** Removes what earlier runs left, but not under the feet of a server that is still being ended by its guard. */
const forget = async ({ dataDir, say, signal }: Surrounding): Promise<void> => {
  for (const name of ['redis', 'kafka']) {
    await endLeftover(name, join(dataDir, name), say, signal);
    await rm(join(dataDir, name), { recursive: true, force: true });
  }
  await forgetVolumes(dataDir, say);
};

/** Volumes can only be removed through the engine; without one they stay, named, and are forgotten here. */
const forgetVolumes = async (dataDir: string, say: Say): Promise<void> => {
  const volumes = await notedVolumes(dataDir);
  if (volumes.length > 0) {
    const { removeVolumes } = await import('./containers.ts');
    await removeVolumes(volumes).catch((error: unknown) => {
      const reason = firstLine(messageOf(error));
      say(`docker: these volumes stay behind: ${volumes.join(', ')}: ${reason}`);
    });
  }
  for (const name of ['redis', 'kafka'] as const) await removeContainerNotes(dataDir, name);
};

const leave = async ({ ephemeral }: StackOptions, { dataDir, say }: Surrounding, claim: Claim): Promise<void> => {
  if (ephemeral === true) {
    await forgetVolumes(dataDir, say);
    await rm(dataDir, { recursive: true, force: true });
  }
  await claim.release();
};

const stopAll = async (parts: readonly (Part<unknown> | null)[]): Promise<void> => {
  const results = await Promise.allSettled(parts.map(async (part) => part?.stop()));
  const errors = results.filter((result) => result.status === 'rejected').map(({ reason }): unknown => reason);
  if (errors.length > 0) throw new AggregateError(errors, 'the stack did not stop cleanly');
};

const once = (act: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | null = null;
  return async () => {
    running ??= act();
    return running;
  };
};

const nothing = async (): Promise<void> => {};

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
