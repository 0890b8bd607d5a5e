// Which station is asked next, and what its answer means for the poll. One station is one request, and one station that
// fails must neither end the poll nor hold up the others for ever; a provider that fails must not be asked on and on.
//
// A station is asked once; if it fails, it is asked again after all others; if it fails again, it is left out this time.
// Three failures in a row are the provider's failure: the poll fails, and goes on later where it was. A round in which
// no station has an observation is a failure too, never "no data".

/** Where a round stands; this is what is kept as the poll's position. */
export interface StationRound {
  /** Stations still to be asked, in this order. */
  readonly rest: readonly string[];
  /** Those of them that failed once. */
  readonly again: readonly string[];
  /** How many stations answered. */
  readonly answered: number;
}

/** What one station's exchange came to: `answered` with an observation or garbage, `none` has no observation (404). */
export type StationOutcome = 'answered' | 'none' | 'failed';

/** What follows on an outcome. */
export type RoundStep =
  /** Go on with this round; `isLeftOut`: the station failed twice and is not asked again. */
  | { readonly action: 'go_on'; readonly round: StationRound; readonly streak: number; readonly isLeftOut: boolean }
  /** The poll fails with the error at hand. */
  | { readonly action: 'fail' };

/** Failures in a row that are taken for the provider's. */
const maxStreak = 3;

/** The beginning of a round. */
export const newRound = (stations: readonly string[]): StationRound => ({
  rest: [...new Set(stations)],
  again: [],
  answered: 0,
});

/** The round without a station that needs no more asking. */
export const withoutStation = (round: StationRound, station: string, outcome: StationOutcome): StationRound => ({
  rest: round.rest.filter((other) => other !== station),
  again: round.again.filter((other) => other !== station),
  answered: round.answered + (outcome === 'answered' ? 1 : 0),
});

/** The step after a station of the round was asked; `streak` = failures in a row before it. */
export const nextStep = (round: StationRound, streak: number, station: string, outcome: StationOutcome): RoundStep => {
  const isLeftOut = outcome === 'failed' && round.again.includes(station);
  if (outcome !== 'failed' || isLeftOut) {
    const next = withoutStation(round, station, outcome);
    if (next.rest.length === 0 && next.answered === 0) return { action: 'fail' };
    if (isLeftOut && streak + 1 >= maxStreak && next.rest.length > 0) return { action: 'fail' };
    return { action: 'go_on', round: next, streak: isLeftOut ? streak + 1 : 0, isLeftOut };
  }
  if (streak + 1 >= maxStreak) return { action: 'fail' };
  const rest = [...round.rest.filter((other) => other !== station), station];
  const next = { rest, again: [...round.again, station], answered: round.answered };
  return { action: 'go_on', round: next, streak: streak + 1, isLeftOut };
};
