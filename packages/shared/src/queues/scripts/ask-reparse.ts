// Decides whether a row may be given to the pollers again: whoever replays a hundred thousand rows must not lay them all into
// queue `poll` a second time while no poller runs. Who was asked for lies in a sorted set (job id → time of the asking);
// what was parsed meanwhile leaves it when there is no room, a few at a time, so that a call stays short.
import { luaScript } from '../script-runner.ts';

/** Entries of a full set that a call looks at. */
const lookedAt = 10;
/** A worker that was told to ask has added its job after this many milliseconds, or never will. */
const addedWithinMs = 1_000;

/**
 * KEYS: the source's set, the job, BullMQ's failed. ARGV: job id, job key prefix, most entries, ms that the set outlives its
 * last use. Answers { ask }: there is room, and it is taken · { asked, for how many ms } · { failed, why } · { full }.
 */
export const askReparseScript = luaScript(`
local set, job, failed, id = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local most, ttl = tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('PEXPIRE', set, ttl)
local since = redis.call('ZSCORE', set, id)

if redis.call('EXISTS', job) == 1 then
  if redis.call('ZSCORE', failed, id) then return { 'failed', redis.call('HGET', job, 'failedReason') or '' } end
  if since then return { 'asked', math.max(0, now - tonumber(since)) } end
elseif not since and redis.call('ZCARD', set) >= most then
  for _, other in ipairs(redis.call('ZRANDMEMBER', set, ${lookedAt})) do
    local gone = redis.call('EXISTS', ARGV[2] .. other) == 0
    if gone and now - tonumber(redis.call('ZSCORE', set, other)) <= ${addedWithinMs} then gone = false end
    if gone or redis.call('ZSCORE', failed, other) then redis.call('ZREM', set, other) end
  end
  if redis.call('ZCARD', set) >= most then return { 'full' } end
end
redis.call('ZADD', set, now, id)
redis.call('PEXPIRE', set, ttl)
return { 'ask' }
`);
