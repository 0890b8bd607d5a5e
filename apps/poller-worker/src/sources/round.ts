// Which item of a source is asked for next, and what its answer means for the poll: a station, a gridpoint, a ZIP code.
// One item is one request, and one that fails must neither end the poll nor hold up the others for ever; a provider that
// fails must not be asked on and on.
//
// An item is asked for once; if it fails, it is asked for again after all others; if it fails again, it is left out this
// time. Three failures in a row are the provider's failure: the poll fails, and goes on later where it was. A round in
// which no item has anything is a failure too, never "no data".
import { asObject } from './json-fields.ts';

/** Where a round stands; this is what is kept as the poll's position. */
export interface Round {
  /** Items still to be asked for, in this order. */
  readonly rest: readonly string[];
  /** Those of them that failed once. */
  readonly again: readonly string[];
  /** How many items were answered. */
  readonly answered: number;
}

/** What one item's exchange came to: `answered` with rows or garbage, `none` when the provider does not have it (404). */
export type ItemOutcome = 'answered' | 'none' | 'failed';

/** What follows on an outcome. */
export type RoundStep =
  /** Go on with this round; `isLeftOut`: the item failed twice and is not asked for again. */
  | { readonly action: 'go_on'; readonly round: Round; readonly streak: number; readonly isLeftOut: boolean }
  /** The poll fails with the error at hand. */
  | { readonly action: 'fail' };

/** Failures in a row that are taken for the provider's. */
const maxStreak = 3;

/** The beginning of a round. */
export const newRound = (items: readonly string[]): Round => ({
  rest: [...new Set(items)],
  again: [],
  answered: 0,
});

/** The round without an item that needs no more asking. */
export const withoutItem = (round: Round, item: string, outcome: ItemOutcome): Round => ({
  rest: round.rest.filter((other) => other !== item),
  again: round.again.filter((other) => other !== item),
  answered: round.answered + (outcome === 'answered' ? 1 : 0),
});

/** The step after an item of the round was asked for; `streak` = failures in a row before it. */
export const nextStep = (round: Round, streak: number, item: string, outcome: ItemOutcome): RoundStep => {
  const isLeftOut = outcome === 'failed' && round.again.includes(item);
  if (outcome !== 'failed' || isLeftOut) {
    const next = withoutItem(round, item, outcome);
    if (next.rest.length === 0 && next.answered === 0) return { action: 'fail' };
    if (isLeftOut && streak + 1 >= maxStreak && next.rest.length > 0) return { action: 'fail' };
    return { action: 'go_on', round: next, streak: isLeftOut ? streak + 1 : 0, isLeftOut };
  }
  if (streak + 1 >= maxStreak) return { action: 'fail' };
  const rest = [...round.rest.filter((other) => other !== item), item];
  const next = { rest, again: [...round.again, item], answered: round.answered };
  return { action: 'go_on', round: next, streak: streak + 1, isLeftOut };
};

/** The round that an earlier run left in its position; null if there is none that can be gone on with. */
export const readRound = (position: unknown): Round | null => {
  const round = asObject(asObject(position)?.['round']);
  const rest = textsOf(round?.['rest']);
  const again = textsOf(round?.['again']);
  const answered = round?.['answered'];
  return rest !== null && rest.length > 0 && again !== null && typeof answered === 'number'
    ? { rest, again, answered }
    : null;
};

/** The value as a list of texts, or null. */
export const textsOf = (value: unknown): readonly string[] | null =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
