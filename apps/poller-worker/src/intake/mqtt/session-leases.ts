// Who of the fleet holds which sessions of a source. A session lives at the broker and waits there for whoever connects
// under its name, so every one of them has to be somebody's: each worker tells in Redis that it is there, holds its fair
// share of the sessions, and takes those of a worker that was killed when its leases are over. Times are Redis' own.
import { listOf, luaScript, numberOf, runScript } from '@stream-manager/shared/queues/script-runner';
import type { Redis } from 'ioredis';

/** What a round gave. */
export interface LeaseRound {
  /** Sessions that this worker holds, lowest first. */
  readonly held: readonly number[];
  /** How many it should hold: it lets go of the rest, the highest first. */
  readonly share: number;
}

/** The leases of one source, as one worker sees them. */
export interface SessionLeases {
  /** Says that the worker is there, renews what it holds, and takes what is free up to its share. Of `sessions` in all. */
  renew(sessions: readonly number[]): Promise<LeaseRound>;
  /** Lets sessions go; others may take them at once. `leaves`: the worker takes no part any more. */
  release(sessions: readonly number[], leaves: boolean): Promise<void>;
}

/** A worker that was killed is missed after this many milliseconds; one that lives renews five times as often. */
export const leaseMs = 10_000;
export const renewalMs = 2_000;

// KEYS: members (zset: instance → expiry ms), leases (hash: session → `<expiry ms> <instance>`)
// ARGV: instance, life of a lease (ms), session numbers…
// → share, held sessions…
//
// The share of a member is by its rank, so that all shares together are all sessions, and every member computes the same.
const renewScript = luaScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local me, life = ARGV[1], tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + life, me)
redis.call('PEXPIRE', KEYS[1], life * 2)
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(members)
local rank = 0
for i, member in ipairs(members) do if member == me then rank = i end end
local sessions = #ARGV - 2
local share = math.floor(sessions / #members)
if rank <= sessions % #members then share = share + 1 end
local held, free = {}, {}
for i = 3, #ARGV do
  local lease = redis.call('HGET', KEYS[2], ARGV[i])
  local expiry, owner = 0, ''
  if lease then
    local space = string.find(lease, ' ', 1, true)
    expiry = tonumber(string.sub(lease, 1, space - 1))
    owner = string.sub(lease, space + 1)
  end
  if owner == me then held[#held + 1] = ARGV[i]
  elseif expiry <= now then free[#free + 1] = ARGV[i] end
end
for _, session in ipairs(free) do
  if #held >= share then break end
  held[#held + 1] = session
end
for _, session in ipairs(held) do redis.call('HSET', KEYS[2], session, string.format('%.0f', now + life) .. ' ' .. me) end
if #held > 0 then redis.call('PEXPIRE', KEYS[2], life * 2) end
local answer = { share }
for _, session in ipairs(held) do answer[#answer + 1] = tonumber(session) end
return answer`);

// KEYS: as above · ARGV: instance, 1 = leaves the fleet, session numbers…
const releaseScript = luaScript(`
local me = ARGV[1]
if ARGV[2] == '1' then redis.call('ZREM', KEYS[1], me) end
for i = 3, #ARGV do
  local lease = redis.call('HGET', KEYS[2], ARGV[i])
  if lease and string.sub(lease, string.find(lease, ' ', 1, true) + 1) == me then redis.call('HDEL', KEYS[2], ARGV[i]) end
end
return 0`);

/** Creates the leases of one source for one worker. */
export const createSessionLeases = (
  redis: Redis,
  options: { readonly members: string; readonly leases: string; readonly instance: string; readonly leaseMs?: number },
): SessionLeases => {
  const keys = [options.members, options.leases];
  const life = options.leaseMs ?? leaseMs;
  return {
    renew: async (sessions) => {
      const reply = listOf(await runScript(redis, renewScript, keys, [options.instance, life, ...sessions]));
      const [share = 0, ...held] = reply.map((part) => numberOf(part));
      return { share, held: held.sort((one, other) => one - other) };
    },
    release: async (sessions, leaves) => {
      await runScript(redis, releaseScript, keys, [options.instance, leaves ? 1 : 0, ...sessions]);
    },
  };
};
