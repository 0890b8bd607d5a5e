// What is wrong with a source although its provider answers. Pure; asked by whoever shows it.
import type { AnswerHistory } from './answer-history.ts';

/** The named states of a source beside how its polls end. */
export const conditionStates = ['answers_but_stale', 'row_count_unusual'] as const;
export type ConditionState = (typeof conditionStates)[number];

/** A state that a source is in. */
export interface SourceCondition {
  readonly state: ConditionState;
  /** ISO 8601. */
  readonly since: string;
  /** One sentence for people. */
  readonly message: string;
}

/** What of a source's settings the judgement depends on. */
export interface ConditionSettings {
  /** Age of the newest observation above which an answer is stale, in milliseconds; null: never. */
  readonly staleAfterMs: number | null;
}

/**
 * The states that the source is in; none for one that never answered. They stay as they are while it does not answer, or is not
 * polled: that is shown by other means.
 */
export const judgeSource = (
  history: AnswerHistory | null,
  { staleAfterMs }: ConditionSettings,
  /** Milliseconds since the epoch. */
  now: number,
): readonly SourceCondition[] => {
  if (history === null) return [];
  const found: SourceCondition[] = [];
  const { newestObservedAtMs: newest, rows, unusual } = history;
  // A poller's clock may be ahead of ours.
  const answeredAtMs = Math.min(history.answeredAtMs, now);
  // An answer without rows has nothing old in it.
  if (staleAfterMs !== null && newest !== null && rows !== 0 && answeredAtMs - newest > staleAfterMs)
    found.push({
      state: 'answers_but_stale',
      since: new Date(newest + staleAfterMs).toISOString(),
      message: `the provider answers, but its newest observation is of ${new Date(newest).toISOString()} (staleAfter)`,
    });
  if (unusual !== null)
    found.push({
      state: 'row_count_unusual',
      since: new Date(unusual.sinceMs).toISOString(),
      message: `the last answer had ${rows ?? 0} rows; usual for this source are ${rangeText(unusual.usual)}`,
    });
  return found;
};

const rangeText = ({ least, most }: { readonly least: number; readonly most: number }): string =>
  least === most ? `${least}` : `${least} to ${most}`;
