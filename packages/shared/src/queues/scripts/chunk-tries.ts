// What a chunk itself remembers of sends that failed, so that it outlives every process and every job: how often and why
// it was tried, and from when to when its topic refused it. Both die with the chunk; a chunk that is settled is not revived.
import { luaScript } from '../script-runner.ts';

/** KEYS: chunk. ARGV: tries (JSON). Answers 1, or 0 if the chunk is settled. */
export const noteTriesScript = luaScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'tries', ARGV[1])
return 1
`);

/**
 * KEYS: chunk. ARGV: ms after which a refusal is forgotten. Notes that its topic refuses the chunk (`<first> <last>` in ms),
 * and answers for how many milliseconds it has done so, by Redis' clock: 0 the first time, and for a chunk that is settled.
 * What lies between two refusals counts only if they are not too far apart.
 */
export const refusedForScript = luaScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first, last = string.match(redis.call('HGET', KEYS[1], 'refused') or '', '^(%d+) (%d+)$')
if not last or now - tonumber(last) > tonumber(ARGV[1]) then first = now end
-- The first write is a delete: Redis lets a script pass at maxmemory if it begins with one.
redis.call('HDEL', KEYS[1], 'refused')
redis.call('HSET', KEYS[1], 'refused', string.format('%.0f %.0f', first, now))
return math.max(0, now - first)
`);
