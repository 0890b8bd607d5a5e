import { formatDuration, parseDuration } from '@stream-manager/shared/config/durations';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('parseDuration', () => {
  it.each([
    { text: '250ms', ms: 250 },
    { text: '30s', ms: 30_000 },
    { text: '15m', ms: 900_000 },
    { text: '1.5h', ms: 5_400_000 },
    { text: '2d', ms: 172_800_000 },
    { text: '0s', ms: 0 },
    { text: '0.0004s', ms: 0 },
    { text: '1.0005s', ms: 1_001 },
  ])('reads $text', ({ text, ms }) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '15', 's', '15 m', '-1s', '1e3s', '15M', '1h30m', '15min', '.5s', '1_000s', ' 1s', '٣s'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 - 1 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [900_000, '15m'],
    [1_500, '1500ms'],
    [86_400_000, '1d'],
    [90_000, '90s'],
    [0, '0ms'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
