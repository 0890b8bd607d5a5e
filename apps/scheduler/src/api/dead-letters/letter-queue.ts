// A source's dead-letter queue as Redis has it: pages of its failed set, counts by code, the letters themselves. BullMQ's
// own reading goes by rank, and ranks shift while letters come and go; here pages go by place.
import { deadLetterQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { valuesOfPipeline } from '@stream-manager/shared/queues/pipeline-replies';
import { listOf, luaScript, numberOf, runScript, textOf } from '@stream-manager/shared/queues/script-runner';
import type { Redis } from 'ioredis';
import { inTime } from '../in-time.ts';
import { compareLetters, type LetterPlace, type WalkStart } from './letter-order.ts';

/** Letters that one call to Redis looks at. */
const pageSize = 500;

// KEYS: one of BullMQ's lists or sorted sets. ARGV: job key prefix, set or list, code, lowest and highest score, cursor,
// page size.
// Answers { next cursor or "0", letters of that code }. A job's name is its letter's code.
const countByCodeScript = luaScript(`
local key, job_prefix, code, limit = KEYS[1], ARGV[1], ARGV[3], tonumber(ARGV[7])
local lowest, highest = tonumber(ARGV[4]), tonumber(ARGV[5])
local found, next_cursor = 0, '0'
local function look(id) if redis.call('HGET', job_prefix .. id, 'name') == code then found = found + 1 end end
if ARGV[2] == 'set' then
  local page = redis.call('ZSCAN', key, ARGV[6], 'COUNT', limit)
  next_cursor = page[1]
  for i = 1, #page[2], 2 do
    local score = tonumber(page[2][i + 1])
    if (not lowest or score >= lowest) and (not highest or score <= highest) then look(page[2][i]) end
  end
else
  local from = tonumber(ARGV[6])
  local ids = redis.call('LRANGE', key, from, from + limit - 1)
  for _, id in ipairs(ids) do look(id) end
  if #ids == limit then next_cursor = tostring(from + limit) end
end
return { next_cursor, found }
`);

/** What a job's hash says of a letter; null: it has no such field. */
export interface LetterFields {
  readonly name: string | null;
  readonly data: string | null;
  readonly failedReason: string | null;
}

const waitingLists = ['wait', 'active'] as const;
const waitingSets = ['delayed', 'prioritized'] as const;

/** One source's letters. Every method rejects with what Redis answered, or when it does not answer. */
export interface LetterQueue {
  /** Failed letters, newest first, by pages; `since` in milliseconds, `code` the letter's code. */
  walk(start: WalkStart, filter: { readonly since?: number; readonly code?: string }): AsyncGenerator<LetterPlace>;
  /** `since` and `until` in milliseconds, both included. */
  countFailed(filter: { readonly since?: number; readonly until?: number; readonly code?: string }): Promise<number>;
  /** Letters that wait for a run or are being run: new ones, and those that are being replayed. */
  countWaiting(filter: { readonly code?: string }): Promise<number>;
  /** When each letter failed; null: it is not failed, or not there. */
  failedAt(ids: readonly string[]): Promise<readonly (number | null)[]>;
  read(ids: readonly string[]): Promise<readonly LetterFields[]>;
  /** Whether a job of this id exists, in whatever state. */
  has(id: string): Promise<boolean>;
}

/** Opens the reading of one source's queue. */
export const createLetterQueue = (redis: Redis, keyPrefix: string, source: string): LetterQueue => {
  const { prefix, name } = deadLetterQueueAddress(keyPrefix, source);
  const key = `${prefix}:${name}`;
  const failed = `${key}:failed`;

  const countByCode = async (
    list: string,
    kind: 'set' | 'list',
    code: string,
    { since = '', until = '' }: { readonly since?: number | ''; readonly until?: number | '' } = {},
  ): Promise<number> => {
    let found = 0;
    let cursor = '0';
    do {
      const args = [`${key}:`, kind, code, since, until, cursor, pageSize];
      const reply = listOf(await inTime(runScript(redis, countByCodeScript, [`${key}:${list}`], args)));
      cursor = textOf(reply[0]);
      found += numberOf(reply[1]);
    } while (cursor !== '0');
    return found;
  };

  const read = async (ids: readonly string[]): Promise<readonly LetterFields[]> => {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hmget(`${key}:${id}`, 'name', 'data', 'failedReason');
    // HMGET answers as many texts or nulls as it was asked for.
    const values = valuesOfPipeline(await inTime(pipeline.exec())) as readonly (readonly (string | null)[])[];
    return values.map(([jobName, data, failedReason]) => ({
      name: jobName ?? null,
      data: data ?? null,
      failedReason: failedReason ?? null,
    }));
  };

  const ofCode = async (places: readonly LetterPlace[], code: string | undefined): Promise<readonly LetterPlace[]> => {
    if (code === undefined || places.length === 0) return places;
    const pipeline = redis.pipeline();
    for (const { id } of places) pipeline.hget(`${key}:${id}`, 'name');
    const names = valuesOfPipeline(await inTime(pipeline.exec()));
    return places.filter((_, index) => names[index] === code);
  };

  return {
    read,
    walk: async function* (start, { since, code }) {
      const lowest = since ?? '-inf';
      let highest: number | string = '+inf';
      if (start.kind === 'at') highest = start.failedAt;
      else if (start.kind === 'behind') highest = start.place.failedAt;
      let last = start.kind === 'behind' ? start.place : null;
      let skipped = 0;
      for (;;) {
        const page = await inTime(
          redis.zrevrangebyscore(failed, highest, lowest, 'WITHSCORES', 'LIMIT', skipped, pageSize),
        );
        const places: LetterPlace[] = [];
        for (let at = 0; at + 1 < page.length; at += 2)
          places.push({ failedAt: Number(page[at + 1]), source, id: page[at] ?? '' });
        const behind = last;
        const fresh = behind === null ? places : places.filter((place) => compareLetters(behind, place) < 0);
        yield* await ofCode(fresh, code);
        if (places.length < pageSize) return;
        const end = fresh.at(-1);
        // Only a page full of letters of one millisecond that were all passed already brings nothing new.
        skipped = end === undefined ? skipped + places.length : 0;
        if (end !== undefined) {
          last = end;
          highest = end.failedAt;
        }
      }
    },
    countFailed: ({ code, ...times }) =>
      code === undefined
        ? inTime(redis.zcount(failed, times.since ?? '-inf', times.until ?? '+inf'))
        : countByCode('failed', 'set', code, times),
    countWaiting: async ({ code }) => {
      if (code === undefined) {
        const pipeline = redis.pipeline();
        for (const list of waitingLists) pipeline.llen(`${key}:${list}`);
        for (const set of waitingSets) pipeline.zcard(`${key}:${set}`);
        const counts = valuesOfPipeline(await inTime(pipeline.exec()));
        return counts.reduce((sum: number, count) => sum + Number(count), 0);
      }
      let count = 0;
      for (const list of waitingLists) count += await countByCode(list, 'list', code);
      for (const set of waitingSets) count += await countByCode(set, 'set', code);
      return count;
    },
    failedAt: async (ids) => {
      const pipeline = redis.pipeline();
      for (const id of ids) pipeline.zscore(failed, id);
      const scores = valuesOfPipeline(await inTime(pipeline.exec()));
      return scores.map((score) => (typeof score === 'string' ? Number(score) : null));
    },
    has: async (id) => (await inTime(redis.type(`${key}:${id}`))) === 'hash',
  };
};
