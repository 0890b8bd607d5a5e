// Keeps the byte counters of the dead letters right: measures anew a source whose number of letters has changed (some went
// in Bull Board, some were added twice), and every source once a minute.
import type { LetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';

/** A source whose number of letters stands still is measured this often, in milliseconds. */
const measureIntervalMs = 60_000;
/** 10,000 letters cost Redis some 5 ms: per letter a source rests this long, so that measuring stays below 1 % of it. */
const restMsPerLetter = 0.1;

/** Whether a source is due. Pure; `now` in milliseconds since the epoch. */
export const isMeasureDue = (
  found: {
    readonly stock: { readonly letters: number; readonly bytes: number };
    readonly last: { readonly letters: number | null; readonly at: number | null };
  },
  now: number,
): boolean => {
  const { stock, last } = found;
  // Nothing lies there, and nothing did.
  if (stock.letters === 0 && (last.letters ?? 0) === 0) return false;
  if (last.at === null) return true;
  // A clock that was set back must not end the measuring.
  const passedMs = Math.abs(now - last.at);
  return passedMs >= (stock.letters === last.letters ? measureIntervalMs : stock.letters * restMsPerLetter);
};

/** Measures the sources that are due; gives how many. */
export const measureLetters = async (
  deps: { readonly stocks: Pick<LetterStocks, 'measures' | 'measure'>; readonly now: () => number },
  sourceIds: readonly string[],
  signal: AbortSignal,
): Promise<number> => {
  let measured = 0;
  for (const [sourceId, found] of await deps.stocks.measures(sourceIds)) {
    if (!isMeasureDue(found, deps.now())) continue;
    signal.throwIfAborted();
    await deps.stocks.measure(sourceId, signal);
    measured += 1;
  }
  return measured;
};
