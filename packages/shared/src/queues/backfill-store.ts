// What the fleet knows of backfills: one hash each, and per source an index of those that are kept. A hash is what counts:
// its job in queue `poll` only runs it, and is added again when it is gone. Everything lies under the hash tag of the queue.
//
//   open ──last slice in──► finished
//    ├──somebody takes it back──► cancelled
//    └──too many errors in a row──► failed ──Retry of its job in Bull Board──► open
//
// What has ended stays as it is for whoever looks, the newest 20 of a source; only an open one is written to.
import type { Redis } from 'ioredis';
import { fleetKeys } from './keys.ts';
import { valuesOfPipeline } from './pipeline-replies.ts';
import { listOf, luaScript, numberOf, runScript, textOf } from './script-runner.ts';
import { readStoredJson } from './stored-json.ts';

/** Ended backfills that are kept per source. */
export const keptBackfills = 20;
/** Backfills of one source that may be open at a time; one of them runs, in the order in which they were asked for. */
export const mostOpenBackfills = 10;

/** How a backfill ended. */
export type BackfillEnd = 'finished' | 'cancelled' | 'failed';

/** One backfill as it stands. Times in milliseconds since the epoch. */
export interface BackfillEntry {
  readonly sourceId: string;
  readonly id: string;
  readonly state: 'open' | BackfillEnd;
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  /** All before it is admitted, a dead letter, or known. */
  readonly doneMs: number;
  /** New or corrected so far. */
  readonly records: number;
  readonly requestedAtMs: number;
  readonly requestedBy: string;
  /** Where the slice from `doneMs` stands, as its source gave it; null: at its beginning. */
  readonly position: unknown;
  /** Errors in a row. */
  readonly failures: number;
  readonly endedAtMs: number | null;
  /** Of the last error; without secrets. */
  readonly error: string | null;
}

/** What a new one is made of. */
export type NewBackfill = Pick<BackfillEntry, 'sourceId' | 'id' | 'fromMs' | 'toMs' | 'requestedAtMs' | 'requestedBy'>;

/** What changes while one is open. */
export type BackfillChange = Partial<Pick<BackfillEntry, 'doneMs' | 'records' | 'position' | 'failures' | 'error'>>;

