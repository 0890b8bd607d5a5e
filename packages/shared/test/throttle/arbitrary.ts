// Settings and pasts for the properties of the throttle.
import fc from 'fast-check';
import { type ThrottlingSettings, throttlingFaults } from '../../src/config/sections/throttling.ts';
import { decide } from '../../src/throttle/decide.ts';
import type { ThrottleState } from '../../src/throttle/decision.ts';
import { begin, sampleOf, settingsOf } from './sequence.ts';

const threshold = fc.oneof(
  fc.integer({ min: 1, max: 100_000 }),
  fc.integer({ min: 1, max: 120 }).map((seconds) => `${seconds}s`),
);

/** Any settings that the config takes, with times of at most two minutes. */
export const anySettings: fc.Arbitrary<ThrottlingSettings> = fc
  .record({
    enabled: fc.boolean(),
    minSendRate: fc.double({ min: 0.1, max: 1_000, noNaN: true }),
    maxSendRate: fc.double({ min: 1, max: 10_000_000, noNaN: true }),
    targetConsumerLag: threshold,
    criticalConsumerLag: threshold,
    adjustmentFactor: fc.double({ min: 1.05, max: 10, noNaN: true }),
    windowSeconds: fc.integer({ min: 1, max: 300 }),
    sampleIntervalMs: fc.integer({ min: 100, max: 60_000 }),
    baseDelayMs: fc.integer({ min: 0, max: 600_000 }),
    maxDelayMs: fc.integer({ min: 0, max: 600_000 }),
    recoveryChecks: fc.integer({ min: 1, max: 50 }),
  })
  .filter((values) => values.minSendRate <= values.maxSendRate && values.baseDelayMs <= values.maxDelayMs)
  .filter((values) => values.sampleIntervalMs <= values.windowSeconds * 1_000)
  .filter((values) => !isRefused(values))
  .map((values) => settingsOf(values));

const isRefused = (values: Record<string, unknown>): boolean => {
  try {
    return throttlingFaults(settingsOf(values)).length > 0;
  } catch {
    // What the schema refuses is no setting.
    return true;
  }
};

/** Settings under which something is throttled. */
export const enabledSettings = anySettings.map((settings) => ({ ...settings, enabled: true }));

/** What happened between two samples, and the lag that the later one saw. */
export interface Event {
  readonly passedMs: number;
  readonly lag: number | null;
  readonly published: number;
  readonly topic: string;
}

/** Mostly a second or so, sometimes a long pause, sometimes a clock that goes back. */
export const anyEvents: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.record({
    passedMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 7_200_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: -7_200_000, max: 0 }) },
    ),
    lag: fc.option(fc.integer({ min: 0, max: 200_000 }), { freq: 8 }),
    published: fc.integer({ min: -1_000, max: 20_000 }),
    topic: fc.constantFrom('a', 'b', 'c'),
  }),
  { maxLength: 60 },
);

/** The state and the decisions that these events leave behind. */
export function past(events: readonly Event[], settings: ThrottlingSettings) {
  let state: ThrottleState | null = null;
  let at = begin;
  const decisions = [];
  for (const { passedMs, lag, published, topic } of events) {
    at += passedMs;
    const end = Math.max(0, (state?.ends[topic] ?? 0) + published);
    const step = decide(state, sampleOf({ at, lag, ends: { [topic]: end } }), settings);
    state = step.state;
    decisions.push(step.decision);
  }
  return { state, decisions };
}
