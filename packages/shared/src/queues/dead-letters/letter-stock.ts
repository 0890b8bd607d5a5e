// How many dead letters of a source lie in Redis, and how much room they take: what the limits of
// `delivery.deadLetters` are held against. The number is BullMQ's own and exact. The bytes are a counter of ours: whoever
// adds letters adds to it, and a measure sets it right again, because letters also go without telling us (replayed,
// removed in Bull Board).
import type { Redis } from 'ioredis';
import { deadLetterQueueAddress } from '../bullmq.ts';
import { sourceKeys } from '../keys.ts';
import { valuesOfPipeline } from '../pipeline-replies.ts';
import { listOf, numberOf, runScript, textOf } from '../script-runner.ts';
import { letterBytesScript, lettersPerPage } from '../scripts/letter-bytes.ts';

/** Dead letters of a source that lie now, whatever their state (failed, waiting, running, delayed). */
export interface LetterStock {
  /** Exact. */
  readonly letters: number;
  /** Of their data; at most a minute behind. */
  readonly bytes: number;
}

/** What was found when the bytes were last measured; nulls = never. */
export interface LastMeasure {
  readonly letters: number | null;
  /** In milliseconds since the epoch. */
  readonly at: number | null;
}

/** `delivery.deadLetters` as far as it bounds the stock. */
export interface LetterLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** Reads and keeps the stocks. Every method rejects with what Redis answered. */
export interface LetterStocks {
  /** One pipeline for all sources; constant time for each. */
  read(sourceIds: readonly string[]): Promise<ReadonlyMap<string, LetterStock>>;
  /** Says that letters of so many bytes were added. */
  added(sourceId: string, bytes: number): Promise<void>;
  /** The stocks, each with its last measure; one pipeline. */
  measures(sourceIds: readonly string[]): Promise<ReadonlyMap<string, { stock: LetterStock; last: LastMeasure }>>;
  /** Adds up the bytes of all letters, page by page, and sets the counter. `signal` ends it between two pages. */
  measure(sourceId: string, signal?: AbortSignal): Promise<LetterStock>;
}

/**
 * What part of the limits letters may fill, counting all that lie. `half`: those of records that a full queue dropped, so that
 * they alone never bring their source to where it stops polling, nor take the room of what cannot be had again.
 */
export type LetterShare = 'whole' | 'half';

/** The bounds of a share, rounded down. Pure. */
export const limitsOfShare = ({ maxRecords, maxBytes }: LetterLimits, share: LetterShare): LetterLimits =>
  share === 'whole'
    ? { maxRecords, maxBytes }
    : { maxRecords: Math.floor(maxRecords / 2), maxBytes: Math.floor(maxBytes / 2) };

const grouped = new Intl.NumberFormat('en');

/** Why a source may get no more dead letters, as a sentence that says what to do; null = it may. Pure. */
export const lettersFull = (stock: LetterStock, limits: LetterLimits, share: LetterShare = 'whole'): string | null => {
  const bounds = limitsOfShare(limits, share);
  const remedy = `${share === 'half' ? ', of which dropped records may fill half' : ''}: replay or discard some (streamctl dead-letters, or Bull Board)`;
  if (stock.letters >= bounds.maxRecords)
    return `${grouped.format(stock.letters)} dead letters of ${grouped.format(limits.maxRecords)} allowed (delivery.deadLetters.maxRecords)${remedy}`;
  if (stock.letters > 0 && stock.bytes >= bounds.maxBytes)
    return `dead letters take ${grouped.format(stock.bytes)} bytes of ${grouped.format(limits.maxBytes)} allowed (delivery.deadLetters.maxBytes)${remedy}`;
  return null;
};

/** Makes the look at one source's stock: why it may get no more letters now; null = it may. Rejects with what Redis answered. */
export const createLettersFull =
  (
    stocks: Pick<LetterStocks, 'read'>,
    limits: LetterLimits,
    share: LetterShare = 'whole',
  ): ((sourceId: string) => Promise<string | null>) =>
  async (sourceId) => {
    const stock = (await stocks.read([sourceId])).get(sourceId);
    return stock === undefined ? null : lettersFull(stock, limits, share);
  };

