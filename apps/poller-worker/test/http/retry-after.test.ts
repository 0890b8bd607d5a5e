import { describe, expect, it } from 'vitest';
import { longestRetryAfterMs, parseRetryAfter } from '../../src/http/retry-after.ts';

const now = Date.parse('2025-01-04T09:00:00Z');

describe('parseRetryAfter', () => {
  it.each([
    { name: 'no header', value: undefined, date: undefined, waitMs: null },
    { name: 'empty', value: '', date: undefined, waitMs: null },
    { name: 'seconds', value: '120', date: undefined, waitMs: 120_000 },
    { name: 'seconds with blanks', value: ' 5 ', date: undefined, waitMs: 5000 },
    { name: 'a fraction', value: '0.25', date: undefined, waitMs: 250 },
    { name: 'zero', value: '0', date: undefined, waitMs: 0 },
    { name: 'twice', value: '5, 10', date: undefined, waitMs: 5000 },
    { name: 'longer than a day', value: '999999999', date: undefined, waitMs: longestRetryAfterMs },
    { name: 'a negative number', value: '-5', date: undefined, waitMs: null },
    { name: 'words', value: 'soon', date: undefined, waitMs: null },
    { name: 'a number with words', value: '7 apples', date: undefined, waitMs: null },
    { name: 'a date', value: 'Sat, 04 Jan 2025 09:00:30 GMT', date: undefined, waitMs: 30_000 },
    { name: 'a date of RFC 850', value: 'Saturday, 04-Jan-25 09:00:30 GMT', date: undefined, waitMs: 30_000 },
    { name: 'a date in the past', value: 'Sat, 04 Jan 2025 08:00:00 GMT', date: undefined, waitMs: 0 },
    {
      name: 'a date beside a wrong clock',
      value: 'Sat, 04 Jan 2020 00:01:00 GMT',
      date: 'Sat, 04 Jan 2020 00:00:00 GMT',
      waitMs: 60_000,
    },
    { name: 'a date beside no clock', value: 'Sat, 04 Jan 2025 09:00:30 GMT', date: 'now', waitMs: 30_000 },
  ])('$name', ({ value, date, waitMs }) => {
    expect(parseRetryAfter(value, date, now)).toBe(waitMs);
  });
});
