// One write of a source's cursor, if nobody else wrote it since. At the end of a pass it is also the end of where that stood;
// an operator's also forgets which answers the source has used up, so that one which has not changed is read again.
import { luaScript } from '../script-runner.ts';

/**
 * KEYS: cursor; then of a pass its position, which is forgotten in any case, or of an operator marks and mark ages. ARGV: version
 * that is expected, or `any`; who writes; then fields and values. Answers the new version, or nothing if another one was there.
 */
export const writeCursorScript = luaScript(`
if #KEYS == 2 then redis.call('DEL', KEYS[2]) end
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if ARGV[1] ~= 'any' and version ~= tonumber(ARGV[1]) then return false end
-- The first write is a delete, be it of nothing: Redis lets a script pass at maxmemory if it begins with one. What this adds is
-- bounded, and an operator can steer a source while Redis is full.
redis.call('HDEL', KEYS[1], '-')
if #KEYS == 3 then redis.call('DEL', KEYS[2], KEYS[3]) end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version + 1), 'by', ARGV[2],
  'at', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), unpack(ARGV, 3))
return version + 1
`);
