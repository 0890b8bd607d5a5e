// The budget of a day (UTC, by Redis' clock) in the provider's own unit, shared by the whole fleet. What an exchange will
// cost is taken before it leaves, and corrected when its answer shows what it did cost. A process that is killed leaves
// what it took: the provider may have counted it. Backfills find at most half of it, so that the past never takes a day of polls.
import { randomUUID } from 'node:crypto';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { dayBudgetKeys } from '@stream-manager/shared/queues/keys';
import {
  type LuaScript,
  listOf,
  luaScript,
  numberOf,
  runScript,
  type ScriptReply,
} from '@stream-manager/shared/queues/script-runner';
import type { Redis } from 'ioredis';
import { clockArgument, clockLua } from './redis-clock.ts';

/** Who draws on a budget. */
export interface Spender {
  /** Name of the budget: the same for all who share it. */
  readonly budget: string;
  readonly sourceId: string;
  /** Units per day; null: what is spent is only counted. */
  readonly perDay: number | null;
  /** It fetches the past: half of the day's units are for that at most. */
  readonly isBackfill?: boolean;
}

/** What was taken for one exchange. */
export interface Taking {
  readonly ticket: string;
  /** Days since the epoch. */
  readonly day: number;
  readonly cost: number;
  /** Milliseconds that were left of that day. */
  readonly leftMs: number;
}

/** Leave to spend, or when to ask again. */
export type Leave =
  | {
      readonly granted: true;
      readonly taking: Taking;
      /** Spent of this day, this included. */
      readonly used: number;
      /** With this, four fifths of the day's budget are spent for the first time. */
      readonly isMostSpent: boolean;
    }
  | { readonly granted: false; readonly waitMs: number; readonly used: number; readonly cost: number };

/** All reject with `redis_unreachable`: nothing is sent without a budget that can be read. */
export interface DayBudget {
  /** Takes `cost`; null: as much as the last exchange of this source did cost, 1 at first. */
  take(spender: Spender, cost: number | null): Promise<Leave>;
  /**
   * It did cost `cost` instead (0: nothing), and the next is expected to cost as much if `isMeasured`. Of a new day it takes
   * all of it: it may have arrived there. Gives what it stands at now.
   */
  correct(spender: Spender, taking: Taking, cost: number, isMeasured: boolean): Promise<Taking>;
  /** What this day has cost so far. */
  used(budget: string): Promise<number>;
}

/** How long the cost of an exchange may still be corrected downwards, in milliseconds; only the wait of others rests on it. */
const pendingMs = 120_000;
/** Others may get something back: when to ask again, in milliseconds. */
const pendingWaitMs = 5_000;

// Gives `day` and `left` beside `now`, and opens a new day. A clock that was set back stays in the day that was reached.
const today = `${clockLua}
local function text(number) return string.format('%.17g', number) end
local function numberAt(field) return tonumber(redis.call('HGET', KEYS[1], field) or '0') end
local day = math.max(math.floor(now / 86400000), numberAt('day'))
local left = (day + 1) * 86400000 - now
local function openDay()
  if numberAt('day') == day then return end
  redis.call('HSET', KEYS[1], 'day', day, 'used', 0, 'past', 0, 'warned', 0)
  redis.call('DEL', KEYS[2])
end
local function keep()
  redis.call('PEXPIRE', KEYS[1], 3 * 86400000)
  redis.call('PEXPIRE', KEYS[2], 86400000)
end`;

