// What must hold of the throttle whatever the settings and whatever happened before.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ThrottlingSettings } from '../../src/config/sections/throttling.ts';
import { decide } from '../../src/throttle/decide.ts';
import type { ThrottleAction } from '../../src/throttle/decision.ts';
import { spanMs } from '../../src/throttle/slices.ts';
import { anyEvents, anySettings, enabledSettings, past } from './arbitrary.ts';
import { decisionsOf, repeat, sampleOf, settingsOf } from './sequence.ts';

const severity: Readonly<Record<ThrottleAction, number>> = {
  no_sample: 0,
  none: 0,
  throttle_moderate: 1,
  throttle_critical: 2,
};
/** Low samples after which the rate is full again, however low it was. */
const recoverySamples = ({ recoveryChecks, maxSendRate, minSendRate, adjustmentFactor }: ThrottlingSettings) =>
  recoveryChecks + Math.ceil(Math.log(maxSendRate / minSendRate) / Math.log(adjustmentFactor));
/** Samples after which nothing is left of what was before. */
const samplesOfHistory = (settings: ThrottlingSettings) => Math.ceil(spanMs(settings) / settings.sampleIntervalMs) + 2;

describe('whatever happens', () => {
  it('level, rate and delay stay within their bounds, also when the settings change', () => {
    fc.assert(
      fc.property(anyEvents, anyEvents, anySettings, anySettings, (before, after, old, settings) => {
        let { state } = past(before, old);
        for (const { passedMs, lag, published } of after) {
          const at = (state?.at ?? 0) + passedMs;
          const ends = { a: Math.max(0, (state?.ends.a ?? 0) + published) };
          const { decision, ...next } = decide(state, sampleOf({ at, lag, ends }), settings);
          state = next.state;
          expect([0, 1, 2, 3, 4]).toContain(decision.level);
          expect(decision.allowedRate).toBeGreaterThanOrEqual(settings.minSendRate);
          expect(decision.allowedRate).toBeLessThanOrEqual(settings.maxSendRate);
          expect(decision.delayMs).toBeGreaterThanOrEqual(0);
          expect(decision.delayMs).toBeLessThanOrEqual(settings.maxDelayMs);
          expect(decision.delayMs === 0 || severity[decision.action] > 0).toBe(true);
          expect((decision.criticalRecords ?? Infinity) >= (decision.targetRecords ?? Infinity)).toBe(true);
          expect((decision.lag === null) === (decision.action === 'no_sample')).toBe(true);
        }
      }),
    );
  });

  it('the state stays small', () => {
    fc.assert(
      fc.property(anyEvents, fc.integer({ min: 100, max: 60_000 }), enabledSettings, (events, passedMs, settings) => {
        const many = Array.from({ length: 20 }, () => events.map((event) => ({ ...event, passedMs }))).flat();
        const { state } = past(many, settings);
        expect(state?.slices.length ?? 0).toBeLessThanOrEqual(121);
        expect(JSON.stringify(state).length).toBeLessThan(15_000);
        const slots = (state?.slices ?? []).map(({ slot }) => slot);
        expect(slots).toEqual([...new Set(slots)].toSorted((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });

  it('a state survives the way through JSON', () => {
    fc.assert(
      fc.property(anyEvents, anySettings, (events, settings) => {
        const { state } = past(events, settings);
        // What Redis gives back, which TypeScript cannot know.
        const stored = JSON.parse(JSON.stringify(state)) as typeof state;
        const sample = sampleOf({ at: (state?.at ?? 0) + 1_000, lag: 4_000 });
        expect(decide(stored, sample, settings)).toEqual(decide(state, sample, settings));
      }),
    );
  });
});

describe('more lag', () => {
  it('never brings a milder action, a higher rate or a shorter delay', () => {
    const lags = fc.tuple(fc.nat(300_000), fc.nat(300_000));
    fc.assert(
      fc.property(anyEvents, anySettings, lags, fc.nat(5_000), (events, settings, [one, other], passedMs) => {
        const { state } = past(events, settings);
        const at = (state?.at ?? 0) + passedMs;
        const decisionAt = (lag: number) =>
          decide(state, sampleOf({ at, lag, ends: { a: 50_000 } }), settings).decision;
        const [less, more] = [decisionAt(Math.min(one, other)), decisionAt(Math.max(one, other))];
        expect(severity[more.action]).toBeGreaterThanOrEqual(severity[less.action]);
        expect(more.allowedRate).toBeLessThanOrEqual(less.allowedRate);
        expect(more.delayMs).toBeGreaterThanOrEqual(less.delayMs);
        expect(more.level).toBeGreaterThanOrEqual(less.level);
      }),
    );
  });
});

describe('lag that stays low', () => {
  it('always leads back to full rate, within a number of samples that follows from the settings', () => {
    fc.assert(
      fc.property(anyEvents, enabledSettings, (events, settings) => {
        const { state } = past(events, settings);
        const samples = samplesOfHistory(settings) + recoverySamples(settings);
        const last = decisionsOf(repeat(0, samples), settings, { from: state }).decisions.at(-1);
        expect(last).toMatchObject({ action: 'none', level: 0, delayMs: 0, allowedRate: settings.maxSendRate });
      }),
    );
  });

  it('brings the default settings from the lowest rate to the highest in 32 samples', () => {
    const defaults = settingsOf();
    const { state } = decisionsOf(repeat(1_000_000, 120), defaults);
    expect(state?.allowedRate).toBe(10);
    const { decisions } = decisionsOf(repeat(0, 32), defaults, { from: state });
    expect(decisions.map(({ allowedRate }) => allowedRate).indexOf(100_000)).toBe(31);
  });
});

describe('a constant lag at a constant flow', () => {
  it('has one action once what was before is forgotten, and moves level and rate one way only', () => {
    const flow = fc.record({ lag: fc.nat(200_000), published: fc.nat(5_000) });
    const whole = enabledSettings.map((settings) => ({ ...settings, sampleIntervalMs: 1_000 }));
    fc.assert(
      fc.property(anyEvents, whole, flow, (events, settings, reading) => {
        const forget = samplesOfHistory(settings);
        const { decisions } = decisionsOf(repeat(reading, 2 * forget + 60), settings, {
          from: past(events, settings).state,
        });
        const later = decisions.slice(2 * forget);
        expect(new Set(later.map(({ action }) => action)).size).toBe(1);
        const rates = later.map(({ allowedRate }) => allowedRate);
        const levels = later.map(({ level }) => level);
        const isHigh = severity[later[0]?.action ?? 'none'] > 0;
        expect(rates).toEqual(rates.toSorted((a, b) => (isHigh ? b - a : a - b)));
        expect(levels).toEqual(levels.toSorted((a, b) => (isHigh ? a - b : b - a)));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a clock that goes back', () => {
  it('throttles no healthy consumer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7_200_000 }), fc.integer({ min: 1, max: 50_000 }), (backMs, published) => {
        const defaults = settingsOf();
        const healthy = { lag: published * 5, published };
        const before = decisionsOf(repeat(healthy, 90), defaults);
        const jump = decisionsOf([healthy], defaults, { from: before.state, everyMs: -backMs });
        const after = decisionsOf(repeat(healthy, 90), defaults, { from: jump.state });
        for (const { action } of [...before.decisions, ...jump.decisions, ...after.decisions])
          expect(action).toBe('none');
      }),
      { numRuns: 40 },
    );
  });
});
