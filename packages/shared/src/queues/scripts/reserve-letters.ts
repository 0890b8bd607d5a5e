// Reserves room for dead letters that are about to be added, so that all workers together keep to the limits: whoever only
// looks how many lie there does not see what others have decided to add. A reservation lies in a sorted set (its size, by the
// time at which it ends) until its letters are added; one of a killed worker ends by itself.
import { luaScript } from '../script-runner.ts';

/**
 * KEYS: the source's letters hash, its reservations, BullMQ's failed, delayed, prioritized, wait, active. ARGV: job key
 * prefix, most letters, most bytes, most bytes of one letter, name of the reservation, ms that it lasts, then of each letter job
 * id and bytes.
 * Answers { of each letter: 1 to be added, 2 it lies there, 0 no room; letters and bytes by then; entry of the reservation }.
 */
export const reserveLettersScript = luaScript(`
local letters, reservations, job_prefix = KEYS[1], KEYS[2], ARGV[1]
local most_letters, most_bytes, largest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- The first write is a delete: Redis lets a script pass at maxmemory if it begins with one.
redis.call('ZREMRANGEBYSCORE', reservations, '-inf', now)
local lying, bytes = 0, 0
for i = 3, 5 do lying = lying + redis.call('ZCARD', KEYS[i]) end
for i = 6, 7 do lying = lying + redis.call('LLEN', KEYS[i]) end
-- The counter may not have heard yet that the last one went.
if lying > 0 then bytes = math.max(0, tonumber(redis.call('HGET', letters, 'bytes') or 0)) end
for _, entry in ipairs(redis.call('ZRANGE', reservations, 0, -1)) do
  local count, size = string.match(entry, '^(%d+) (%d+) ')
  lying, bytes = lying + tonumber(count), bytes + tonumber(size)
end

local verdicts, count, size = {}, 0, 0
for i = 7, #ARGV, 2 do
  local own = tonumber(ARGV[i + 1])
  if redis.call('EXISTS', job_prefix .. ARGV[i]) == 1 then
    verdicts[#verdicts + 1] = '2'
  elseif own <= largest and lying + count < most_letters and (lying + count == 0 or bytes + size < most_bytes) then
    count, size = count + 1, size + own
    verdicts[#verdicts + 1] = '1'
  else
    verdicts[#verdicts + 1] = '0'
  end
end
local entry = ''
if count > 0 then
  entry = string.format('%.0f %.0f %s', count, size, ARGV[5])
  redis.call('ZADD', reservations, now + tonumber(ARGV[6]), entry)
end
return { table.concat(verdicts), lying + count, bytes + size, entry }
`);