// KEYS: spent, pending · ARGV: now, source, cost or '', per day or '', ticket, pending (ms), wait (ms), backfill (1 or 0)
// → { granted (1 or 0), left of the day or wait (ms), day, used as text, cost as text, four fifths reached (1 or 0) }
const takeScript = luaScript(`${today}
openDay()
local cost = tonumber(ARGV[3]) or tonumber(redis.call('HGET', KEYS[1], 'cost:' .. ARGV[2]) or '1')
local most = tonumber(ARGV[4]) or math.huge
local used = numberAt('used')
local past = ARGV[8] == '1' and numberAt('past') or -math.huge
if used + cost > most or past + cost > most / 2 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  local pending = 0
  for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    pending = pending + tonumber(string.match(member, ' (.*)$'))
  end
  local wait = left
  if used - pending + cost <= most and past - pending + cost <= most / 2 then wait = math.min(left, tonumber(ARGV[7])) end
  return { 0, wait, day, text(used), text(cost), 0 }
end
redis.call('HSET', KEYS[1], 'used', text(used + cost))
if ARGV[8] == '1' then redis.call('HSET', KEYS[1], 'past', text(past + cost)) end
if cost > 0 then redis.call('ZADD', KEYS[2], now + tonumber(ARGV[6]), ARGV[5] .. ' ' .. text(cost)) end
local warns = 0
if used + cost >= 0.8 * most and numberAt('warned') == 0 then
  warns = 1
  redis.call('HSET', KEYS[1], 'warned', 1)
end
keep()
return { 1, left, day, text(used + cost), text(cost), warns }`);

// KEYS: spent, pending · ARGV: now, source, ticket, its day, its cost, the right cost, measured (1 or 0), backfill (1 or 0) → { day, left (ms) }
const correctScript = luaScript(`${today}
redis.call('ZREM', KEYS[2], ARGV[3] .. ' ' .. text(tonumber(ARGV[5])))
openDay()
local cost = tonumber(ARGV[6])
local before = tonumber(ARGV[5])
if day ~= tonumber(ARGV[4]) then before = 0 end
redis.call('HSET', KEYS[1], 'used', text(math.max(0, numberAt('used') + cost - before)))
if ARGV[8] == '1' then redis.call('HSET', KEYS[1], 'past', text(math.max(0, numberAt('past') + cost - before))) end
if ARGV[7] == '1' then redis.call('HSET', KEYS[1], 'cost:' .. ARGV[2], text(cost)) end
keep()
return { day, left }`);

// KEYS: spent, pending · ARGV: now → used of this day as text
const usedScript = luaScript(`${today}
return text(numberAt('day') == day and numberAt('used') or 0)`);

/** Creates the budgets on a shared connection. */
export const createDayBudget = (deps: {
  readonly redis: Redis;
  readonly keyPrefix: string;
  /** Virtual time in milliseconds instead of the clock of Redis, for tests only. */
  readonly nowMs?: () => number;
}): DayBudget => {
  const { redis, keyPrefix } = deps;
  const run = async (
    script: LuaScript,
    budget: string,
    args: readonly (string | number)[] = [],
  ): Promise<ScriptReply> => {
    const { spent, pending } = dayBudgetKeys(keyPrefix, budget);
    try {
      return await runScript(redis, script, [spent, pending], [clockArgument(deps.nowMs), ...args]);
    } catch (cause) {
      const message = 'the budget of the day cannot be read: no request is sent without it';
      throw new StreamManagerError('redis_unreachable', message, { cause });
    }
  };

  return {
    take: async ({ budget, sourceId, perDay, isBackfill }, cost) => {
      const ticket = randomUUID();
      const args = [sourceId, cost ?? '', perDay ?? '', ticket, pendingMs, pendingWaitMs, isBackfill === true ? 1 : 0];
      const [granted, ms, day, used, taken, warns] = listOf(await run(takeScript, budget, args));
      if (granted !== 1)
        return { granted: false, waitMs: Math.max(1, numberOf(ms)), used: numberOf(used), cost: numberOf(taken) };
      const taking = { ticket, day: numberOf(day), cost: numberOf(taken), leftMs: numberOf(ms) };
      return { granted: true, taking, used: numberOf(used), isMostSpent: warns === 1 };
    },
    correct: async ({ budget, sourceId, isBackfill }, { ticket, day, cost: before }, cost, isMeasured) => {
      const args = [sourceId, ticket, day, before, cost, isMeasured ? 1 : 0, isBackfill === true ? 1 : 0];
      const [today, left] = listOf(await run(correctScript, budget, args));
      return { ticket, day: numberOf(today), cost, leftMs: numberOf(left) };
    },
    used: async (budget) => numberOf(await run(usedScript, budget)),
  };
};
