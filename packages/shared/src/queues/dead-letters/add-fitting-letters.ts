// Adds as many dead letters of a source as its limits leave room for, the same for all workers that add at once: room is
// reserved in one step, the letters are added, and the reservation goes. Letters that lie there already need no room, so
// that a worker which was killed half-way finds what it has added, and does not wait for its own letters to go.
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Metrics } from '../../observability/metrics.ts';
import { addDeadLetters, type DeadLetter } from '../dead-letters.ts';
import { sourceKeys } from '../keys.ts';
import { listOf, numberOf, runScript, textOf } from '../script-runner.ts';
import { reserveLettersScript } from '../scripts/reserve-letters.ts';
import { createLetterStocks, type LetterLimits, type LetterShare, lettersFull, limitsOfShare } from './letter-stock.ts';

/** What became of letters. */
export interface AddedLetters {
  /** Of each, by index: it lies there now. */
  readonly lie: readonly boolean[];
  /** Of each: it did not lie there before. */
  readonly isNew: readonly boolean[];
  /** Why not all of them do, as a sentence for operators; null: all do. */
  readonly full: string | null;
}

/** Counts the letters that are new. */
export const countNewLetters = (
  metrics: Pick<Metrics, 'deadLettersTotal'>,
  sourceId: string,
  letters: readonly DeadLetter[],
  { isNew }: Pick<AddedLetters, 'isNew'>,
): void => {
  for (const [index, { data }] of letters.entries())
    if (isNew[index]) metrics.deadLettersTotal.inc({ source: sourceId, code: data.code });
};

/** A worker adds its letters within this time, in milliseconds; one that was frozen for longer may pass the limits. */
const reservedForMs = 60_000;

/** Bytes of a letter that no limit bounds. */
const anySize = Number.MAX_SAFE_INTEGER;

/**
 * Makes the adding for all sources. It rejects with what Redis answered; then all of it may be done again. `share`: what part
 * of the limits these letters may fill (default: the whole); the letter that reaches half of the bytes may pass it, but never
 * by so much that it reaches the whole.
 */
export const createAddFittingLetters = (
  deps: { readonly redis: Redis; readonly queue: (sourceId: string) => Queue },
  options: { readonly keyPrefix: string; readonly limits: LetterLimits; readonly share?: LetterShare },
): ((sourceId: string, letters: readonly DeadLetter[]) => Promise<AddedLetters>) => {
  const { redis } = deps;
  const { keyPrefix, limits, share = 'whole' } = options;
  const { maxRecords, maxBytes } = limitsOfShare(limits, share);
  const stocks = createLetterStocks(redis, keyPrefix);
  return async (sourceId, letters) => {
    const queue = deps.queue(sourceId);
    const keys = sourceKeys(keyPrefix, sourceId);
    const lists = ['failed', 'delayed', 'prioritized', 'wait', 'active'].map((list) => queue.toKey(list));
    const reply = listOf(
      await runScript(
        redis,
        reserveLettersScript,
        [keys.letters, keys.letterRoom, ...lists],
        [
          queue.toKey(''),
          maxRecords,
          maxBytes,
          share === 'whole' ? anySize : maxBytes,
          randomUUID(),
          reservedForMs,
          ...letters.flatMap(({ jobId, data }) => [jobId, Buffer.byteLength(JSON.stringify(data))]),
        ],
      ),
    );
    const verdicts = textOf(reply[0]);
    const fitting = letters.filter((_letter, index) => verdicts[index] === '1');
    try {
      await addDeadLetters(queue, fitting, stocks);
    } finally {
      // One that stays ends by itself; whether the letters were added is what counts.
      if (fitting.length > 0) await redis.zrem(keys.letterRoom, textOf(reply[3])).catch(() => {});
    }
    const stock = { letters: numberOf(reply[1]), bytes: numberOf(reply[2]) };
    return {
      lie: letters.map((_letter, index) => verdicts[index] !== '0'),
      isNew: letters.map((_letter, index) => verdicts[index] === '1'),
      full: verdicts.includes('0')
        ? (lettersFull(stock, limits, share) ?? 'there is no room for more dead letters')
        : null,
    };
  };
};
