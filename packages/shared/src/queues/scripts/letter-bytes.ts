// Adds up the bytes of dead letters, one bounded page of one of BullMQ's lists a call; only reads.
import { luaScript } from '../script-runner.ts';

/** Letters a call looks at, about (a scan of a set may give a few more). */
export const lettersPerPage = 500;

/**
 * KEYS: one of BullMQ's sorted sets or lists. ARGV: job key prefix, `set` or `list`, cursor, letters per page.
 * Answers { next cursor or "0", bytes }. A set is scanned, so that letters which come and go meanwhile shift nothing.
 */
export const letterBytesScript = luaScript(`
local key, job_prefix, cursor, limit = KEYS[1], ARGV[1], ARGV[3], tonumber(ARGV[4])
local bytes, next_cursor = 0, '0'
if ARGV[2] == 'set' then
  local page = redis.call('ZSCAN', key, cursor, 'COUNT', limit)
  next_cursor = page[1]
  for i = 1, #page[2], 2 do bytes = bytes + redis.call('HSTRLEN', job_prefix .. page[2][i], 'data') end
else
  local from = tonumber(cursor)
  local ids = redis.call('LRANGE', key, from, from + limit - 1)
  for _, id in ipairs(ids) do bytes = bytes + redis.call('HSTRLEN', job_prefix .. id, 'data') end
  if #ids == limit then next_cursor = tostring(from + limit) end
end
return { next_cursor, bytes }
`);
