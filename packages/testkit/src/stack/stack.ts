// The real Redis and the real Kafka that `npm start`, the tests and the benchmark run on, whatever the machine has:
// addresses that are given, else containers, else local servers whose programs come from the PATH or from PyPI
// (see choose-ways.ts). Both are found and started side by side, each on its own way.
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
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
import { claimDirectory } from './claim-directory.ts';
import { firstThatWorks, ShortageError } from './first-that-works.ts';
import { forgetState, forgetVolumes } from './forget-state.ts';
import { sustainedJvm } from './kafka-broker.ts';
import { lookForKafka, lookForRedis } from './look-around.ts';
import { cacheDirOf } from './places.ts';
import type { Say } from './progress.ts';
import { kafkaBy, type Part, redisBy, type Surrounding } from './server-by-way.ts';
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
  /** How long an address that is given may take to answer. Default 30000. */
  readonly reachTimeoutMs?: number;
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

/**
 * Gives a Redis and a Kafka that serve. Throws a `StackError` when `dataDir` is in use, when an address that was given
 * does not answer, or when there is no way to have a server here; another Error when a server does not start. Whatever
 * was started by then is stopped.
 */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const { say, env = process.env, jvm = sustainedJvm, reachTimeoutMs = 30_000 } = options;
  const dataDir = resolve(options.dataDir);
  const cacheDir = options.cacheDir ?? cacheDirOf(env);
  options.signal?.throwIfAborted();
  const claim = await claimDirectory(dataDir);
  const failure = new AbortController();
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const surrounding: Surrounding = { dataDir, cacheDir, env, say, signal, jvm, reachTimeoutMs };

  const failures: unknown[] = [];
  const callOff = (error: unknown): null => {
    failures.push(error);
    // What cannot be had or reached is told of both servers at once, and what the other one downloads is kept; but a server
    // that broke is not waited for by the other.
    if (!(error instanceof StackError)) failure.abort(error);
    return null;
  };
  const parts: (Part<unknown> | null)[] = [];
  const end = async (): Promise<void> => {
    try {
      await stopAll(parts);
    } finally {
      if (options.ephemeral === true) {
        await forgetVolumes(dataDir, say);
        await rm(dataDir, { recursive: true, force: true });
      }
      await claim.release();
    }
  };
  try {
    if (options.fresh === true) await forgetState(dataDir, say, signal);
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
    if (redis === null || kafka === null) {
      options.signal?.throwIfAborted();
      throw failureOf(failures);
    }
    signal.throwIfAborted();

    const stop = once(end);
    options.signal?.addEventListener('abort', () => {
      stop().catch((error: unknown) => say(`stack: ${messageOf(error)}`));
    });
    return { redisUrl: redis.address, kafkaBrokers: kafka.address, facts: [redis.fact, kafka.fact], stop };
  } catch (error) {
    await end();
    throw error;
  }
};

const refuseWithoutWays = (redis: Choice<RedisWay>, kafka: Choice<KafkaWay>): void => {
  const shortages: Shortage[] = [];
  if (redis.ways.length === 0) shortages.push({ server: 'Redis', reasons: redis.closed });
  if (kafka.ways.length === 0) shortages.push({ server: 'Kafka', reasons: kafka.closed });
  if (shortages.length > 0) throw new StackError('unavailable', refusalText(shortages));
};

/** One error of what went wrong: a server that broke before what was refused, refusals of both servers together. */
const failureOf = (failures: readonly unknown[]): unknown => {
  const refusals = [...new Set(failures)].filter((error) => error instanceof StackError);
  const shortages = refusals.flatMap((error) => (error instanceof ShortageError ? [error.shortage] : []));
  const [first, second] = refusals;
  const broken = failures.find((error) => !(error instanceof StackError));
  if (broken !== undefined || first === undefined || second === undefined) return broken ?? first;
  if (shortages.length === 2) return new StackError('unavailable', refusalText(shortages));
  return new StackError(first.code, `${first.message}\n${second.message}`);
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
