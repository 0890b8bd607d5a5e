// Chunks that overflow dropped and that are set aside until they are dead letters (queue.keepDropped).
import { luaScript } from '../script-runner.ts';

/**
 * Score of a dropped chunk = the payload version that its reader has to know, if a process that does not know it has been
 * here × this + when it was dropped (ms). So a process finds what it can read without passing over what it cannot.
 */
export const laterVersion = 2 ** 44;

/**
 * KEYS: dropped-chunks. ARGV: ms for which they have lain there at least, limit, payload version of this process.
 * Answers their ids: what nobody has looked at first, and of each version the oldest first.
 */
export const listDroppedScript = luaScript(`
local time = redis.call('TIME')
local latest = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[1])
local found = {}
for version = 0, tonumber(ARGV[3]) do
  local from = version * ${laterVersion}
  local first, last = string.format('%.0f', from), string.format('%.0f', from + latest)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], first, last, 'LIMIT', 0, ARGV[2] - #found)) do
    found[#found + 1] = id
  end
end
return found
`);

/** KEYS: dropped-chunks. ARGV: chunk id, payload version that it needs. Answers 1; 0: it was gone. */
export const leaveDroppedScript = luaScript(`
local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or nil)
if not score then return 0 end
redis.call('ZADD', KEYS[1], string.format('%.0f', score % ${laterVersion} + ARGV[2] * ${laterVersion}), ARGV[1])
return 1
`);

/** KEYS: dropped chunk, dropped-chunks, count. ARGV: chunk id. Answers the records that went; 0: it was gone. */
export const removeDroppedScript = luaScript(`
local records = tonumber(redis.call('HGET', KEYS[1], 'rem') or 0)
-- The first write is a delete: Redis lets a script pass at maxmemory if it begins with one.
redis.call('UNLINK', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if records > 0 then redis.call('HINCRBY', KEYS[3], 'kept', -records) end
return records
`);
