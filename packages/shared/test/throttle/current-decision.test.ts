import { describe, expect, it } from 'vitest';
import { currentDecision } from '../../src/throttle/current-decision.ts';
import { decisionsOf, repeat, settingsOf } from './sequence.ts';

const settings = settingsOf({ targetConsumerLag: 1_000, criticalConsumerLag: 5_000 });
const throttled = () => {
  const decision = decisionsOf(repeat(6_000, 2), settings).decisions.at(-1);
  if (decision === undefined) throw new Error('two readings make two decisions');
  return decision;
};

describe('the decision that holds', () => {
  it('is the last one for 30 s', () => {
    const decision = throttled();
    expect(currentDecision({ decision, ageMs: 30_000 }, settings, 1_000)).toEqual(decision);
  });

  it('is the last one for three samples, where these are longer', () => {
    const decision = throttled();
    expect(currentDecision({ decision, ageMs: 180_000 }, settings, 60_000)).toEqual(decision);
    expect(currentDecision({ decision, ageMs: 180_001 }, settings, 60_000).action).toBe('no_sample');
  });

  it('is half of the last rate and the same delay after that, with no lag', () => {
    const decision = throttled();
    expect(currentDecision({ decision, ageMs: 42_700 }, settings, 1_000)).toEqual({
      ...decision,
      action: 'no_sample',
      allowedRate: decision.allowedRate / 2,
      lag: null,
      averageLag: null,
      trendPerSecond: null,
      drainSeconds: null,
      reason: 'no lag could be read for 42s, so at most half of the last allowed rate',
    });
  });

  it('never goes below minSendRate nor above maxSendRate', () => {
    const decision = { ...throttled(), allowedRate: 15 };
    expect(currentDecision({ decision, ageMs: 60_000 }, settings, 1_000).allowedRate).toBe(10);
    const lower = settingsOf({ maxSendRate: 12, minSendRate: 1 });
    expect(currentDecision({ decision, ageMs: 0 }, lower, 1_000).allowedRate).toBe(12);
    expect(currentDecision({ decision, ageMs: 60_000 }, lower, 1_000).allowedRate).toBe(6);
  });

  it('is full rate for a source that was never sampled', () => {
    expect(currentDecision(undefined, settings, 1_000)).toMatchObject({
      action: 'no_sample',
      delayMs: 0,
      allowedRate: 100_000,
      lag: null,
    });
  });

  it('holds nothing back once throttling is turned off, whatever was decided before', () => {
    const off = settingsOf({ enabled: false });
    expect(currentDecision({ decision: throttled(), ageMs: 0 }, off, 1_000)).toMatchObject({
      action: 'none',
      level: 0,
      delayMs: 0,
      allowedRate: 100_000,
      lag: 6_000,
      reason: 'throttling is turned off',
    });
    expect(currentDecision({ decision: throttled(), ageMs: 31_000 }, off, 1_000)).toMatchObject({
      action: 'no_sample',
      delayMs: 0,
      allowedRate: 100_000,
    });
  });
});
