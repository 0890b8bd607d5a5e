// The response cache in Redis (layout: queues/keys.ts). Each step is one script: looking and taking the lead are one, so of
// any number of askers one leads; storing makes room by dropping the answers that were asked for longest ago.
import { randomUUID } from 'node:crypto';
import { answerCacheKeys } from '@stream-manager/shared/queues/keys';
import { listOf, luaScript, numberOf, runScript, textOf } from '@stream-manager/shared/queues/script-runner';
import type { Redis } from 'ioredis';
import type { AnswerCache, AnswerFacts, Leftover } from './answer-cache.ts';
import { clockArgument, clockLua } from './redis-clock.ts';

export interface RedisAnswerCacheOptions {
  readonly redis: Redis;
  readonly keyPrefix: string;
  /** What all answers may take together, in bytes (`polling.cacheMaxBytes`). */
  readonly maxBytes: number;
  /** How long the lead of a process that was killed stands, in milliseconds. Default 5000. */
  readonly leadMs?: number;
  /** Virtual time in milliseconds instead of the clock of Redis, for tests only; expiry in Redis stays real. */
  readonly nowMs?: () => number;
}

/** What an answer takes beside its body and facts, in bytes, about. */
const overheadBytes = 512;

// KEYS: entry, lock · ARGV: now, max age, known, token, lead (ms)
const takeScript = luaScript(`${clockLua}
local entry = redis.call('HMGET', KEYS[1], 'at', 'kind', 'answer', 'meta')
local at = tonumber(entry[1] or '')
if at and now >= at and now - at < tonumber(ARGV[2]) then
  if entry[3] == ARGV[3] then return { 'known', entry[4] } end
  if entry[2] == 'answer' then return { 'answer', entry[3], entry[4], redis.call('HGET', KEYS[1], 'body') } end
  if entry[2] == 'alone' then return { 'alone' } end
end
if redis.call('SET', KEYS[2], ARGV[4], 'NX', 'PX', ARGV[5]) then return { 'lead', now } end
return { 'held' }`);

// KEYS: lock · ARGV: token, lead (ms; 0: give it back)
const leadScript = luaScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > 0 then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('DEL', KEYS[1])`);

// KEYS: entry, lock, ages, ends, sizes · ARGV: now, token, request, at, ttl, kind, answer, meta, body, bytes, most, entry prefix
// → 1 if it was stored
const storeScript = luaScript(`${clockLua}
local entry, lock, ages, ends, sizes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local request, at, bytes, most = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[10]), tonumber(ARGV[11])
if redis.call('GET', lock) == ARGV[2] then redis.call('DEL', lock) end
local left = math.floor(at + tonumber(ARGV[5]) - now)
local there = tonumber(redis.call('HGET', entry, 'at') or '')
-- One that is newer stays; one that claims to be of the future is of a clock that was set back.
if left <= 0 or bytes > most or (there and there > at and there <= now) then return 0 end

-- The provider has just said that the answer which lies here is the one it would give.
if ARGV[6] == 'unchanged' and redis.call('HGET', entry, 'answer') == ARGV[7] then
  left = math.max(left, redis.call('PTTL', entry))
  redis.call('HSET', entry, 'at', ARGV[4])
  redis.call('PEXPIRE', entry, left)
  redis.call('ZADD', ages, at, request)
  redis.call('ZADD', ends, now + left, request)
  return 0
end

local function drop(name)
  local size = tonumber(redis.call('HGET', sizes, name) or '0')
  redis.call('HDEL', sizes, name)
  redis.call('ZREM', ages, name)
  redis.call('ZREM', ends, name)
  redis.call('DEL', ARGV[12] .. name)
  redis.call('HINCRBY', sizes, '.total', -size)
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000)) do drop(name) end
drop(request)
while tonumber(redis.call('HGET', sizes, '.total')) + bytes > most do
  local oldest = redis.call('ZRANGE', ages, 0, 0)[1]
  if not oldest then
    redis.call('DEL', sizes)
    break
  end
  drop(oldest)
