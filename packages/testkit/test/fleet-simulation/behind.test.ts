// Consumers that fall behind: lag stays bounded, what they can bear is used, and full rate comes back by itself.
import { describe, expect, it } from 'vitest';
import { type Moment, type SimulatedSource, simulate } from '../../src/fleet-simulation/simulate.ts';
import { capacities, steady } from '../../src/fleet-simulation/supply.ts';
import {
  fullRate,
  greatestLag,
  isSlowed,
  minute,
  mostBetween,
  recordsLost,
  runOf,
  second,
  sourceOf,
} from './scenarios.ts';

const between = (moments: readonly Moment[], fromMs: number, toMs: number) =>
  moments.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
const pairs = (moments: readonly Moment[]) =>
  moments.slice(1).map((later, index) => ({ earlier: moments[index] ?? later, later }));

/** Each sample's lag is at most that of the one before and what was in flight and allowed since. */
function expectBounded(moments: readonly Moment[]) {
  for (const { earlier, later } of pairs(moments)) {
    const most = mostBetween(earlier, later);
    expect(later.whereabouts.published - earlier.whereabouts.published).toBeLessThanOrEqual(most);
    expect(later.lag ?? 0).toBeLessThanOrEqual((earlier.lag ?? Infinity) + most);
  }
}

/** The last sample whose lag was not below its target, and the first at full rate after it. */
function recovery(moments: readonly Moment[]) {
  const lastHigh = moments.findLastIndex(({ decision }) => decision.delayMs > 0);
  const full = moments.findIndex(({ decision }, index) => index > lastHigh && decision.allowedRate === fullRate);
  return { goneMs: moments[lastHigh]?.atMs ?? 0, fullMs: moments[full]?.atMs ?? Infinity, full };
}

describe('consumers that stand still for ten minutes', () => {
  const stallMs = { from: 5 * minute, to: 15 * minute };

  it.each([
    [10, second],
    [100, second],
    [100, 5 * second],
    [1_000, second],
    [1_000, 5 * second],
    [10_000, 5 * second],
    [50_000, second],
    [50_000, 5 * second],
  ])('lag by a bounded number of records at %i/s, commits each %i ms', (rate, commitEveryMs) => {
    const capacityAt = capacities([
      { fromMs: 0, perSecond: rate * 2 },
      { fromMs: stallMs.from, perSecond: 0 },
      { fromMs: stallMs.to, perSecond: 1_000_000 },
    ]);
    const source = sourceOf({ arrivals: steady(rate), commitEveryMs, capacityAt });
    const run = runOf(source, { durationMs: 60 * minute });
    expectBounded(run.moments);
    const stalled = between(run.moments, stallMs.from, stallMs.to);
    // The target is at most 17 s of flow; one sample's flow comes before it is seen; 20 batches go while the rate falls.
    const overshoot = rate + 20 * 500 + source.settings.minSendRate * 600;
    expect(greatestLag(stalled)).toBeLessThanOrEqual(Math.max(1_000, 17 * rate + 1) + overshoot);
    expect(greatestLag(stalled)).toBeGreaterThan(Math.max(1_000, 15 * rate));
    expect(stalled.some(({ decision }) => decision.action === 'throttle_critical')).toBe(true);
    for (const { whereabouts } of run.moments) expect(whereabouts.queued).toBeLessThanOrEqual(10_000);

    const { goneMs, fullMs, full } = recovery(run.moments);
    // The backlog may come on faster than what these consumers were ever seen to bear, which slows it once more.
    expect(goneMs).toBeLessThanOrEqual(stallMs.to + 40 * second);
    expect(fullMs - goneMs).toBeLessThan(minute);
    expect(run.moments.slice(full).filter(isSlowed)).toEqual([]);
    expect(recordsLost(run)).toBe(0);
    // All that waited is published in the end: nothing but the last second's arrivals is on its way.
    expect(run.end.arrived - run.end.published).toBeLessThanOrEqual(2 * rate);
  });
});

