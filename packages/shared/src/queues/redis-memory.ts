// Whether Redis has memory left for more records. Above `redis.highWater` nothing is admitted and only draining goes on,
// because a Redis at its limit refuses the drain as well. Every process has one of these: whoever is about to admit asks
// it, and Redis is asked (INFO memory) at most once a second, however many ask. A poller admits 60 MB in a second
// (measured), so what this process has admitted since Redis was asked is added to what it said.
import type { Redis } from 'ioredis';
import { messageOf } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Health } from '../ops/health.ts';
import { parseRedisInfo } from './redis.ts';

/** The memory of Redis, as whoever admits sees it. */
export interface RedisMemory {
  /** Why nothing may be admitted now, as a sentence for operators; null = go on. At most a second old; never rejects. */
  high(): Promise<string | null>;
  /** Tells of bytes that this process has just stored. */
  took(bytes: number): void;
  /** Looks no more by itself. Idempotent. */
  stop(): void;
}

/** What it needs. */
export interface RedisMemoryDeps {
  readonly redis: Pick<Redis, 'info'>;
  readonly health: Pick<Health, 'setNote'>;
  readonly metrics: Pick<Metrics, 'redisMemoryUsedRatio' | 'beforeScrape'>;
  readonly logger: Pick<Logger, 'warn' | 'info' | 'debug'>;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
}

/** An answer of Redis counts for this long, in milliseconds; while memory is high it is asked again by itself. */
const validMs = 1_000;

/** What was above the high water is admitted again only this much below it, so that it does not flap with every chunk. */
const slack = 0.02;

/** The share of its memory from which on (`wasHigh`: down to which) Redis takes no more. Pure. */
export const highFrom = (highWater: number, wasHigh: boolean): number => (wasHigh ? highWater - slack : highWater);

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

/** Creates the watch of one process; `highWater` = `redis.highWater`. A Redis that tells no limit is never high. */
export const createRedisMemory = (deps: RedisMemoryDeps, options: { readonly highWater: number }): RedisMemory => {
  const { highWater } = options;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;
  let why: string | null = null;
  // What Redis said last, and what this process has stored since.
  let used = 0;
  let limit = Number.NaN;
  let taken = 0;
  let isStopped = false;
  let undo = (): void => {};

  const reason = (ratio: number): string =>
    `Redis uses ${percent(ratio)} of its memory, and above ${percent(highWater)} (redis.highWater) nothing is admitted: let the queues drain, or give it more memory`;

  const see = (ratio: number): void => {
    const wasHigh = why !== null;
    const isHigh = ratio > highFrom(highWater, wasHigh);
    why = isHigh ? reason(ratio) : null;
    deps.health.setNote('redis', why);
    if (isHigh && !wasHigh) deps.logger.warn({ ratio, highWater }, 'Redis is nearly full: nothing is admitted');
    if (!isHigh && wasHigh) deps.logger.info({ ratio, highWater }, 'Redis has memory again: admission goes on');
  };

  const read = async (): Promise<void> => {
    try {
      const info = await deps.redis.info('memory');
      ({ usedMemory: used, memoryLimit: limit } = parseRedisInfo(info));
      taken = 0;
      const ratio = limit > 0 ? used / limit : Number.NaN;
      if (Number.isFinite(ratio)) deps.metrics.redisMemoryUsedRatio.set(ratio);
      see(ratio);
    } catch (error) {
      // What was known last stays; a Redis that is away is told of elsewhere.
      deps.logger.debug({ error: messageOf(error) }, 'memory of Redis not read');
    }
    readAt = deps.now();
    undo();
    // Nobody may ask for a long time, and the note in /readyz must not outlive what it says.
    undo = why === null || isStopped ? () => {} : deps.after(validMs, () => void high());
  };

  const high = async (): Promise<string | null> => {
    if (deps.now() - readAt >= validMs) {
      reading ??= read().finally(() => {
        reading = null;
      });
      await reading;
    }
    if (why !== null || taken === 0 || !(limit > 0)) return why;
    // A guess is neither logged nor noted: Redis itself is asked within a second.
    const guess = (used + taken) / limit;
    return guess > highWater ? reason(guess) : null;
  };

  deps.metrics.beforeScrape.add(async () => {
    await high();
  });
  return {
    high,
    took: (bytes) => {
      taken += bytes;
    },
    stop: () => {
      isStopped = true;
      undo();
    },
  };
};