end
redis.call('HSET', entry, 'at', ARGV[4], 'kind', ARGV[6], 'answer', ARGV[7], 'meta', ARGV[8], 'body', ARGV[9])
redis.call('PEXPIRE', entry, left)
redis.call('ZADD', ages, at, request)
redis.call('ZADD', ends, now + left, request)
redis.call('HSET', sizes, request, bytes)
redis.call('HINCRBY', sizes, '.total', bytes)
-- The books live a little longer than the longest answer in them.
local keep = math.max(left, redis.call('PTTL', sizes)) + 1000
for index = 3, 5 do redis.call('PEXPIRE', KEYS[index], keep) end
return 1`);

/** Creates the cache on a shared connection. */
export const createRedisAnswerCache = (options: RedisAnswerCacheOptions): AnswerCache => {
  const { redis, keyPrefix, maxBytes, leadMs = 5_000 } = options;
  const keys = answerCacheKeys(keyPrefix);
  const now = (): string => clockArgument(options.nowMs);

  return {
    renewMs: Math.ceil(leadMs / 4),
    take: async (request, { maxAgeMs, known }) => {
      const token = randomUUID();
      const args = [now(), maxAgeMs, known ?? '', token, leadMs];
      const reply = listOf(await runScript(redis, takeScript, [keys.entry(request), keys.lock(request)], args));
      const kind = textOf(reply[0]);
      if (kind === 'known') return { kind, facts: factsOf(textOf(reply[1])) };
      if (kind === 'answer') {
        const body = reply[3];
        if (!Buffer.isBuffer(body)) throw new TypeError('the response cache holds an answer without a body');
        return { kind, stored: { answer: textOf(reply[1]), facts: factsOf(textOf(reply[2])), body } };
      }
      if (kind === 'lead') return { kind, lead: { token, atMs: numberOf(reply[1]) } };
      return kind === 'alone' ? { kind } : { kind: 'held' };
    },
    renew: async (request, { token }) => {
      await runScript(redis, leadScript, [keys.lock(request)], [token, leadMs]);
    },
    release: async (request, { token }) => {
      await runScript(redis, leadScript, [keys.lock(request)], [token, 0]);
    },
    forget: async (requests) => {
      // Its bytes are given back when it would have expired, or when it is replaced.
      if (requests.length > 0) await redis.del(...requests.map(keys.entry));
    },
    store: async (request, { token, atMs }, ttlMs, leftover) => {
      const full = entryOf(leftover);
      // What would not fit beside nothing else is only known of.
      const { kind, answer, meta, body, bytes } = full.bytes > maxBytes ? withoutBody(full) : full;
      const reply = await runScript(
        redis,
        storeScript,
        [keys.entry(request), keys.lock(request), keys.ages, keys.ends, keys.sizes],
        [now(), token, request, atMs, ttlMs, kind, answer, meta, body, bytes, maxBytes, keys.entryPrefix],
      );
      return reply === 1 ? bytes : 0;
    },
  };
};

/** A leftover as it lies in Redis. */
interface Entry {
  readonly kind: Leftover['kind'];
  readonly answer: string;
  readonly meta: string;
  readonly body: Buffer;
  /** What it takes, about. */
  readonly bytes: number;
}

const noBody = Buffer.alloc(0);

const entryOf = (leftover: Leftover): Entry => {
  const { kind } = leftover;
  const { answer, facts, body } = kind === 'answer' ? leftover.stored : { ...leftover, body: noBody };
  const meta = JSON.stringify(facts);
  return { kind, answer, meta, body, bytes: overheadBytes + Buffer.byteLength(meta) + body.length };
};

const withoutBody = (entry: Entry): Entry => ({
  ...entry,
  kind: 'alone',
  body: noBody,
  bytes: entry.bytes - entry.body.length,
});

// Written by `store`.
const factsOf = (meta: string): AnswerFacts => JSON.parse(meta) as AnswerFacts;
