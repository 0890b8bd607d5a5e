// Chunks that overflow dropped and that are set aside until they are dead letters (queue.keepDropped).
import { luaScript } from '../script-runner.ts';

/** KEYS: dropped-chunks. ARGV: ms for which they have lain there at least, limit. Answers their ids, the oldest first. */
export const listDroppedScript = luaScript(`
local time = redis.call('TIME')
local latest = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', latest), 'LIMIT', 0, ARGV[2])
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
