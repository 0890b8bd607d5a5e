// Finds chunks whose job hash exists but lies in no list of BullMQ: nobody would ever run it, and its existence keeps the
// sweep from adding it again. One bounded page a call; only reads.
import { luaScript } from '../script-runner.ts';

/**
 * Most ids in `wait` and `active` together that one call reads. BullMQ keeps both as lists, which can only be searched
 * from end to end; above it nothing is reported until they are shorter.
 */
export const maxListed = 20_000;

/**
 * KEYS: index, then BullMQ's prioritized, delayed, failed, wait, active. ARGV: job key prefix, from score, limit.
 * Answers { ids, next score or -1 }.
 */
export const lostJobsScript = luaScript(`
local index, prioritized, delayed, failed, wait, active = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local job_prefix, limit = ARGV[1], tonumber(ARGV[3])
if redis.call('LLEN', wait) + redis.call('LLEN', active) > ${maxListed} then return { {}, -1 } end

-- Read only if a job is in none of the sorted sets: as a rule those are the few that run at this moment.
local listed
local function in_a_list(job)
  if not listed then
    listed = {}
    for _, key in ipairs({ wait, active }) do
      for _, id in ipairs(redis.call('LRANGE', key, 0, -1)) do listed[id] = true end
    end
  end
  return listed[job]
end

local lost = {}
local page = redis.call('ZRANGEBYSCORE', index, ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #page, 2 do
  local job = page[i]
  if not redis.call('ZSCORE', prioritized, job)
    and redis.call('EXISTS', job_prefix .. job) == 1
    and redis.call('EXISTS', job_prefix .. job .. ':lock') == 0
    and not redis.call('ZSCORE', delayed, job)
    and not redis.call('ZSCORE', failed, job)
    and not in_a_list(job)
  then
    lost[#lost + 1] = job
  end
end
if #page == limit * 2 then return { lost, tonumber(page[#page]) + 1 } end
return { lost, -1 }
`);
