// The two steps of a provider's breaker (queues/provider-breaker-store.ts), by Redis' clock.
import { luaScript } from '../script-runner.ts';

/** Polls in a row without an answer that open it. */
export const opensAfter = 5;
const shortestPauseMs = 1_000;
const longestPauseMs = 300_000;
/** Kept after its last change for so long, in milliseconds, and for so many first pauses: a source that is polled once a day counts, too. */
const keptAtLeastMs = 86_400_000;
const keptPauses = 8;
/** Who may not be the trial looks again after this, in milliseconds, when one is due. */
const trialLookMs = 2_000;

const head = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'failures', 'until', 'trial', 'lease', 'pause', 'error')
local failures, untilMs, trial, lease = tonumber(kept[1] or '0'), tonumber(kept[2] or ''), kept[3], tonumber(kept[4] or '0')
local asker = ARGV[1]
local function text(number) return string.format('%.0f', number) end
-- A clock that was set back (another host after a failover) must not keep a provider out for longer than any pause.
if untilMs and untilMs > now + ${longestPauseMs} then untilMs = now + ${longestPauseMs} end
`;

/**
 * KEYS: breaker. ARGV: asker, 1 if a person asked for the poll, lease of a trial in ms, 1 if it may be one. Answers { 1, 1 if it is
 * the trial, failures } or { 0, wait in ms, state, failures, error }.
 */
export const askProviderScript = luaScript(`${head}
if not untilMs then return { 1, 0, failures } end
if trial and trial ~= asker and lease > now then
  return { 0, math.max(1, lease - now), 'half_open', failures, kept[6] or '' }
end
if untilMs > now and trial ~= asker and ARGV[2] ~= '1' then
  return { 0, untilMs - now, 'open', failures, kept[6] or '' }
end
if ARGV[4] ~= '1' then
  return { 0, math.max(untilMs - now, ${trialLookMs}), untilMs > now and 'open' or 'half_open', failures, kept[6] or '' }
end
redis.call('HSET', KEYS[1], 'trial', asker, 'lease', text(now + tonumber(ARGV[3])))
return { 1, 1, failures }
`);

/**
 * KEYS: breaker. ARGV: asker, verdict (answered, neither, unanswered), and for the last: first pause in ms, error. Answers the state.
 */
export const tellProviderScript = luaScript(`${head}
local isTrial = trial == asker
if ARGV[2] == 'answered' then
  redis.call('DEL', KEYS[1])
  return 'closed'
end
if ARGV[2] == 'neither' then
  if isTrial then redis.call('HDEL', KEYS[1], 'trial', 'lease') end
  if not untilMs then return 'closed' end
  return (untilMs > now) and 'open' or 'half_open'
end
failures = failures + 1
local first = math.min(${longestPauseMs}, math.max(${shortestPauseMs}, tonumber(ARGV[3])))
redis.call('HSET', KEYS[1], 'failures', text(failures), 'error', ARGV[4])
if isTrial and untilMs then
  local pause = math.min(${longestPauseMs}, 2 * tonumber(kept[5] or first))
  untilMs = now + pause
  redis.call('HDEL', KEYS[1], 'trial', 'lease')
  redis.call('HSET', KEYS[1], 'pause', text(pause), 'until', text(untilMs))
elseif not untilMs and failures >= ${opensAfter} then
  untilMs = now + first
  redis.call('HSET', KEYS[1], 'pause', text(first), 'until', text(untilMs))
end
redis.call('PEXPIRE', KEYS[1], text(math.max(${keptAtLeastMs}, ${keptPauses} * tonumber(ARGV[3]))))
if not untilMs then return 'closed' end
return (untilMs > now) and 'open' or 'half_open'
`);
