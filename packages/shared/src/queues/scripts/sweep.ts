// Compares chunks and jobs, one bounded page a call; only reads. Chunks without a job come from a poller that was killed
// between admit and add, or from somebody who emptied the queue; jobs without a chunk from a worker that was killed
// between settle and complete, or from a poller that was killed before it removed the jobs of evicted chunks.
// A chunk that is claimed for the dead letters has no job either; it counts as failed.
import { luaScript } from '../script-runner.ts';

/** Cursors from here on walk the job lists: list number × this + ranks not yet looked at. Index scores are smaller. */
const jobCursor = 2 ** 48;

/**
 * KEYS: index, then BullMQ's prioritized, wait, delayed, failed. ARGV: chunk key prefix, job key prefix, cursor, limit.
 * Answers { missing { id, records left, class, meta, … }, orphans, failed, next cursor or -1 }.
 */
export const sweepScript = luaScript(`
local index, chunk_prefix, job_prefix = KEYS[1], ARGV[1], ARGV[2]
local cursor, budget = tonumber(ARGV[3]), tonumber(ARGV[4])
local missing, orphans, failed = {}, {}, {}

if cursor < ${jobCursor} then
  local from = string.format('%.0f', cursor)
  local page = redis.call('ZRANGEBYSCORE', index, from, '+inf', 'WITHSCORES', 'LIMIT', 0, budget)
  for i = 1, #page, 2 do
    if redis.call('EXISTS', job_prefix .. page[i]) == 0 then
      local chunk = redis.call('HMGET', chunk_prefix .. page[i], 'rem', 'p', 'meta', 'burial')
      if chunk[4] then
        failed[#failed + 1] = page[i]
      elseif chunk[1] then
        missing[#missing + 1] = page[i]
        missing[#missing + 1] = tonumber(chunk[1])
        missing[#missing + 1] = tonumber(chunk[2])
        missing[#missing + 1] = chunk[3]
      end
    end
  end
  if #page == budget * 2 then return { missing, orphans, failed, tonumber(page[#page]) + 1 } end
  budget = budget - #page / 2
  cursor = 2 * ${jobCursor} - 1
end

-- Each list is walked from its end to its head: what is consumed or removed meanwhile moves the ranks that are still to
-- come nearer, never out of reach. An entry that jumps in ahead may hide one until the next sweep.
local list = math.floor(cursor / ${jobCursor})
local rest = cursor - list * ${jobCursor}
while list <= 4 do
  local key = KEYS[list + 1]
  local is_list = list == 2
  rest = math.min(rest, redis.call(is_list and 'LLEN' or 'ZCARD', key))
  local from = math.max(0, rest - budget)
  if rest > 0 then
    local jobs = redis.call(is_list and 'LRANGE' or 'ZRANGE', key, from, rest - 1)
    for _, job in ipairs(jobs) do
      if not redis.call('ZSCORE', index, job) then
        orphans[#orphans + 1] = job
      elseif list == 4 then
        failed[#failed + 1] = job
      end
    end
    budget = budget - #jobs
  end
  if from > 0 then return { missing, orphans, failed, list * ${jobCursor} + from } end
  list = list + 1
  rest = ${jobCursor} - 1
  if budget <= 0 and list <= 4 then return { missing, orphans, failed, list * ${jobCursor} + rest } end
end
return { missing, orphans, failed, -1 }
`);
