import { type LagThreshold, targetAboveCritical } from '@stream-manager/shared/config/lag-threshold';
import { describe, expect, it } from 'vitest';

const records = (count: number): LagThreshold => ({ kind: 'records', records: count });
const time = (seconds: number): LagThreshold => ({ kind: 'time', ms: seconds * 1_000 });

describe('targetAboveCritical', () => {
  it.each([
    { target: records(1_000), critical: records(5_000), above: 'never' },
    { target: records(5_000), critical: records(5_000), above: 'never' },
    { target: records(5_001), critical: records(5_000), above: 'always' },
    { target: time(15), critical: time(60), above: 'never' },
    { target: time(61), critical: time(60), above: 'always' },
    // The critical time is never under 5,000 records.
    { target: records(500), critical: time(60), above: 'never' },
    { target: records(5_000), critical: time(60), above: 'never' },
    { target: records(5_001), critical: time(60), above: 'sometimes' },
    // The target time is never under 1,000 records.
    { target: time(15), critical: records(999), above: 'always' },
    { target: time(15), critical: records(20_000), above: 'sometimes' },
  ])('$target over $critical: $above', ({ target, critical, above }) => {
    expect(targetAboveCritical(target, critical)).toBe(above);
  });
});
