// Samples one after another, as the fleet takes them, for the tests of the throttle.
import { type ThrottlingSettings, throttlingSchema } from '../../src/config/sections/throttling.ts';
import { decide } from '../../src/throttle/decide.ts';
import type { LagSample, ThrottleDecision, ThrottleState } from '../../src/throttle/decision.ts';

/** Settings as the config file would have them, defaults for the rest. */
export const settingsOf = (values: Record<string, unknown> = {}): ThrottlingSettings => throttlingSchema.parse(values);

/** Begin of all sequences, in the middle of a slice of whatever length. */
export const begin = 1_777_636_800_437;

export const sampleOf = (changes: Partial<LagSample>): LagSample => ({
  at: begin,
  lag: 0,
  group: 'fire-map',
  topic: 'wildfire-nasa-firms',
  ends: { 'wildfire-nasa-firms': 0 },
  ...changes,
});

/** One sample: its lag (null: no group), and how many records were published since the one before it (default 0). */
export interface Reading {
  readonly lag: number | null;
  readonly published?: number;
}

/** The decisions of readings `everyMs` apart, and the state that they leave behind. */
export function decisionsOf(
  readings: readonly (number | Reading)[],
  settings: ThrottlingSettings,
  { everyMs = settings.sampleIntervalMs, from = null as ThrottleState | null } = {},
): { readonly decisions: readonly ThrottleDecision[]; readonly state: ThrottleState | null } {
  const decisions: ThrottleDecision[] = [];
  let state = from;
  for (const reading of readings) {
    const { lag, published = 0 } = typeof reading === 'number' ? { lag: reading } : reading;
    const end = (state?.ends['wildfire-nasa-firms'] ?? 1_000_000) + published;
    const at = state === null ? begin : state.at + everyMs;
    const step = decide(state, sampleOf({ at, lag, ends: { 'wildfire-nasa-firms': end } }), settings);
    state = step.state;
    decisions.push(step.decision);
  }
  return { decisions, state };
}

/** The same reading again and again. */
export const repeat = <T>(reading: T, times: number): readonly T[] => Array.from({ length: times }, () => reading);
