// Leave to send one batch of a source: a debt bucket in records over the whole fleet, by Redis' clock. What is sent is owed,
// and paid off at the allowed rate; the next batch goes when nothing is owed any more. Owed are records, not time: what
// was sent at a low rate is paid off quickly as soon as the rate rises.
// Whoever is refused stands in line: the most urgent first, and of equals who has waited longest. Without it the worker that
// is nearest to Redis would win every time, and what another one holds would never go, whatever its class.
import { luaScript } from '../script-runner.ts';
import { longestAskWaitMs } from '../throttle-store.ts';

/** A place in line is kept so much longer than until its holder asks again, in milliseconds; a worker may die in between. */
const placeHoldsMs = 300;
/** Leave is there, but somebody else's turn: asked again after so many milliseconds. */
const notYourTurnMs = 10;

/**
 * KEYS: throttle, send, send waits. ARGV: records (0: just asks, and changes nothing), class, asker, highest rate in records/s,
 * lowest rate, or `free` when lag slows nothing. Answers { granted 0 or 1, wait in ms, allowed rate as text, delay in ms as text }.
 */
export const askToSendScript = luaScript(`
local throttle, send, waits = KEYS[1], KEYS[2], KEYS[3]
local records, class, asker = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local highest = tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local rate, delay = highest, 0
local decided = redis.call('HMGET', throttle, 'rate', 'delay', 'at', 'holds')
if decided[1] and ARGV[5] ~= 'free' then
  local lowest = tonumber(ARGV[5])
  rate, delay = math.min(highest, math.max(lowest, tonumber(decided[1]))), tonumber(decided[2])
  -- No lag for a while: it is not known whether the consumers still bear what they bore.
  if now - decided[3] > tonumber(decided[4]) then rate = math.max(lowest, rate / 2) end
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

local wait, since, gone = 0, now, {}
if class > 1 then
  if owed > 0 then wait = math.ceil(owed * 1000 / rate) end
  if delay > 0 then wait = math.max(wait, math.ceil(sent + delay - now)) end
  -- The line: asker → class, since when, until when its place is kept.
  local line = redis.call('HGETALL', waits)
  local others = {}
  for i = 1, #line, 2 do
    local place, from, to = string.match(line[i + 1], '^(%d+) (%d+) (%d+)$')
    from, to = tonumber(from), tonumber(to)
    if not place or to < now or from > now then
      gone[#gone + 1] = line[i]
    elseif line[i] == asker then
      since = from
    else
      others[#others + 1] = { class = tonumber(place), since = from }
    end
  end
  if wait <= 0 then
    for _, other in ipairs(others) do
      if other.class < class or (other.class == class and other.since < since) then wait = ${notYourTurnMs} end
    end
  end
end

local isGranted = wait <= 0
local answer = { isGranted and 1 or 0, math.max(0, wait), string.format('%.17g', rate), string.format('%.17g', delay) }
if records == 0 then return answer end
if isGranted then
  owed = owed + records
  if class > 1 then
    sent = now
    gone[#gone + 1] = asker
  end
end
-- The first write is a delete, be it of nothing: Redis lets a script pass at maxmemory if it begins with one, and a full Redis
-- has to be drained.
redis.call('HDEL', waits, '-', unpack(gone))
if isGranted or isAhead then
  redis.call('HSET', send, 'owed', string.format('%.6f', owed), 'at', string.format('%.0f', now), 'sent', string.format('%.0f', sent))
end
if not isGranted then
  local to = now + math.min(wait, ${longestAskWaitMs}) + ${placeHoldsMs}
  redis.call('HSET', waits, asker, string.format('%d %.0f %.0f', class, since, to))
end
return answer
`);
