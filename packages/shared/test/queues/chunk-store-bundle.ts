// What every test of the chunk store starts with: a store under a prefix of its own, small records, and a picture of
// everything that lies in Redis for its source.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { createChunkId } from '../../src/queues/chunk-id.ts';
import type { AdmitRequest, ChunkLimits, ChunkStore } from '../../src/queues/chunk-store.ts';
import { type SourceKeys, sourceKeys } from '../../src/queues/keys.ts';
import { createRedisChunkStore } from '../../src/queues/redis-chunk-store.ts';
import { hasBit } from '../../src/records/bitmap.ts';
import { decodePayload, isPayloadFault, type PreparedRecord } from '../../src/records/payload.ts';
import type { PriorityClass } from '../../src/records/priority.ts';
import { limitsWith } from './small-records.ts';

export interface AdmitChanges {
  readonly chunkId?: string;
  readonly priority?: PriorityClass;
  readonly limits?: ChunkLimits;
  readonly keep?: boolean;
}

/** A chunk as Redis holds it. */
export interface LyingChunk {
  readonly chunkId: string;
  readonly score: number;
  readonly records: number;
  readonly remaining: number;
  readonly priority: number;
  readonly keep: boolean;
  readonly done: Buffer | null;
  readonly corrections: Buffer | null;
  readonly payload: Buffer;
}

export interface Picture {
  readonly chunks: readonly LyingChunk[];
  /** Chunks that overflow dropped and that are to become letters, by id. */
  readonly setAside: readonly LyingChunk[];
  /** Keys of such chunks that stand in the keyspace. */
  readonly setAsideKeys: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly published: number;
  /** Chunk keys that stand in the keyspace. */
  readonly chunkKeys: readonly string[];
  /** Which generation is the current one; null before the first call. */
  readonly generation: string | null;
  /** Ids (as numbers) → revision, of the current and of the previous generation. */
  readonly current: ReadonlyMap<number, number>;
  readonly previous: ReadonlyMap<number, number>;
}

export interface ChunkStoreBundle extends AsyncDisposable {
  readonly redis: Redis;
  readonly store: ChunkStore;
  readonly keyPrefix: string;
  readonly sourceId: string;
  readonly keys: SourceKeys;
  /** Prefix of the keys of the source's chunk jobs. */
  readonly jobs: string;
  admit(records: readonly PreparedRecord[], changes?: AdmitChanges): ReturnType<ChunkStore['admit']>;
  /** Makes a chunk look held, as BullMQ does. */
  hold(chunkId: string): Promise<void>;
  picture(): Promise<Picture>;
}

/** Opens a bundle; `await using` removes all its keys. */
export const openChunkStore = (redisUrl: string = inject('redisUrl')): ChunkStoreBundle => {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const sourceId = 'firms';
  const keys = sourceKeys(keyPrefix, sourceId);
  const jobs = `${keys.prefix}:records.${sourceId}:`;
  const store = createRedisChunkStore({ redis, keyPrefix });

  const keysLike = async (pattern: string): Promise<readonly string[]> => {
    const found = new Set<string>();
    let cursor = '0';
    do {
      const [next, page] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
      for (const key of page) found.add(key);
      cursor = next;
    } while (cursor !== '0');
    return [...found];
  };

  return {
    redis,
    store,
    keyPrefix,
    sourceId,
    keys,
    jobs,
    admit: (admitted, changes = {}) => {
      const request: AdmitRequest = {
        sourceId,
        chunkId: changes.chunkId ?? createChunkId(),
        priority: changes.priority ?? 3,
        limits: changes.limits ?? limitsWith(),
        records: admitted,
        pollId: 'poll-1',
        ...(changes.keep === undefined ? {} : { keep: changes.keep }),
      };
      return store.admit(request);
    },
    hold: async (chunkId) => {
      await redis.set(`${jobs}${chunkId}:lock`, 'token');
    },
    picture: () => takePicture(redis, keys, keysLike),
    [Symbol.asyncDispose]: async () => {
      const left = await keysLike(`${keyPrefix}:*`);
      if (left.length > 0) await redis.unlink(...left);
      redis.disconnect();
    },
  };
};

