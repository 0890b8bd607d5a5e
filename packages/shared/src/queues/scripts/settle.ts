// Settles a chunk after Kafka's answer: removes it and gives its room back, or marks the acknowledged records as done.
// Settles commute and may be repeated: only records that were not done before count.
import { luaScript } from '../script-runner.ts';

/**
 * KEYS: chunk, index, count, totals. ARGV: chunk id, `all` or `some`, bitmap of the records done now, records published.
 * Answers { gone } · { freed, records } · { left, records }.
 */
export const settleScript = luaScript(`
local chunk, index, count, totals = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local state = redis.call('HMGET', chunk, 'rem', 'p', 'n', 'bits')
if not state[1] then return { 'gone' } end
local remaining, class, records = tonumber(state[1]), tonumber(state[2]), tonumber(state[3])

local function ones(byte)
  local set = 0
  while byte > 0 do
    byte = bit.band(byte, byte - 1)
    set = set + 1
  end
  return set
end

local newly, merged = remaining, nil
if ARGV[2] == 'some' then
  newly, merged = 0, {}
  local old, now = state[4] or '', ARGV[3]
  local length = math.ceil(records / 8)
  for i = 1, length do
    local before, after = string.byte(old, i) or 0, string.byte(now, i) or 0
    -- Bits behind the last record mean nothing.
    if i == length and records % 8 > 0 then after = bit.band(after, 256 - 2 ^ (8 - records % 8)) end
    local both = bit.bor(before, after)
    newly = newly + ones(both) - ones(before)
    merged[i] = string.char(both)
  end
end
local published = math.min(tonumber(ARGV[4]), newly)

-- The first write is a delete: Redis lets a script pass at maxmemory if it begins with one. Room is made by settling.
if newly == remaining then
  redis.call('UNLINK', chunk)
  redis.call('ZREM', index, ARGV[1])
elseif newly == 0 then
  return { 'left', remaining }
else
  redis.call('HDEL', chunk, 'bits')
  redis.call('HSET', chunk, 'bits', table.concat(merged), 'rem', remaining - newly)
end
redis.call('HINCRBY', count, 'total', -newly)
redis.call('HINCRBY', count, class, -newly)
if published > 0 then redis.call('HINCRBY', totals, 'published', published) end
if newly == remaining then return { 'freed', newly } end
return { 'left', remaining - newly }
`);
