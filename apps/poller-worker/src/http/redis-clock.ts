// The time in our scripts: by the clock of Redis, which is the same for the whole fleet, or by one of a test.

/** Begins a script: `now`, in whole milliseconds since the epoch, is ARGV[1], or the time of Redis where that is ''. */
export const clockLua = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end`;

/** ARGV[1] of such a script. */
export const clockArgument = (nowMs: (() => number) | undefined): string =>
  nowMs === undefined ? '' : String(nowMs());
