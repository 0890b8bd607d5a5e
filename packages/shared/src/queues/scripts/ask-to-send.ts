// Leave to send one batch of a source: a debt bucket in records over the whole fleet, by Redis' clock. What is sent is owed,
// and paid off at the allowed rate; the next batch goes when nothing is owed any more. Owed are records, not time: what
// was sent at a low rate is paid off quickly as soon as the rate rises.
import { luaScript } from '../script-runner.ts';

/**
 * KEYS: throttle, send. ARGV: records, `critical` or `other`, highest and lowest rate in records/s. Answers { granted 0 or 1,
 * wait in ms, allowed rate as text, delay in ms as text }.
 */
export const askToSendScript = luaScript(`
local throttle, send = KEYS[1], KEYS[2]
local records, isCritical = tonumber(ARGV[1]), ARGV[2] == 'critical'
local highest, lowest = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local decided = redis.call('HMGET', throttle, 'rate', 'delay', 'at', 'holds')
local rate, delay = highest, 0
if decided[1] then
  rate, delay = tonumber(decided[1]), tonumber(decided[2])
  -- No lag for a while: it is not known whether the consumers still bear what they bore.
  if now - decided[3] > tonumber(decided[4]) then rate = rate / 2 end
  rate = math.min(highest, math.max(lowest, rate))
end

local kept = redis.call('HMGET', send, 'owed', 'at', 'sent')
-- Up to 50 ms of the rate is made up for when a batch comes a little late; a source that was idle has no more than that.
local least = -0.05 * rate
local owed = least
-- A clock that was set back (another host after a failover) must not stop a source until it has caught up.
local isAhead = false
if kept[2] then
  local at = tonumber(kept[2])
  if at > now then
    isAhead = true
    at = now
  end
  owed = math.max(least, kept[1] - (now - at) * rate / 1000)
end
local sent = tonumber(kept[3] or '0')
if sent > now then
  isAhead = true
  sent = now
end

local wait = 0
if not isCritical then
  if owed > 0 then wait = math.ceil(owed * 1000 / rate) end
  if delay > 0 then wait = math.max(wait, math.ceil(sent + delay - now)) end
end
if wait <= 0 then
  owed = owed + records
  if not isCritical then sent = now end
end
if wait <= 0 or isAhead then
  -- The first write is a delete, of nothing: Redis lets a script pass at maxmemory if it begins with one, and a full Redis
  -- has to be drained.
  redis.call('HDEL', send, '-')
  redis.call('HSET', send, 'owed', string.format('%.6f', owed), 'at', string.format('%.0f', now), 'sent', string.format('%.0f', sent))
end
return { wait <= 0 and 1 or 0, math.max(0, wait), string.format('%.17g', rate), string.format('%.17g', delay) }
`);
