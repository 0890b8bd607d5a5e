// What a chunk itself remembers of sends that failed, so that it outlives every process and every job: how often and why
// it was tried, and since when its topic refuses it. Both die with the chunk; a chunk that is settled is not revived.
import { luaScript } from '../script-runner.ts';

/** KEYS: chunk. ARGV: tries (JSON). Answers 1, or 0 if the chunk is settled. */
export const noteTriesScript = luaScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'tries', ARGV[1])
return 1
`);

/**
 * KEYS: chunk. Answers for how many milliseconds its topic has refused the chunk, by Redis' clock: 0 the first time, and
 * for a chunk that is settled.
 */
export const refusedForScript = luaScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[1], 'refused', now)
return math.max(0, now - tonumber(redis.call('HGET', KEYS[1], 'refused')))
`);
