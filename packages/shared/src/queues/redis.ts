// Connections to Redis. One shared client for commands and queues, and the check that this Redis keeps what it is given.
import { Redis } from 'ioredis';
import { messageOf, StreamManagerError } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';

export { Redis } from 'ioredis';

/** Creates a client that reconnects for ever (at most 3 s between tries) and never gives a command up by itself. */
export const createRedis = (
  url: string,
  options: {
    readonly name: string;
    readonly logger: Logger;
    /** Time between two looks whether Redis still answers, in milliseconds. Default 5000; four without an answer are enough. */
    readonly pingIntervalMs?: number;
  },
): Redis => {
  const redis = new Redis(url, {
    // BullMQ demands null: a command waits for the reconnection instead of failing.
    maxRetriesPerRequest: null,
    connectionName: options.name,
    enableReadyCheck: true,
    lazyConnect: true,
    connectTimeout: 10_000,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 5), 3000),
  });
  let reported = '';
  redis.on('error', (error: Error) => {
    // One line per kind of trouble, not one per attempt.
    if (error.message === reported) return;
    reported = error.message;
    options.logger.warn({ error: error.message }, 'redis connection failed');
  });
  redis.on('ready', () => {
    if (reported !== '') options.logger.info('redis connection is back');
    reported = '';
  });
  watchSilence(redis, options.logger, options.pingIntervalMs ?? defaultPingIntervalMs);
  return redis;
};

const defaultPingIntervalMs = 5_000;
/** A ping without an answer for so many looks: the other end has vanished without a word. */
const silentLooks = 4;

/**
 * Gives up a connection on which nothing comes back any more; commands go out again on a new one. Counted in looks, not by
 * the clock: a process that was itself frozen has not looked. (ioredis' own `socketTimeout` is no help: it is inherited by the
 * blocking connections of BullMQ, which reconnect by themselves, and its timer then ends the new connection: workers stood
 * still for good after a silence of 20 s (m).)
 */
const watchSilence = (redis: Redis, logger: Pick<Logger, 'warn'>, pingIntervalMs: number): void => {
  let unanswered = 0;
  const look = (): void => {
    if (redis.status !== 'ready') {
      unanswered = 0;
      return;
    }
    unanswered += 1;
    if (unanswered > silentLooks) {
      unanswered = 0;
      logger.warn({ silentMs: silentLooks * pingIntervalMs }, 'redis does not answer; connecting anew');
      redis.disconnect(true);
      return;
    }
    // A later answer than to the first ping is as good.
    redis.ping().then(
      () => {
        unanswered = 0;
      },
      () => {
        // Refused or closed: other handlers tell.
      },
    );
  };
  const timer = setInterval(look, pingIntervalMs);
  timer.unref();
  redis.once('end', () => clearInterval(timer));
};

/** What INFO says of a Redis, as far as it concerns whether records are safe there. */
export interface RedisFacts {
  readonly version: string;
  readonly maxmemoryPolicy: string;
  readonly aofEnabled: boolean;
  readonly usedMemory: number;
  /** `maxmemory`, or the machine's memory if that is 0. */
  readonly memoryLimit: number;
}

const infoField = (info: string, name: string): string =>
  info
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim() ?? '';

/** Reads the facts from an INFO answer. */
export const parseRedisInfo = (info: string): RedisFacts => {
  const maxmemory = Number(infoField(info, 'maxmemory'));
  return {
    version: infoField(info, 'redis_version'),
    maxmemoryPolicy: infoField(info, 'maxmemory_policy'),
    aofEnabled: infoField(info, 'aof_enabled') === '1',
    usedMemory: Number(infoField(info, 'used_memory')),
    memoryLimit: maxmemory > 0 ? maxmemory : Number(infoField(info, 'total_system_memory')),
  };
};

/** What makes a Redis unsafe for records, in words an operator can act on; empty = safe. */
export const redisFaults = (facts: RedisFacts): readonly string[] => {
  const faults: string[] = [];
  const [major = 0, minor = 0] = facts.version.split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2))
    faults.push(`version ${facts.version || 'unknown'} is older than 6.2: upgrade Redis`);
  if (facts.maxmemoryPolicy !== 'noeviction')
    faults.push(
      `maxmemory-policy is "${facts.maxmemoryPolicy}": set it to noeviction, or Redis throws queued records away`,
    );
  if (!facts.aofEnabled)
    faults.push('the append-only file is off: set appendonly yes, or a restart loses queued records');
  return faults;
};

/** How long an unreachable Redis is tried at start, in milliseconds. */
const connectDeadlineMs = 30_000;

/**
 * Waits for Redis (at most 30 s; LOADING counts as coming) and checks it. Throws `redis_unreachable` or, unless
 * `allowUnsafe`, `redis_unsafe`; returns the warnings otherwise.
 */
export const checkRedis = async (
  redis: Redis,
  options: {
    readonly url: string;
    readonly allowUnsafe: boolean;
    readonly signal: AbortSignal;
    readonly deadlineMs?: number;
  },
): Promise<readonly string[]> => {
  const address = safeAddress(options.url);
  const deadlineMs = options.deadlineMs ?? connectDeadlineMs;
  let timer: NodeJS.Timeout | undefined;
  let lastError: unknown;
  const remember = (error: unknown): void => {
    lastError = error;
  };
  redis.on('error', remember);
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const why = lastError === undefined ? '' : ` (${messageOf(lastError)})`;
      reject(
        new StreamManagerError(
          'redis_unreachable',
          `Redis at ${address} did not answer within ${deadlineMs / 1000} s${why}. Start it, or set REDIS_URL or redis.url to where it is.`,
        ),
      );
    }, deadlineMs);
    options.signal.addEventListener(
      'abort',
      () => reject(new StreamManagerError('stopped', 'stopped while waiting for Redis')),
      {
        once: true,
      },
    );
  });
  try {
    // connect() rejects on the first failure although the client goes on trying: INFO waits for whichever try succeeds.
    if (redis.status === 'wait') redis.connect().catch(remember);
    const facts = parseRedisInfo(await Promise.race([readInfo(redis, address), timeout]));
    const faults = redisFaults(facts);
    if (faults.length > 0 && !options.allowUnsafe) {
      throw new StreamManagerError(
        'redis_unsafe',
        `Redis at ${address} would lose records: ${faults.join('; ')}. (redis.allowUnsafe: true starts all the same.)`,
      );
    }
    return faults;
  } finally {
    clearTimeout(timer);
    redis.removeListener('error', remember);
  }
};

/** Asks for INFO; a Redis that answers with a refusal (user, password, rights) is not waited for. */
const readInfo = async (redis: Redis, address: string): Promise<string> => {
  try {
    return await redis.info();
  } catch (error) {
    throw new StreamManagerError(
      'redis_refused',
      `Redis at ${address} refuses us: ${messageOf(error)}. Check user and password in REDIS_URL (redis://user:password@host:6379) and that this user may run all commands.`,
      { cause: error },
    );
  }
};

/** Host and port of a Redis URL, without user and password. */
export const safeAddress = (url: string): string => {
  try {
    const { host } = new URL(url);
    return host === '' ? 'the configured address' : host;
  } catch {
    return 'the configured address';
  }
};
