// Thresholds given as a time: the flow of that time in records, seen through the decisions.
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/throttle/decide.ts';
import type { ThrottleState } from '../../src/throttle/decision.ts';
import { begin, decisionsOf, repeat, sampleOf, settingsOf } from './sequence.ts';

const defaults = settingsOf();
const steady = (lag: number, published: number, times: number) => repeat({ lag, published }, times);
const thresholdsAfter = (...args: Parameters<typeof decisionsOf>) => {
  const last = decisionsOf(...args).decisions.at(-1);
  return [last?.targetRecords, last?.criticalRecords];
};

describe('a threshold given as a time', () => {
  it('is not known until half of it was watched, and nothing is throttled meanwhile', () => {
    const { decisions } = decisionsOf(steady(1_000_000, 100, 32), defaults);
    expect(decisions.findIndex(({ targetRecords }) => targetRecords !== null)).toBe(8);
    expect(decisions.findIndex(({ criticalRecords }) => criticalRecords !== null)).toBe(30);
    expect(decisions.findIndex(({ action }) => action === 'throttle_moderate')).toBe(8);
    expect(decisions.findIndex(({ action }) => action === 'throttle_critical')).toBe(30);
    expect(decisions[7]).toMatchObject({ action: 'none', allowedRate: 100_000 });
    expect(decisions[7]?.reason).toContain('not judged yet: the target is 15s of flow, and the flow is known for 7s');
  });

  it('is extrapolated from what was watched, then the flow of that time and of one sample, and one record', () => {
    expect(thresholdsAfter(steady(0, 1_000, 9), defaults)).toEqual([15_001, null]);
    expect(thresholdsAfter(steady(0, 1_000, 41), defaults)).toEqual([16_001, 60_001]);
    expect(thresholdsAfter(steady(0, 1_000, 100), defaults)).toEqual([16_001, 61_001]);
  });

  it('never means fewer records than 1,000 and 5,000', () => {
    expect(thresholdsAfter(steady(0, 1, 100), defaults)).toEqual([1_000, 5_000]);
  });

  it('does not throttle a poll of 5,000 records after an idle quarter of an hour', () => {
    const idle = decisionsOf(steady(0, 0, 900), defaults).state;
    const { decisions } = decisionsOf([{ lag: 5_000, published: 5_000 }, ...repeat(5_000, 15)], defaults, {
      from: idle,
    });
    expect(decisions.map(({ action }) => action)).toEqual(repeat('none', 16));
    expect(decisions[0]).toMatchObject({ targetRecords: 5_001, criticalRecords: 5_001 });
  });

  it('remembers the greatest flow of the window and no longer', () => {
    const burst = decisionsOf([...steady(0, 0, 100), { lag: 0, published: 9_000 }], defaults).state;
    expect(thresholdsAfter(repeat(0, 60), defaults, { from: burst })[0]).toBe(9_001);
    expect(thresholdsAfter(repeat(0, 61), defaults, { from: burst })[0]).toBe(1_000);
  });

  it('raises a critical number that is below a target given as a time', () => {
    const mixed = settingsOf({ criticalConsumerLag: 5_000 });
    expect(thresholdsAfter(steady(0, 1_000, 3), mixed)).toEqual([null, null]);
    expect(thresholdsAfter(steady(0, 1_000, 100), mixed)).toEqual([16_001, 16_001]);
  });

  it('is judged at once where it is a number', () => {
    const { decisions } = decisionsOf(steady(2_000, 10, 1), settingsOf({ targetConsumerLag: 1_000 }));
    expect(decisions[0]).toMatchObject({ action: 'throttle_moderate', targetRecords: 1_000, criticalRecords: null });
  });

  it('is extrapolated from an hour where it is longer than that', () => {
    const day = settingsOf({ targetConsumerLag: '24h', criticalConsumerLag: '24h', sampleIntervalMs: 60_000 });
    const [target] = thresholdsAfter(steady(0, 60, 200), day);
    expect(target).toBeGreaterThanOrEqual(86_400);
    expect(target).toBeLessThan(86_400 * 1.05);
  });

  it.each([
    ['15s', 'lag 5,000 of group fire-map on wildfire-nasa-firms is at least the target 1,000 (15s of flow)'],
    ['120s', 'lag 5,000 of group fire-map on wildfire-nasa-firms is at least the target 1,000 (120s of flow)'],
    ['10m', 'lag 5,000 of group fire-map on wildfire-nasa-firms is at least the target 1,000 (10m of flow)'],
  ])('is named in the reason: %s', (targetConsumerLag, reason) => {
    const settings = settingsOf({ targetConsumerLag, criticalConsumerLag: '24h', sampleIntervalMs: 60_000 });
    expect(decisionsOf(repeat(5_000, 20), settings).decisions.at(-1)?.reason).toBe(reason);
  });

  it('keeps what held while the flow is not known again', () => {
    const throttled = decisionsOf(steady(500_000, 100, 60), defaults).state;
    const { decisions } = decisionsOf([500_000], defaults, { from: throttled, everyMs: 600_000 });
    expect(decisions[0]).toMatchObject({ action: 'none', level: 4, allowedRate: 10, targetRecords: null });
  });
});

