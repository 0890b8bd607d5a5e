// The end of dead letters that lie longer than `delivery.deadLetters.keepDays`: removed, counted, logged; and those that
// end within a day are warned of, once a day. A letter that waits for a run or is being replayed does not expire.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { FailedLetters } from '@stream-manager/shared/queues/dead-letters/failed-letters';

const dayMs = 86_400_000;
/** Letters of a source that are removed in one round; the rest goes with the next. */
const lettersPerRound = 5_000;

export interface ExpireDeps {
  readonly letters: Pick<FailedLetters, 'now' | 'countUntil' | 'removeUntil'>;
  readonly metrics: Pick<Metrics, 'deadLettersExpiredTotal'>;
  readonly logger: Logger;
}

/** Makes the act of one round over all sources. `keepDays` may be a part of a day. */
export const createLetterExpiry = (
  deps: ExpireDeps,
  options: { readonly keepDays: number },
): ((sourceIds: readonly string[], signal: AbortSignal) => Promise<void>) => {
  const keepMs = options.keepDays * dayMs;
  const warnedAt = new Map<string, number>();
  return async (sourceIds, signal) => {
    const now = await deps.letters.now();
    for (const [sourceId, due] of await deps.letters.countUntil(sourceIds, now - keepMs)) {
      if (due === 0) continue;
      signal.throwIfAborted();
      const expired = await deps.letters.removeUntil(sourceId, now - keepMs, lettersPerRound);
      if (expired === 0) continue;
      deps.metrics.deadLettersExpiredTotal.inc({ source: sourceId }, expired);
      deps.logger.warn({ sourceId, expired, keepDays: options.keepDays }, 'dead letters have expired');
    }
    for (const [sourceId, expiring] of await deps.letters.countUntil(sourceIds, now - keepMs + dayMs)) {
      if (expiring === 0 || now - (warnedAt.get(sourceId) ?? Number.NEGATIVE_INFINITY) < dayMs) continue;
      warnedAt.set(sourceId, now);
      deps.logger.warn({ sourceId, expiring }, 'dead letters expire within a day: replay or discard them');
    }
  };
};
