// Finds waiting chunks that have waited so long that their job should stand in a higher class than it does. One bounded
// page a call; only reads. Only what differs from its target is named: repeating a change moves a job to the tail of its
// class (BullMQ gives it a new place), and a chunk that is moved again and again would never be served.
import { luaScript } from '../script-runner.ts';
import { classWidth } from './eviction.ts';

/** Score of a job in BullMQ's `prioritized` = priority × this, plus a counter below it. */
const priorityScale = 2 ** 32;

/** The highest class that a chunk rises to. */
const highestTarget = 2;

/**
 * KEYS: index, then BullMQ's prioritized and delayed. ARGV: chunk key prefix, job key prefix, ms after which a chunk rises
 * by one class, from score, limit.
 * Answers { { job id, target class, … }, next score or -1, entries looked at }.
 */
export const agedChunksScript = luaScript(`
local index, prioritized, delayed = KEYS[1], KEYS[2], KEYS[3]
local chunk_prefix, job_prefix, ageing = ARGV[1], ARGV[2], tonumber(ARGV[3])
local cursor, limit = tonumber(ARGV[4]), tonumber(ARGV[5])
local budget = limit
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The class in which BullMQ has the job, or would put it when it comes back to wait; nil: leave it alone. A job whose holder
-- is dead is left alone: it goes before all others, once, and to change it then would take that away.
local function class_of(job)
  local score = redis.call('ZSCORE', prioritized, job)
  if score then return math.floor(tonumber(score) / ${priorityScale}) end
  if redis.call('EXISTS', job_prefix .. job .. ':lock') == 1 or redis.call('ZSCORE', delayed, job) then
    return tonumber(redis.call('HGET', job_prefix .. job, 'priority') or nil)
  end
  return nil
end

local aged = {}
for class = ${highestTarget + 1}, 4 do
  local last = (class + 1) * ${classWidth} - 1
  if cursor <= last then
    if budget == 0 then return { aged, cursor, limit } end
    local from = string.format('%.0f', math.max(cursor, class * ${classWidth}))
    local page = redis.call('ZRANGEBYSCORE', index, from, string.format('%.0f', last), 'WITHSCORES', 'LIMIT', 0, budget)
    local is_young = false
    for i = 1, #page, 2 do
      local admitted = tonumber(redis.call('HGET', chunk_prefix .. page[i], 'at') or nil)
      -- Admitted in the future: the clock was put back since. That says nothing of those behind it.
      local age = admitted and now - admitted or -1
      local rises = math.floor(age / ageing)
      budget = budget - 1
      -- A class stands in the order of admission: all behind this one are younger.
      is_young = age >= 0 and rises < 1
      if is_young then break end
      local target = math.max(${highestTarget}, class - rises)
      local current = class_of(page[i])
      if current and current > target then
        aged[#aged + 1] = page[i]
        aged[#aged + 1] = target
      end
    end
    if not is_young and budget == 0 then return { aged, tonumber(page[#page]) + 1, limit } end
    cursor = last + 1
  end
end
return { aged, -1, limit - budget }
`);