describe('consumers that are slow for ever', () => {
  it.each([
    { rate: 100, share: 0.1, lagAtMost: 4_000 },
    { rate: 1_000, share: 0.1, lagAtMost: 25_000 },
    { rate: 1_000, share: 0.5, lagAtMost: 27_000 },
    { rate: 1_000, share: 0.9, lagAtMost: 42_000 },
    { rate: 10_000, share: 0.1, lagAtMost: 240_000 },
    { rate: 10_000, share: 0.9, lagAtMost: 300_000 },
    // Half of maxSendRate: catching up reaches the full rate, and the target is then 17 s of that.
    { rate: 50_000, share: 0.1, lagAtMost: 1_800_000 },
  ])('lag by at most $lagAtMost records at $rate/s when they bear $share of it', ({ rate, share, lagAtMost }) => {
    const slowFrom = 5 * minute;
    const capacityAt = capacities([
      { fromMs: 0, perSecond: rate * 2 },
      { fromMs: slowFrom, perSecond: rate * share },
    ]);
    const run = runOf(sourceOf({ arrivals: steady(rate), capacityAt }), { durationMs: 3 * 60 * minute });
    expectBounded(run.moments);
    const slow = between(run.moments, slowFrom, Infinity);
    expect(greatestLag(slow)).toBeLessThanOrEqual(lagAtMost);
    // They are slowed, not starved: most of what they can bear is sent.
    const [first, last] = [slow[600], slow.at(-1)];
    const read = (moment: Moment | undefined) => (moment?.whereabouts.published ?? 0) - (moment?.lag ?? 0);
    const seconds = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / second;
    expect((read(last) - read(first)) / seconds).toBeGreaterThan(0.8 * rate * share);
    expect(recordsLost(run)).toBe(0);
  });

  it('fall behind by no more than minSendRate when they bear less than that', () => {
    const capacityAt = capacities([{ fromMs: 0, perSecond: 1 }]);
    const run = runOf(sourceOf({ arrivals: steady(100), capacityAt }), { durationMs: 60 * minute });
    const later = between(run.moments, 10 * minute, 60 * minute);
    const grown = (later.at(-1)?.lag ?? 0) - (later[0]?.lag ?? 0);
    expect(grown).toBeLessThanOrEqual(10 * 50 * 60);
    expect(later.every(({ decision }) => decision.allowedRate === 10)).toBe(true);
  });
});

describe('polls', () => {
  it('are delayed while the source is throttled, and go on', () => {
    const capacityAt = capacities([
      { fromMs: 0, perSecond: 2_000 },
      { fromMs: minute, perSecond: 0 },
      { fromMs: 3 * minute, perSecond: 100_000 },
    ]);
    const run = runOf(sourceOf({ capacityAt }), { durationMs: 10 * minute });
    expect(run.delayedPolls).toBeGreaterThan(5);
    expect(run.end.arrived - run.end.published).toBeLessThanOrEqual(2_000);
  });
});

describe('lag that cannot be read', () => {
  it('keeps the pause of a source that is throttled, and lets no more through', () => {
    const capacityAt = capacities([
      { fromMs: 0, perSecond: 2_000 },
      { fromMs: minute, perSecond: 0 },
    ]);
    const samplingDown = [{ fromMs: 5 * minute, toMs: 15 * minute }];
    const { moments } = runOf(sourceOf({ capacityAt }), { durationMs: 16 * minute, samplingDown });
    const before = moments.findLast(({ atMs }) => atMs < 5 * minute);
    const after = moments.find(({ atMs }) => atMs >= 15 * minute);
    expect(before?.decision).toMatchObject({ action: 'throttle_critical', level: 4, allowedRate: 10 });
    const sent = (after?.whereabouts.published ?? Infinity) - (before?.whereabouts.published ?? 0);
    expect(sent).toBeLessThanOrEqual(10 * 601 + 500);
    expect(sent).toBeGreaterThan(0);
  });

  it('is no reason to stop', () => {
    const samplingDown = [{ fromMs: 5 * minute, toMs: 15 * minute }];
    const run = runOf(sourceOf(), { durationMs: 30 * minute, samplingDown });
    expect(between(run.moments, 5 * minute, 15 * minute - 1)).toEqual([]);
    expect(run.moments.filter(isSlowed)).toEqual([]);
    expect(run.end.arrived - run.end.published).toBeLessThanOrEqual(2_000);
  });
});

describe('one stalled source', () => {
  const both = (...sources: readonly SimulatedSource[]) => {
    const runs = simulate({ durationMs: 20 * minute, sources });
    return sources.map(({ id }) => runs.get(id));
  };

  it("does not alter another's numbers", () => {
    const healthy = sourceOf({ id: 'stations', arrivals: steady(5_000) });
    const stalled = sourceOf({ id: 'fires', arrivals: steady(5_000), capacityAt: () => 0 });
    const alone = runOf(healthy, { durationMs: 20 * minute });
    const beside = runOf(stalled, { durationMs: 20 * minute });
    expect(beside.moments.at(-1)?.decision.action).toBe('throttle_critical');
    expect(both(healthy, stalled)).toEqual([alone, beside]);
  });
});
