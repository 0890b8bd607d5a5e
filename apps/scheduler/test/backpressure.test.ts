import { configSchema } from '@stream-manager/shared/config/schema';
import type { LagState } from '@stream-manager/shared/queues/source-state';
import type { ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import { drainOf } from '@stream-manager/shared/throttle/drain-of';
import { describe, expect, it } from 'vitest';
import { retiredBackpressure, viewBackpressure } from '../src/backpressure.ts';

const { throttling: settings } = configSchema.parse({ throttling: { maxSendRate: 1_000 } });

const lag: LagState = {
  records: 6_000,
  group: 'readers',
  topic: 'fires',
  sampledAt: '2026-05-01T12:00:00.000Z',
  groups: [{ group: 'readers', topic: 'fires', records: 6_000, lostToRetention: 4 }],
  abandoned: ['old'],
};

const decision: ThrottleDecision = {
  action: 'throttle_critical',
  level: 1,
  delayMs: 1_500,
  allowedRate: 400,
  lag: 6_000,
  averageLag: 5_500,
  targetRecords: 1_000,
  criticalRecords: 5_000,
  trendPerSecond: 20,
  drainSeconds: 60,
  reason: 'lag 6,000 is at least the critical 5,000',
};

const viewed = (ageMs: number, sampleIntervalMs = settings.sampleIntervalMs) =>
  viewBackpressure({ lag, stored: { decision, ageMs }, settings, sampleIntervalMs });

describe('what is seen of backpressure', () => {
  it('is the last sample and its decision', () => {
    expect(viewed(30_000)).toEqual({
      lag: {
        records: 6_000,
        group: 'readers',
        topic: 'fires',
        sampledAt: lag.sampledAt,
        ageMs: 30_000,
        groups: lag.groups,
        abandonedGroups: ['old'],
        trendPerSecond: 20,
        drainSeconds: 60,
      },
      throttle: {
        action: 'throttle_critical',
        level: 1,
        delayMs: 1_500,
        allowedRate: 400,
        maxSendRate: 1_000,
        reason: decision.reason,
        targetRecords: 1_000,
        criticalRecords: 5_000,
      },
    });
  });

  it('knows no lag after 30 s without a sample, and says what holds then', () => {
    const { lag: shown, throttle } = viewed(30_001);
    expect(shown).toMatchObject({ records: null, group: null, groups: [], trendPerSecond: null, drainSeconds: null });
    expect(shown).toMatchObject({ sampledAt: lag.sampledAt, ageMs: 30_001 });
    expect(throttle).toMatchObject({ action: 'no_sample', allowedRate: 200, delayMs: 1_500 });
    expect(throttle.reason).toContain('no lag could be read for 30s');
  });

  it('waits longer for a sample where lag is sampled seldom', () => {
    expect(viewed(100_000, 60_000).lag.records).toBe(6_000);
    expect(viewed(100_000, 60_000).throttle.action).toBe('throttle_critical');
  });

  it('is full speed and unknown for a source that was never sampled, and for one that is gone', () => {
    const never = viewBackpressure({ lag: null, stored: undefined, settings, sampleIntervalMs: 1_000 });
    for (const { lag: shown, throttle } of [never, retiredBackpressure(1_000)]) {
      expect(shown).toMatchObject({ records: null, sampledAt: null, ageMs: null, groups: [] });
      expect(throttle).toMatchObject({ action: 'no_sample', level: 0, delayMs: 0, allowedRate: 1_000 });
      expect(throttle.reason).not.toBe('');
    }
  });

  it.each([
    { name: 'known', changes: {}, expected: 60 },
    { name: 'gone', changes: { records: 0, drainSeconds: 0 }, expected: 0 },
    { name: 'endless while nothing is read', changes: { drainSeconds: null }, expected: Number.POSITIVE_INFINITY },
    { name: 'unknown without a trend', changes: { drainSeconds: null, trendPerSecond: null }, expected: null },
    { name: 'unknown without a lag', changes: { records: null }, expected: null },
  ])('the time to drain is $name', ({ changes, expected }) => {
    expect(drainOf({ ...viewed(0).lag, ...changes })).toBe(expected);
  });
});