const sets = ['failed', 'delayed', 'prioritized'] as const;
const lists = ['wait', 'active'] as const;
const commandsPerSource = sets.length + lists.length + 1;

/** Creates the stocks on a shared connection. `now` in milliseconds since the epoch. */
export const createLetterStocks = (redis: Redis, keyPrefix: string, now: () => number = Date.now): LetterStocks => {
  const queueKey = (sourceId: string): string => {
    const { prefix, name } = deadLetterQueueAddress(keyPrefix, sourceId);
    return `${prefix}:${name}`;
  };
  const keyOf = (sourceId: string): string => sourceKeys(keyPrefix, sourceId).letters;

  const measures: LetterStocks['measures'] = async (sourceIds) => {
    const pipeline = redis.pipeline();
    for (const sourceId of sourceIds) {
      const key = queueKey(sourceId);
      for (const set of sets) pipeline.zcard(`${key}:${set}`);
      for (const list of lists) pipeline.llen(`${key}:${list}`);
      pipeline.hmget(keyOf(sourceId), 'bytes', 'measured', 'at');
    }
    const values = valuesOfPipeline(await pipeline.exec());
    return new Map(
      sourceIds.map((sourceId, index) => {
        const from = index * commandsPerSource;
        const counts = values.slice(from, from + commandsPerSource - 1);
        const letters = counts.reduce((sum: number, count) => sum + Number(count), 0);
        const reply = values[from + commandsPerSource - 1];
        const kept: readonly unknown[] = Array.isArray(reply) ? reply : [];
        const [bytes, measured, at] = kept;
        return [
          sourceId,
          {
            // The counter may not have heard yet that the last one went.
            stock: { letters, bytes: letters === 0 ? 0 : Math.max(0, Number(bytes ?? 0)) },
            last: {
              letters: typeof measured === 'string' ? Number(measured) : null,
              at: typeof at === 'string' ? Number(at) : null,
            },
          },
        ];
      }),
    );
  };

  const stockOf = async (sourceId: string): Promise<LetterStock> =>
    (await measures([sourceId])).get(sourceId)?.stock ?? { letters: 0, bytes: 0 };

  const bytesIn = async (sourceId: string, name: string, kind: 'set' | 'list', signal?: AbortSignal) => {
    const key = queueKey(sourceId);
    let bytes = 0;
    let cursor = '0';
    do {
      signal?.throwIfAborted();
      const reply = listOf(
        await runScript(redis, letterBytesScript, [`${key}:${name}`], [`${key}:`, kind, cursor, lettersPerPage]),
      );
      cursor = textOf(reply[0]);
      bytes += numberOf(reply[1]);
    } while (cursor !== '0');
    return bytes;
  };

  return {
    measures,
    read: async (sourceIds) => {
      const found = await measures(sourceIds);
      return new Map([...found].map(([sourceId, { stock }]) => [sourceId, stock]));
    },
    added: async (sourceId, bytes) => {
      await redis.hincrby(keyOf(sourceId), 'bytes', bytes);
    },
    measure: async (sourceId, signal) => {
      const before = await redis.hget(keyOf(sourceId), 'bytes');
      const { letters } = await stockOf(sourceId);
      let bytes = 0;
      for (const set of sets) bytes += await bytesIn(sourceId, set, 'set', signal);
      for (const list of lists) bytes += await bytesIn(sourceId, list, 'list', signal);
      // By the difference, so that what was added meanwhile stays counted (twice, if a page has it too: then the number
      // of letters has changed, and the next measure comes soon).
      const pipeline = redis.pipeline().hincrby(keyOf(sourceId), 'bytes', bytes - Number(before ?? 0));
      pipeline.hset(keyOf(sourceId), { measured: letters, at: now() });
      valuesOfPipeline(await pipeline.exec());
      return stockOf(sourceId);
    },
  };
};
