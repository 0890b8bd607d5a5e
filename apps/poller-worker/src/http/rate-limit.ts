// The rate limit of the fleet: at most N requests to one target in any 60 s, whoever sends them, failed ones included.
// The log of a target is one sorted set in Redis, a member per request, scored by the time until which it may have
// reached the provider: first the time of the permit, then (see `settle`) the time of its answer. A request reaches the
// provider between the two, so that no window of the provider's own clock holds more than N, however long the way was.
// A provider's "not before" (Retry-After) stands beside the log and closes the target for everybody.
import { randomUUID } from 'node:crypto';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { rateLimitKey } from '@stream-manager/shared/queues/keys';
import {
  type LuaScript,
  listOf,
  luaScript,
  numberOf,
  runScript,
  type ScriptReply,
} from '@stream-manager/shared/queues/script-runner';
import type { Redis } from 'ioredis';
import { clockArgument } from './redis-clock.ts';

/** Leave to send one request, or when to ask again. */
export type Permit =
  | { readonly granted: true; readonly ticket: string }
  | {
      readonly granted: false;
      /** Milliseconds until the next request of this target is free, as far as is known now. */
      readonly waitMs: number;
      /** `used_up`: our own limit. `closed`: the provider asked for a pause. */
      readonly reason: 'used_up' | 'closed';
    };

/** One limiter serves all targets. Each call is one round trip; all reject with `redis_unreachable` if it fails. */
export interface RateLimit {
  /** Takes one of `limitPerWindow` requests of the target, at once or not at all. */
  acquire(target: string, limitPerWindow: number): Promise<Permit>;
  /** The exchange of this ticket has its answer or has failed: from now on its window runs. */
  settle(target: string, ticket: string): Promise<void>;
  /** Nobody asks this target before `waitMs` are over. A longer pause that stands already is kept. */
  close(target: string, waitMs: number): Promise<void>;
}

export interface RateLimitOptions {
  readonly redis: Redis;
  readonly keyPrefix: string;
  /** Length of the window in milliseconds. Default 60000; tests use less. */
  readonly windowMs?: number;
  /** Virtual time in milliseconds instead of the clock of Redis, for tests only. */
  readonly nowMs?: () => number;
}

/**
 * Added to the window: a provider that counts whole milliseconds, both ends included, must not find N + 1 either. It
 * costs 0.2 % of the limit.
 */
const edgeMs = 100;

// As `clockLua`, but with the microseconds, which scores keep.
const clock = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end`;

// KEYS: log, closed · ARGV: now, window, limit, ticket → { granted (1 or 0), wait in ms, closed (1 or 0) }
const acquireScript = luaScript(`${clock}
local window, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local closed = tonumber(redis.call('GET', KEYS[2]) or '0')
if closed > now then return { 0, math.ceil(closed - now), 1 } end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.3f', now - window))
local count = redis.call('ZCARD', KEYS[1])
if count < limit then
  redis.call('ZADD', KEYS[1], string.format('%.3f', now), ARGV[4])
  redis.call('PEXPIRE', KEYS[1], 2 * window)
  return { 1, 0, 0 }
end
local last = redis.call('ZRANGE', KEYS[1], count - limit, count - limit, 'WITHSCORES')
return { 0, math.max(1, math.min(window, math.ceil(last[2] + window - now))), 0 }`);

// KEYS: log · ARGV: now, window, ticket
const settleScript = luaScript(`${clock}
redis.call('ZADD', KEYS[1], string.format('%.3f', now), ARGV[3])
redis.call('PEXPIRE', KEYS[1], 2 * tonumber(ARGV[2]))`);

// KEYS: closed · ARGV: now, wait
const closeScript = luaScript(`${clock}
local till = now + tonumber(ARGV[2])
if till > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], string.format('%.3f', till), 'PX', math.max(1, math.ceil(tonumber(ARGV[2]))))
end`);

/** Creates the limiter of this process. */
export const createRateLimit = (options: RateLimitOptions): RateLimit => {
  const { redis, keyPrefix } = options;
  const windowMs = (options.windowMs ?? 60_000) + edgeMs;
  const instance = randomUUID();
  let tickets = 0;
  const now = (): string => clockArgument(options.nowMs);
  const log = (target: string): string => rateLimitKey(keyPrefix, target);
  const closed = (target: string): string => `${log(target)}:closed`;

  const run = async (
    script: LuaScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<ScriptReply> => {
    try {
      return await runScript(redis, script, keys, args);
    } catch (cause) {
      throw new StreamManagerError(
        'redis_unreachable',
        'the rate limit cannot be read: no request is sent without it',
        {
          cause,
        },
      );
    }
  };

  return {
    acquire: async (target, limitPerWindow) => {
      tickets += 1;
      const ticket = `${instance}:${tickets}`;
      const answer = await run(acquireScript, [log(target), closed(target)], [now(), windowMs, limitPerWindow, ticket]);
      const [granted = 0, waitMs = 0, isClosed = 0] = listOf(answer).map(numberOf);
      if (granted === 1) return { granted: true, ticket };
      return { granted: false, waitMs, reason: isClosed === 1 ? 'closed' : 'used_up' };
    },
    settle: async (target, ticket) => {
      await run(settleScript, [log(target)], [now(), windowMs, ticket]);
    },
    close: async (target, waitMs) => {
      if (waitMs > 0) await run(closeScript, [closed(target)], [now(), waitMs]);
    },
  };
};
