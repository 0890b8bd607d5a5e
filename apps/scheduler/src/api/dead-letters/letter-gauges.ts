// Dead letters that soon expire, as a gauge on the scheduler's /metrics. Read when somebody scrapes.
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { FailedLetters } from '@stream-manager/shared/queues/dead-letters/failed-letters';

const dayMs = 86_400_000;

/** Sets the gauge for each source: letters that lie so long already that they expire within a day. */
export const setLetterGauges = async (
  deps: {
    readonly letters: Pick<FailedLetters, 'now' | 'countUntil'>;
    readonly metrics: Pick<Metrics, 'deadLettersExpiring'>;
  },
  options: { readonly sourceIds: readonly string[]; readonly keepDays: number },
): Promise<void> => {
  const until = (await deps.letters.now()) - (options.keepDays - 1) * dayMs;
  for (const [source, expiring] of await deps.letters.countUntil(options.sourceIds, until))
    deps.metrics.deadLettersExpiring.set({ source }, expiring);
};