/** Reads and writes backfills. Calls reject with what Redis answered. */
export interface BackfillStore {
  /** Adds one. `exists`: an open one of the same time, by its id. `too_many`: so many are open. */
  add(
    backfill: NewBackfill,
  ): Promise<{ readonly kind: 'added' | 'too_many' } | { readonly kind: 'exists'; readonly id: string }>;
  read(sourceId: string, backfillId: string): Promise<BackfillEntry | null>;
  /** Those that are kept, the newest first. */
  list(sourceId: string): Promise<readonly BackfillEntry[]>;
  /** Open ones of several sources, the oldest first within each. */
  open(sourceIds: readonly string[]): Promise<readonly BackfillEntry[]>;
  /** Writes to an open one; false: it is not open any more. */
  change(sourceId: string, backfillId: string, change: BackfillChange): Promise<boolean>;
  /** Ends an open one; false: it was not open any more. */
  end(sourceId: string, backfillId: string, end: BackfillEnd, at: { readonly atMs: number }): Promise<boolean>;
  /** Opens a failed one again; false: it is none. */
  reopen(sourceId: string, backfillId: string): Promise<boolean>;
  /** The longest time of one pass by source, in milliseconds; 0: its API cannot be asked for the past. Absent: no poller has said. */
  slices(sourceIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  writeSlices(slices: ReadonlyMap<string, number>): Promise<void>;
}

// KEYS: index, entry · ARGV: prefix of entries, id, requested, from, to, by, most open → id of an open one of the same time, '' added, '-' too many
const addScript = luaScript(`
local open = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local entry = redis.call('HMGET', ARGV[1] .. id, 'state', 'from', 'to')
  if entry[1] == 'open' then
    open = open + 1
    if entry[2] == ARGV[4] and entry[3] == ARGV[5] then return id end
  end
end
if open >= tonumber(ARGV[7]) then return '-' end
redis.call('HSET', KEYS[2], 'state', 'open', 'from', ARGV[4], 'to', ARGV[5], 'done', ARGV[4], 'records', '0', 'requested', ARGV[3], 'by', ARGV[6])
-- In the order in which they were asked for, also within one millisecond.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local score = math.max(tonumber(ARGV[3]), last and tonumber(last) + 0.001 or 0)
redis.call('ZADD', KEYS[1], string.format('%.3f', score), ARGV[2])
return ''`);

// KEYS: entry · ARGV: field, value, … → 1 written, 0 not open
const changeScript = luaScript(`
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1`);

// KEYS: index, entry · ARGV: prefix of entries, state, ended, most kept → 1 ended, 0 was not open
const endScript = luaScript(`
if redis.call('HGET', KEYS[2], 'state') ~= 'open' then return 0 end
if ARGV[2] ~= 'failed' then redis.call('HDEL', KEYS[2], 'position') end
redis.call('HSET', KEYS[2], 'state', ARGV[2], 'ended', ARGV[3])
local kept = 0
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  if redis.call('HGET', ARGV[1] .. id, 'state') ~= 'open' then
    kept = kept + 1
    if kept > tonumber(ARGV[4]) then
      redis.call('DEL', ARGV[1] .. id)
      redis.call('ZREM', KEYS[1], id)
    end
  end
end
return 1`);

// KEYS: entry → 1 open again, 0 not failed
const reopenScript = luaScript(`
if redis.call('HGET', KEYS[1], 'state') ~= 'failed' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'open', 'failures', '0')
redis.call('HDEL', KEYS[1], 'ended')
return 1`);

// KEYS: index · ARGV: prefix of entries → ids of open ones, the oldest first
const openScript = luaScript(`
local open = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('HGET', ARGV[1] .. id, 'state') == 'open' then open[#open + 1] = id end
end
return open`);

const states: readonly string[] = [
  'open',
  'finished',
  'cancelled',
  'failed',
] satisfies readonly BackfillEntry['state'][];
const isState = (text: string | undefined): text is BackfillEntry['state'] =>
  text !== undefined && states.includes(text);

/** Null: there is none, or it is nothing of ours. */
const readEntry = (
  sourceId: string,
  id: string,
  fields: Readonly<Record<string, string | undefined>>,
): BackfillEntry | null => {
  const { state } = fields;
  if (!isState(state)) return null;
  const number = (name: string): number => Number(fields[name] ?? '0') || 0;
  return {
    sourceId,
    id,
    state,
    fromMs: number('from'),
    toMs: number('to'),
    doneMs: number('done'),
    records: number('records'),
    requestedAtMs: number('requested'),
    requestedBy: fields['by'] ?? '',
    position: readStoredJson(fields['position']),
    failures: number('failures'),
    endedAtMs: fields['ended'] === undefined ? null : number('ended'),
    error: fields['error'] === undefined || fields['error'] === '' ? null : fields['error'],
  };
};

const fieldsOf = ({ doneMs, records, position, failures, error }: BackfillChange): readonly string[] => [
  ...(doneMs === undefined ? [] : ['done', String(doneMs)]),
  ...(records === undefined ? [] : ['records', String(records)]),
  ...(position === undefined ? [] : ['position', JSON.stringify(position)]),
  ...(failures === undefined ? [] : ['failures', String(failures)]),
  ...(error === undefined ? [] : ['error', error ?? '']),
];

/** Creates the store on a shared connection. */
export const createBackfillStore = (redis: Redis, keyPrefix: string): BackfillStore => {
  const keys = fleetKeys(keyPrefix);
  const entryPrefix = (sourceId: string): string => keys.backfill(sourceId, '');
  const both = (sourceId: string, id: string): readonly string[] => [
    keys.backfills(sourceId),
    keys.backfill(sourceId, id),
  ];

  const readAll = async (
    wanted: readonly { readonly sourceId: string; readonly id: string }[],
  ): Promise<readonly BackfillEntry[]> => {
    if (wanted.length === 0) return [];
    const pipeline = redis.pipeline();
    for (const { sourceId, id } of wanted) pipeline.hgetall(keys.backfill(sourceId, id));
    const replies = valuesOfPipeline(await pipeline.exec());
    return wanted.flatMap(({ sourceId, id }, index) => {
      // HGETALL answers an object of strings.
      const entry = readEntry(sourceId, id, (replies[index] ?? {}) as Readonly<Record<string, string>>);
      return entry === null ? [] : [entry];
    });
  };

  return {
    add: async ({ sourceId, id, fromMs, toMs, requestedAtMs, requestedBy }) => {
      const args = [entryPrefix(sourceId), id, requestedAtMs, fromMs, toMs, requestedBy, mostOpenBackfills];
      const answer = textOf(await runScript(redis, addScript, both(sourceId, id), args));
      if (answer === '') return { kind: 'added' };
      return answer === '-' ? { kind: 'too_many' } : { kind: 'exists', id: answer };
    },
    read: async (sourceId, id) => (await readAll([{ sourceId, id }]))[0] ?? null,
    list: async (sourceId) => {
      const ids = await redis.zrevrange(keys.backfills(sourceId), 0, -1);
      return readAll(ids.map((id) => ({ sourceId, id })));
    },
    open: async (sourceIds) => {
      const pipeline = redis.pipeline();
      for (const sourceId of sourceIds) pipeline.exists(keys.backfills(sourceId));
      const replies = valuesOfPipeline(await pipeline.exec());
      const having = sourceIds.filter((_sourceId, index) => replies[index] === 1);
      const wanted: { readonly sourceId: string; readonly id: string }[] = [];
      for (const sourceId of having) {
        const ids = listOf(await runScript(redis, openScript, [keys.backfills(sourceId)], [entryPrefix(sourceId)]));
        wanted.push(...ids.map((id) => ({ sourceId, id: textOf(id) })));
      }
      return readAll(wanted);
    },
    change: async (sourceId, id, change) => {
      const fields = fieldsOf(change);
      return numberOf(await runScript(redis, changeScript, [keys.backfill(sourceId, id)], fields)) === 1;
    },
    end: async (sourceId, id, end, { atMs }) => {
      const args = [entryPrefix(sourceId), end, atMs, keptBackfills];
      return numberOf(await runScript(redis, endScript, both(sourceId, id), args)) === 1;
    },
    reopen: async (sourceId, id) =>
      numberOf(await runScript(redis, reopenScript, [keys.backfill(sourceId, id)], [])) === 1,
    slices: async (sourceIds) => {
      if (sourceIds.length === 0) return new Map();
      const found = await redis.hmget(keys.backfillSlices, ...sourceIds);
      return new Map(
        sourceIds.flatMap((sourceId, index): readonly (readonly [string, number])[] => {
          const text = found[index];
          const sliceMs = Number(text);
          return text === null || text === undefined || !Number.isFinite(sliceMs) ? [] : [[sourceId, sliceMs]];
        }),
      );
    },
    writeSlices: async (slices) => {
      if (slices.size > 0) await redis.hset(keys.backfillSlices, new Map(slices));
    },
  };
};