const takePicture = async (
  redis: Redis,
  keys: SourceKeys,
  keysLike: (pattern: string) => Promise<readonly string[]>,
): Promise<Picture> => {
  const [index, droppedChunks, counts, dropped, published, current, zero, one, chunkKeys, droppedKeys] =
    await Promise.all([
      redis.zrange(keys.index, '0', '-1', 'WITHSCORES'),
      redis.zrange(keys.droppedChunks, '0', '-1'),
      redis.hgetall(keys.count),
      redis.hgetall(keys.dropped),
      redis.hget(keys.totals, 'published'),
      redis.hget(keys.seen, 'cur'),
      seenIds(redis, keys.seen0),
      seenIds(redis, keys.seen1),
      keysLike(`${keys.chunkPrefix}*`),
      keysLike(`${keys.droppedChunkPrefix}*`),
    ]);
  const lying = async (key: string, chunkId: string, score: number): Promise<LyingChunk> => {
    const fields = await redis.hgetallBuffer(key);
    return {
      chunkId,
      score,
      records: Number(fields.n),
      remaining: Number(fields.rem),
      priority: Number(fields.p),
      keep: fields.keep !== undefined,
      done: fields.bits ?? null,
      corrections: fields.corr ?? null,
      payload: fields.v ?? Buffer.alloc(0),
    };
  };
  const chunks = await Promise.all(
    Array.from({ length: index.length / 2 }, (_, at) => {
      const chunkId = index[at * 2] ?? '';
      return lying(keys.chunk(chunkId), chunkId, Number(index[at * 2 + 1]));
    }),
  );
  const setAside = await Promise.all(
    droppedChunks.sort().map((chunkId) => lying(keys.droppedChunk(chunkId), chunkId, 0)),
  );
  const numbers = (hash: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(hash).map(([field, value]) => [field, Number(value)]));
  return {
    chunks,
    setAside,
    setAsideKeys: droppedKeys.map((key) => key.slice(keys.droppedChunkPrefix.length)).sort(),
    counts: numbers(counts),
    dropped: numbers(dropped),
    published: Number(published ?? 0),
    chunkKeys: chunkKeys.map((key) => key.slice(keys.chunkPrefix.length)).sort(),
    generation: current,
    current: current === '1' ? one : zero,
    previous: current === '1' ? zero : one,
  };
};

/** A generation of seen ids; read raw, because ioredis' HGETALL makes text of the field names. */
const seenIds = async (redis: Redis, key: string): Promise<ReadonlyMap<number, number>> => {
  // callBuffer is typed unknown; HGETALL answers field, value, field, value.
  const flat = (await redis.callBuffer('HGETALL', key)) as Buffer[];
  const found = new Map<number, number>();
  for (let at = 0; at < flat.length; at += 2) found.set(flat[at]!.readUInt32BE(12), flat[at + 1]!.readUInt32BE(4));
  return found;
};

/** The records of a chunk as id and revision, with what is known of each. */
export const contentsOf = (chunk: LyingChunk) => {
  const decoded = decodePayload(chunk.payload);
  if (isPayloadFault(decoded)) throw new Error(`the payload of ${chunk.chunkId} is ${decoded.kind}`);
  return decoded.map((stored) => ({
    id: stored.id.readUInt32BE(12),
    revision: stored.hash.readUInt32BE(4),
    done: hasBit(chunk.done, stored.index),
    correction: hasBit(chunk.corrections, stored.index),
  }));
};

/** The invariants of the chunk protocol that one picture can show. Throws nothing: gives what is wrong, in words. */
export const faultsOf = (picture: Picture, cap: number): readonly string[] => {
  const faults: string[] = [];
  const total = picture.counts.total ?? 0;
  const remaining = picture.chunks.reduce((sum, chunk) => sum + chunk.remaining, 0);
  const classes = [1, 2, 3, 4].map((priority) => picture.counts[priority] ?? 0);
  if (total !== remaining) faults.push(`total ${total} but the chunks hold ${remaining}`);
  if (total !== classes.reduce((sum, count) => sum + count, 0))
    faults.push(`total ${total} but classes ${classes.join()}`);
  if (total > cap) faults.push(`total ${total} over the cap of ${cap}`);
  const indexed = picture.chunks.map((chunk) => chunk.chunkId).sort();
  if (indexed.join() !== picture.chunkKeys.join())
    faults.push(`index ${indexed.join()} but keys ${picture.chunkKeys.join()}`);
  const kept = picture.counts.kept ?? 0;
  const asideRecords = picture.setAside.reduce((sum, chunk) => sum + chunk.remaining, 0);
  if (kept !== asideRecords) faults.push(`${kept} counted as set aside, the chunks hold ${asideRecords}`);
  if (kept > cap) faults.push(`${kept} set aside, over the cap of ${cap}`);
  const aside = picture.setAside.map((chunk) => chunk.chunkId).join();
  if (aside !== picture.setAsideKeys.join()) faults.push(`set aside ${aside} but keys ${picture.setAsideKeys.join()}`);
  for (const chunk of picture.chunks) {
    const left = contentsOf(chunk).filter((content) => !content.done).length;
    if (left !== chunk.remaining)
      faults.push(`${chunk.chunkId} has ${chunk.remaining} left but ${left} bits are clear`);
    if (Math.floor(chunk.score / 2 ** 40) !== chunk.priority) faults.push(`${chunk.chunkId} stands in another class`);
  }
  return faults;
};
