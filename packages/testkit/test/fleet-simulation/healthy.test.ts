// A consumer that keeps up is never throttled, not by one sample: whatever its commit interval, the flow, and how that comes.
import { describe, expect, it } from 'vitest';
import { bursts, steady } from '../../src/fleet-simulation/supply.ts';
import { isSlowed, minute, recordsLost, runOf, type SourceChanges, second, sourceOf } from './scenarios.ts';

const everySecond = { commitEveryMs: second };
const every5s = { commitEveryMs: 5 * second };
const every30s = { commitEveryMs: 30 * second, throttling: { targetConsumerLag: '90s', criticalConsumerLag: '360s' } };
const alike = { commitEveryMs: 30 * second, throttling: { targetConsumerLag: '90s', criticalConsumerLag: '90s' } };

const flow = (perSecond: number, pollEveryMs: number): SourceChanges => ({
  arrivals: steady(perSecond),
  pollEveryMs,
  capacityAt: () => perSecond * 1.5,
});
/** A poll each quarter of an hour, after which the topic is idle; `capacity` is enough for it in 25 s. */
const quarterly = (records: number, capacity: number): SourceChanges => ({
  arrivals: bursts(records, 15 * minute),
  pollEveryMs: 15 * minute,
  capacityAt: () => capacity,
});
const flows: readonly (readonly [string, SourceChanges])[] = [
  ...[10, 100, 1_000, 10_000, 50_000].map((rate) => [`${rate}/s`, flow(rate, second)] as const),
  ...[10, 1_000, 50_000].map((rate) => [`${rate}/s in polls of 15 s`, flow(rate, 15 * second)] as const),
  ['5,000 at once each 15 min', quarterly(5_000, 2_000)],
  ['50,000 at once each 15 min', quarterly(50_000, 10_000)],
  ['50,000 at once each 15 min, read in 25 s', quarterly(50_000, 2_000)],
  ['nothing at all', quarterly(0, 10)],
];

describe.each([
  ['every second', everySecond],
  ['every 5 s', every5s],
  ['every 30 s, with thresholds of 90 s and 6 min', every30s],
  ['every 30 s, with both thresholds at 90 s', alike],
])('a consumer that commits %s', (_name, commits) => {
  it.each(flows)('is not throttled in an hour of %s', (_flow, changes) => {
    const run = runOf(sourceOf({ ...commits, ...changes }), { durationMs: 60 * minute });
    expect(run.moments.length).toBeGreaterThan(3_300);
    expect(run.moments.filter(isSlowed)).toEqual([]);
    expect(run.delayedPolls).toBe(0);
    expect(recordsLost(run)).toBe(0);
  });

  it('is not throttled from its first commit on, whenever that is', () => {
    for (const firstCommitMs of [second, 7 * second, 31 * second, 10 * minute]) {
      const source = sourceOf({ ...commits, ...flow(10_000, second), firstCommitMs });
      const { moments } = runOf(source, { durationMs: firstCommitMs + 5 * minute });
      expect(moments[0]?.decision).toMatchObject({ action: 'no_sample', lag: null });
      expect(moments.at(-1)?.decision.action).toBe('none');
      expect(moments.filter(isSlowed)).toEqual([]);
    }
  });
});

describe('a fleet that restarts', () => {
  const quick: readonly (readonly [string, SourceChanges])[] = [
    ['1,000/s', { arrivals: steady(1_000), capacityAt: () => 20_000 }],
    ['50,000 at once', { arrivals: bursts(50_000, 90 * second), pollEveryMs: 90 * second, capacityAt: () => 10_000 }],
  ];
  const cases = [everySecond, every5s, alike].flatMap((commits) =>
    quick.flatMap(([name, changes]) =>
      [0, 7 * second, 61 * second, 200 * second].map((downMs) => ({
        name,
        downMs,
        source: { ...commits, ...changes },
      })),
    ),
  );

  it.each([
    { memory: 'a stored state', forgets: false },
    { memory: 'an empty state', forgets: true },
  ])('does not throttle healthy consumers, with $memory, whenever it happens', ({ forgets }) => {
    for (const { name, downMs, source } of cases)
      for (let fromMs = 265 * second; fromMs <= 305 * second; fromMs += 7 * second) {
        const toMs = fromMs + downMs;
        const run = runOf(sourceOf(source), {
          durationMs: toMs + 100 * second,
          fleetDown: [{ fromMs, toMs }],
          forgetAtMs: forgets ? [toMs] : [],
        });
        expect(run.moments.filter(isSlowed), `${name}, down for ${downMs} ms from ${fromMs} ms on`).toEqual([]);
        expect(recordsLost(run)).toBe(0);
      }
  });
});
