// Removes dead letters that are failed, in one step with the look at their state: a letter that somebody has just retried
// is in the hands of a producer, and stays.
import { luaScript } from '../script-runner.ts';

/** Letters a call removes at most. */
export const maxRemovedLetters = 500;

/**
 * KEYS: BullMQ's failed, the source's letters hash. ARGV: job key prefix, latest failure in ms or empty, then job ids.
 * Answers per id 1 removed, 0 not failed (any more), or failed later.
 */
export const removeLettersScript = luaScript(`
local failed, letters, job_prefix, latest = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local removed, bytes = {}, 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local at = redis.call('ZSCORE', failed, id)
  if at and (not latest or tonumber(at) <= latest) then
    local job = job_prefix .. id
    local size = redis.call('HSTRLEN', job, 'data')
    -- The first write is a delete: Redis lets a script pass at maxmemory if it begins with one.
    redis.call('ZREM', failed, id)
    redis.call('DEL', job, job .. ':logs')
    bytes = bytes + size
    removed[#removed + 1] = 1
  else
    removed[#removed + 1] = 0
  end
end
if bytes > 0 then redis.call('HINCRBY', letters, 'bytes', -bytes) end
return removed
`);
