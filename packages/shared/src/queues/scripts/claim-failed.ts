// Takes a chunk whose job BullMQ has failed out of BullMQ's hands, in one step: the job goes, and the chunk says why. From
// then on nobody can retry it, and the sweep reports it as failed until it is settled.
import { luaScript } from '../script-runner.ts';

/**
 * KEYS: BullMQ's failed, job, the job's logs, chunk. ARGV: chunk id, now in ms.
 * Answers JSON { reason, failedAt }, or nil: the job is not failed (any more), or there is no chunk.
 */
export const claimFailedScript = luaScript(`
local failed, job, logs, chunk = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local burial = redis.call('HGET', chunk, 'burial')
if burial then return burial end

-- The first write is a delete: Redis lets a script pass at maxmemory if it begins with one.
if redis.call('ZREM', failed, ARGV[1]) == 0 then return false end
local known = redis.call('HMGET', job, 'failedReason', 'finishedOn')
redis.call('DEL', job, logs)
if redis.call('EXISTS', chunk) == 0 then return false end
burial = cjson.encode({ reason = known[1] or 'no reason is known', failedAt = tonumber(known[2] or ARGV[2]) })
redis.call('HSET', chunk, 'burial', burial)
return burial
`);
