// The rules of the decision, in tables. The first ones are the cases of the Python system that this one replaces, with its
// settings (1,000, 5,000, 1 to 1,000 records/s, samples further apart than the window); where this one differs on purpose
// the title says so.
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/throttle/decide.ts';
import { begin, decisionsOf, repeat, sampleOf, settingsOf } from './sequence.ts';

const original = settingsOf({
  targetConsumerLag: 1_000,
  criticalConsumerLag: 5_000,
  minSendRate: 1,
  maxSendRate: 1_000,
});
const farApart = { everyMs: 61_000 };
const short = ({ action, delayMs, level, allowedRate }: ReturnType<typeof decide>['decision']) =>
  [action, delayMs, level, Math.round(allowedRate * 1_000) / 1_000] as const;

describe('the cases of the original', () => {
  it('judges 0, 999, 1000, 4999, 5000 and 5001 as the original did', () => {
    const { decisions } = decisionsOf([0, 999, 1_000, 4_999, 5_000, 5_001], original, farApart);
    expect(decisions.map(short)).toEqual([
      ['none', 0, 0, 1_000],
      ['none', 0, 0, 1_000],
      ['throttle_moderate', 1_000, 0, 666.667],
      ['throttle_moderate', 1_000, 0, 444.444],
      ['throttle_critical', 1_500, 1, 197.531],
      ['throttle_critical', 2_250, 2, 87.791],
    ]);
  });

  it('raises the level on a constant 6000 up to 4, where the original went on to 5', () => {
    const { decisions } = decisionsOf(repeat(6_000, 7), original, farApart);
    expect(decisions.map(short)).toEqual([
      ['throttle_critical', 1_500, 1, 444.444],
      ['throttle_critical', 2_250, 2, 197.531],
      ['throttle_critical', 3_375, 3, 87.791],
      ['throttle_critical', 5_063, 4, 39.018],
      ['throttle_critical', 5_063, 4, 17.342],
      ['throttle_critical', 5_063, 4, 7.707],
      ['throttle_critical', 5_063, 4, 3.425],
    ]);
  });

  it('comes back to full rate after critical lag, where the original stayed at 237', () => {
    const { decisions } = decisionsOf([6_000, 6_000, ...repeat(100, 14)], original, farApart);
    expect(decisions[10]).toMatchObject({ action: 'none', delayMs: 0, level: 2 });
    expect(decisions.slice(2, 11).map(({ allowedRate }) => Math.round(allowedRate))).toEqual(repeat(198, 9));
    expect(decisions.slice(11).map(short)).toEqual([
      ['none', 0, 0, 296.296],
      ['none', 0, 0, 444.444],
      ['none', 0, 0, 666.667],
      ['none', 0, 0, 1_000],
      ['none', 0, 0, 1_000],
    ]);
  });

  it('comes back to full rate after moderate lag, where the original stayed at 444', () => {
    const { decisions } = decisionsOf([2_000, 2_000, ...repeat(100, 14)], original, farApart);
    expect(decisions.slice(-6).map(({ allowedRate }) => Math.round(allowedRate))).toEqual([
      444, 667, 1_000, 1_000, 1_000, 1_000,
    ]);
  });

  it('is not throttled by the average of lag that is gone, where the original threw its rate down to 1', () => {
    const { decisions } = decisionsOf([...repeat(60_000, 3), ...repeat(0, 15)], original);
    expect(decisions.slice(3).every(({ action }) => action === 'none')).toBe(true);
    expect(decisions[3]?.averageLag).toBe(45_000);
  });
});

