// One step of a source's throttle: sample number n + 1 in place of what n left behind. Compare-and-set on the number, so
// that one sample is one step, and a sampler that stood still overwrites nothing.
import { luaScript } from '../script-runner.ts';

/**
 * KEYS: throttle, throttle slices, state. ARGV: number that the step was made from, then three lists, each with its length
 * (in strings) before it: fields and values of throttle, slots and values of the slices, fields and values of state; the
 * rest are slots that go. Answers 1 if it was written, 0 if another step was quicker.
 */
export const throttleStepScript = luaScript(`
local throttle, slices, state = KEYS[1], KEYS[2], KEYS[3]
if (redis.call('HGET', throttle, 'sample') or '0') ~= ARGV[1] then return 0 end

local at = 1
local function list()
  local length = tonumber(ARGV[at + 1])
  local items = {}
  for i = 1, length do items[i] = ARGV[at + 1 + i] end
  at = at + 1 + length
  return items
end
local fields, kept, shown = list(), list(), list()

-- The first write is a delete, be it of nothing: Redis lets a script pass at maxmemory if it begins with one, and lag has to
-- be followed while a full Redis is drained. What a step adds is bounded.
redis.call('HDEL', slices, '-', unpack(ARGV, at + 1))

-- Nothing is written that stands there already: most sources are idle most of the time.
local function put(key, items)
  local names, changed = {}, {}
  for i = 1, #items, 2 do names[#names + 1] = items[i] end
  if #names == 0 then return end
  local values = redis.call('HMGET', key, unpack(names))
  for i = 1, #items, 2 do
    if values[(i + 1) / 2] ~= items[i + 1] then
      changed[#changed + 1] = items[i]
      changed[#changed + 1] = items[i + 1]
    end
  end
  if #changed > 0 then redis.call('HSET', key, unpack(changed)) end
end
fields[#fields + 1] = 'sample'
fields[#fields + 1] = string.format('%.0f', tonumber(ARGV[1]) + 1)
put(throttle, fields)
put(slices, kept)
put(state, shown)
return 1
`);