describe('a source that is slowed', () => {
  const throttled = () => decisionsOf([...steady(0, 1_000, 100), ...steady(30_000, 0, 60)], defaults).state;
  /** A backlog that comes on: 8,000 a second, of which the group gets through `consumed`. */
  const backlog = (consumed: number, samples: number) =>
    Array.from({ length: samples }, (_, index) => ({
      lag: 30_000 + (index + 1) * (8_000 - consumed),
      published: 8_000,
    }));

  it('does not raise its own thresholds by catching up', () => {
    const { decisions } = decisionsOf(backlog(0, 16), defaults, { from: throttled() });
    expect(decisions.at(-1)).toMatchObject({ targetRecords: 16_001, criticalRecords: 61_001, lag: 158_000 });
  });

  it('raises them by what its consumers get through', () => {
    const { decisions } = decisionsOf(backlog(7_000, 16), defaults, { from: throttled() });
    expect(decisions.at(-1)?.targetRecords).toBe(16 * 7_000 + 1);
  });

  it('forgets what was before once it is at full rate', () => {
    const { state } = decisionsOf([...steady(0, 0, 33), ...steady(0, 8_000, 30)], defaults, { from: throttled() });
    expect(state).toMatchObject({ allowedRate: 100_000, calm: { target: 128_001 } });
  });
});

describe('the flow', () => {
  const after = (state: ThrottleState | null, seconds: number, ends: Readonly<Record<string, number>>) =>
    decide(state, sampleOf({ at: begin + seconds * 1_000, lag: 0, ends }), defaults).state;
  const published = (state: ThrottleState) => state.slices.reduce((sum, slice) => sum + slice.published, 0);

  it('counts no topic that appears, was made anew, or came back', () => {
    let state = after(null, 0, { a: 100 });
    state = after(state, 1, { a: 110, b: 50_000 });
    expect([published(state), state.since]).toEqual([10, begin + 1_000]);
    state = after(state, 2, { a: 5, b: 50_001 });
    expect([published(state), state.since]).toEqual([11, begin + 2_000]);
    state = after(state, 3, { a: 6 });
    state = after(state, 4, { a: 6, b: 50_003 });
    expect([published(state), state.since]).toEqual([14, begin + 2_000]);
  });

  it('forgets vanished topics when there were very many', () => {
    let state: ThrottleState | null = null;
    for (let index = 0; index < 1_000; index += 1) state = after(state, index, { [`topic-${index}`]: index });
    expect(Object.keys(state?.ends ?? {}).length).toBeLessThanOrEqual(200);
  });

  it('goes on while no group is known', () => {
    const { state } = decisionsOf(repeat({ lag: null, published: 5 }, 10), defaults);
    expect(state === null ? 0 : published(state)).toBe(45);
  });

  it('begins anew when the length of a slice changes', () => {
    const { state } = decisionsOf(steady(0, 100, 70), defaults);
    const slower = settingsOf({ sampleIntervalMs: 5_000 });
    const { state: next, decisions } = decisionsOf([{ lag: 400, published: 500 }], slower, { from: state });
    expect(next).toMatchObject({ sliceMs: 5_000, since: state?.at, slices: [{ published: 500 }] });
    expect(decisions[0]?.action).toBe('none');
  });
});