describe('a decision', () => {
  const numbers = settingsOf({ targetConsumerLag: 1_000, criticalConsumerLag: 5_000 });

  it('stays critical while the average of the window is critical and the newest lag is not below the target', () => {
    const { decisions } = decisionsOf([20_000, 1_000, 1_000, 1_000, 1_000, 999], numbers);
    expect(decisions.map(({ action }) => action)).toEqual([
      'throttle_critical',
      'throttle_critical',
      'throttle_critical',
      'throttle_critical',
      'throttle_moderate',
      'none',
    ]);
    expect(decisions[1]?.reason).toBe(
      'lag 1,000 of group fire-map on wildfire-nasa-firms is at least the target 1,000, and its average over 60s, 10,500, at least the critical 5,000',
    );
  });

  it('never delays by more than maxDelayMs', () => {
    const capped = settingsOf({
      targetConsumerLag: 1,
      criticalConsumerLag: 1,
      adjustmentFactor: 2,
      maxDelayMs: 12_000,
    });
    const { decisions } = decisionsOf(repeat(1, 6), capped);
    expect(decisions.map(({ delayMs }) => delayMs)).toEqual([2_000, 4_000, 8_000, 12_000, 12_000, 12_000]);
  });

  it('needs recoveryChecks low samples in a row, anew after each high one', () => {
    const { decisions } = decisionsOf([1_000, ...repeat(0, 9), 1_000, ...repeat(0, 10)], numbers);
    const rates = decisions.map(({ allowedRate }) => Math.round(allowedRate));
    expect(rates.slice(0, 10)).toEqual(repeat(66_667, 10));
    expect(rates.slice(10, 20)).toEqual(repeat(44_444, 10));
    expect(rates.at(-1)).toBe(66_667);
  });

  it('is full rate at level 0 while no group has a commit, and says so', () => {
    const { decisions } = decisionsOf([9_000, { lag: null }, 9_000], numbers);
    expect(decisions[1]).toMatchObject({
      action: 'no_sample',
      level: 0,
      delayMs: 0,
      allowedRate: 100_000,
      lag: null,
      reason: "no consumer group that counts has a commit on the source's topics",
    });
    expect(decisions[2]).toMatchObject({ action: 'throttle_critical', level: 1 });
  });

  it('holds nothing back while throttling is turned off, and still tells lag, average and trend', () => {
    const off = settingsOf({ enabled: false, targetConsumerLag: 1_000, criticalConsumerLag: 5_000 });
    const { decisions } = decisionsOf([{ lag: 9_000 }, { lag: 9_500, published: 600 }, { lag: null }], off);
    expect(decisions[1]).toMatchObject({
      action: 'none',
      level: 0,
      delayMs: 0,
      allowedRate: 100_000,
      lag: 9_500,
      averageLag: 9_250,
      trendPerSecond: 500,
      drainSeconds: 95,
      reason: 'throttling is turned off; lag 9,500 of group fire-map on wildfire-nasa-firms',
    });
    expect(decisions[2]?.action).toBe('no_sample');
  });

  it.each([
    ['a lower maximum', { maxSendRate: 500 }, 222],
    ['a higher minimum', { minSendRate: 90_000 }, 90_000],
    ['a higher maximum', { maxSendRate: 1_000_000 }, 19_753],
  ])('brings the rate within its bounds after a change of settings: %s', (_name, change, expected) => {
    const { state } = decisionsOf([9_000], numbers);
    const changed = settingsOf({ targetConsumerLag: 1_000, criticalConsumerLag: 5_000, ...change });
    const { decisions } = decisionsOf([9_000], changed, { from: state });
    expect(Math.round(decisions[0]?.allowedRate ?? 0)).toBe(expected);
  });

  it('says in words why it is what it is', () => {
    const { decisions } = decisionsOf([7_400, 1_400, ...repeat(0, 11)], numbers);
    const group = 'of group fire-map on wildfire-nasa-firms';
    expect([0, 2, 11, 12].map((index) => decisions[index]?.reason)).toEqual([
      `lag 7,400 ${group} is at least the critical 5,000`,
      `lag 0 ${group} is below the target 1,000, 1 of 10 such samples before the rate rises again`,
      `lag 0 ${group} is below the target 1,000, and the rate is rising again`,
      `lag 0 ${group} is below the target 1,000, and the rate is rising again`,
    ]);
  });

  it('does not mind a lag without a group or a topic', () => {
    const { decision } = decide(null, sampleOf({ at: begin, lag: 3, group: null, topic: null }), numbers);
    expect(decision.reason).toBe('lag 3 is below the target 1,000');
  });
});
