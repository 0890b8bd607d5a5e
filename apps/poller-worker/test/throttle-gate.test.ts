import type { StoredDecision } from '@stream-manager/shared/queues/throttle-store';
import { describe, expect, it } from 'vitest';
import { mayBeThrottled, throttleDelay } from '../src/throttle-gate.ts';
import { resolvedSource } from './sources/resolved-source.ts';

const source = (changes: Readonly<Record<string, unknown>> = {}) => ({
  config: resolvedSource({ type: 'noaa-stations', params: { stations: ['KSFO'] }, ...changes }),
});

const first = { isRequested: false, wasThrottled: false };

const stored = (delayMs: number, ageMs: number): StoredDecision => ({
  ageMs,
  decision: {
    action: delayMs === 0 ? 'none' : 'throttle_critical',
    level: 2,
    delayMs,
    allowedRate: 100,
    lag: 9000,
    averageLag: 8000,
    targetRecords: 1000,
    criticalRecords: 5000,
    trendPerSecond: 0,
    drainSeconds: null,
    reason: 'lag 9,000 of group archive',
  },
});

describe('the throttle before a poll', () => {
  it.each([
    { name: 'every poll', poll: first, expected: true },
    { name: 'no poll twice', poll: { ...first, wasThrottled: true }, expected: false },
    { name: 'no poll that a person asked for', poll: { ...first, isRequested: true }, expected: false },
    { name: 'a source of class high', changes: { priority: 'high' }, expected: true },
    { name: 'no critical source', changes: { priority: 'critical' }, expected: false },
    { name: 'no source that has it turned off', changes: { throttling: { enabled: false } }, expected: false },
  ])('may delay $name', ({ poll = first, changes = {}, expected }) => {
    expect(mayBeThrottled(source(changes), poll)).toBe(expected);
  });

  it.each([
    { name: 'a decision of now', given: stored(5063, 200), waitMs: 5063 },
    { name: 'one that just holds', given: stored(5063, 30_000), waitMs: 5063 },
    { name: 'one that is too old', given: stored(5063, 30_001), waitMs: null },
    { name: 'one without a delay', given: stored(0, 200), waitMs: null },
    { name: 'a source that was never sampled', given: undefined, waitMs: null },
  ])('delays by $waitMs ms after $name', ({ given, waitMs }) => {
    const reason = 'the consumers are behind: lag 9,000 of group archive';
    expect(throttleDelay(given, 30_000)).toEqual(waitMs === null ? null : { by: 'throttle', reason, waitMs });
  });
});
