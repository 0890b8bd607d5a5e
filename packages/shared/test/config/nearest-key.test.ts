import { editDistance, nearestKey } from '@stream-manager/shared/config/nearest-key';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('nearestKey', () => {
  const keys = ['every', 'enabled', 'mode', 'priority', 'rateLimitPerMinute', 'tz', 'topic'];
  it.each([
    { written: 'evry', near: 'every' },
    { written: 'evrey', near: 'every' },
    { written: 'RATE_LIMIT_PER_MINUTE', near: 'rateLimitPerMinute' },
    { written: 'rate_limit', near: 'rateLimitPerMinute' },
    { written: 'rateMinute', near: 'rateLimitPerMinute' },
    { written: 'minute_rate', near: undefined },
    { written: 'minute', near: undefined },
    { written: 'pri', near: undefined },
    { written: 'topics', near: 'topic' },
    { written: 'xx', near: undefined },
    { written: 'tx', near: 'tz' },
    { written: 'something-else-entirely', near: undefined },
    { written: '', near: undefined },
  ])('finds $near for $written', ({ written, near }) => {
    expect(nearestKey(written, keys)).toBe(near);
  });

  it.each([
    { written: 'time_out', known: ['timeoutSeconds', 'topic'], near: 'timeoutSeconds' },
    { written: 'targetLag', known: ['targetConsumerLag', 'criticalConsumerLag'], near: 'targetConsumerLag' },
    { written: 'firms', known: ['firms-california', 'noaa-california'], near: 'firms-california' },
    { written: 'firms', known: ['firms-california', 'firms-oregon'], near: undefined },
  ])('finds $near for the short form $written', ({ written, known, near }) => {
    expect(nearestKey(written, known)).toBe(near);
  });

  it('takes the first of equally near ones', () => {
    expect(nearestKey('abcx', ['abcd', 'abce'])).toBe('abcd');
  });
});

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['kitten', 'sitting', 3],
  ])('between %j and %j is %d', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is symmetric, 0 only for the same, and never above the longer length', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
