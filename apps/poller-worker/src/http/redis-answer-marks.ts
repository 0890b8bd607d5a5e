// The marks of a source in Redis: a hash with a field per request, and the order in which they were written. Times are by
// Redis' clock. A field holds `<state> <at> <early> <rest>`: state `h` (handed out; rest: ticket) or `u` (used up; rest: JSON);
// at: when it was handed out (ms); early: how often ids were forgotten before their time until then.
import { randomUUID } from 'node:crypto';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { type LuaScript, luaScript, runScript, type ScriptReply } from '@stream-manager/shared/queues/script-runner';
import type { Redis } from 'ioredis';
import type { AnswerMarks, UsedUp } from './answer-marks.ts';
import { clockArgument, clockLua } from './redis-clock.ts';

/** Requests that a source remembers; those whose answer was handed out longest ago are forgotten first. */
const mostMarks = 5_000;

// KEYS: marks, seen · ARGV: now, request, max age → JSON of what is used up, or nil
const readScript = luaScript(`${clockLua}
local mark = redis.call('HGET', KEYS[1], ARGV[2])
if not mark then return nil end
local state, at, early, rest = string.match(mark, '^(%a) (%d+) (%d+) (.*)$')
if state ~= 'u' then return nil end
local age = now - tonumber(at)
-- Below 0 the clock was set back, and nobody knows how old it is.
if age < 0 or age > tonumber(ARGV[3]) then return nil end
if early ~= (redis.call('HGET', KEYS[2], 'early') or '0') then return nil end
return rest`);

// KEYS: marks, mark ages, seen · ARGV: now, request, ticket, keep (ms), most
// Begins with a delete, so that it passes in a full Redis.
const handOutScript = luaScript(`${clockLua}
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
local early = redis.call('HGET', KEYS[3], 'early') or '0'
redis.call('HSET', KEYS[1], ARGV[2], string.format('h %d %s %s', now, early, ARGV[3]))
redis.call('ZADD', KEYS[2], now, ARGV[2])
local keep = tonumber(ARGV[4])
local function forget(names)
  for _, name in ipairs(names) do
    redis.call('HDEL', KEYS[1], name)
    redis.call('ZREM', KEYS[2], name)
  end
end
forget(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - keep, 'LIMIT', 0, 1000))
local above = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
if above > 0 then forget(redis.call('ZRANGE', KEYS[2], 0, above - 1)) end
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)`);

// KEYS: marks · ARGV: request, ticket, JSON of what is used up
const useUpScript = luaScript(`
local mark = redis.call('HGET', KEYS[1], ARGV[1])
if not mark then return 0 end
local state, at, early, ticket = string.match(mark, '^(%a) (%d+) (%d+) (.*)$')
if state ~= 'h' or ticket ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 'u ' .. at .. ' ' .. early .. ' ' .. ARGV[3])
return 1`);

/** Creates the marks on a shared connection. */
export const createRedisAnswerMarks = (deps: {
  readonly redis: Redis;
  readonly keyPrefix: string;
  /** Virtual time in milliseconds instead of the clock of Redis, for tests only. */
  readonly nowMs?: () => number;
}): AnswerMarks => {
  const { redis, keyPrefix } = deps;
  const now = (): string => clockArgument(deps.nowMs);
  const run = async (
    script: LuaScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<ScriptReply> => {
    try {
      return await runScript(redis, script, keys, args);
    } catch (cause) {
      const message = 'what is known of earlier answers cannot be read or written: no answer is used without it';
      throw new StreamManagerError('redis_unreachable', message, { cause });
    }
  };

  return {
    read: async (sourceId, request, maxAgeMs) => {
      const { marks, seen } = sourceKeys(keyPrefix, sourceId);
      const reply = await run(readScript, [marks, seen], [now(), request, maxAgeMs]);
      // Written by `useUp`.
      return Buffer.isBuffer(reply) ? (JSON.parse(reply.toString('utf8')) as UsedUp) : null;
    },
    handOut: async (sourceId, request, keepMs) => {
      const { marks, markAges, seen } = sourceKeys(keyPrefix, sourceId);
      const ticket = randomUUID();
      await run(handOutScript, [marks, markAges, seen], [now(), request, ticket, Math.ceil(keepMs), mostMarks]);
      return ticket;
    },
    useUp: async (sourceId, request, ticket, { answer, etag, lastModified }) => {
      const { marks } = sourceKeys(keyPrefix, sourceId);
      const kept = JSON.stringify({ answer, etag, lastModified });
      await run(useUpScript, [marks], [request, ticket, kept]);
    },
  };
};
