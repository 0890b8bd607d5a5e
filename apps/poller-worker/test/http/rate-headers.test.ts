import { describe, expect, it } from 'vitest';
import { pauseOfRateHeaders } from '../../src/http/rate-headers.ts';

const now = Date.parse('2025-07-01T12:00:00Z');
const inSeconds = (seconds: number): string => String(now / 1000 + seconds);

describe('pauseOfRateHeaders', () => {
  it.each([
    { name: 'seconds from now', reset: '30', waitMs: 30_000 },
    { name: 'seconds with a fraction', reset: '1.5', waitMs: 1_500 },
    { name: 'seconds since the epoch', reset: inSeconds(40), waitMs: 40_000 },
    { name: 'milliseconds since the epoch', reset: String(now + 50_000), waitMs: 50_000 },
    { name: 'an HTTP date', reset: 'Tue, 01 Jul 2025 12:01:00 GMT', waitMs: 60_000 },
    { name: 'an ISO time', reset: '2025-07-01T12:01:10Z', waitMs: 70_000 },
    { name: 'more than an hour', reset: '7200', waitMs: 3_600_000 },
    { name: 'a time that is over', reset: inSeconds(-5), waitMs: null },
    { name: 'now', reset: '0', waitMs: null },
    { name: 'no number', reset: 'soon', waitMs: null },
    { name: 'nothing', reset: '', waitMs: null },
    { name: 'a negative number', reset: '-5', waitMs: null },
  ])('reads a reset of $name', ({ reset, waitMs }) => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
    expect(pauseOfRateHeaders(headers, 200, now)).toBe(waitMs);
  });

  it.each([
    { name: 'X-RateLimit', headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' }, waitMs: 9_000 },
    { name: 'X-Rate-Limit', headers: { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '9' }, waitMs: 9_000 },
    { name: 'RateLimit', headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' }, waitMs: 9_000 },
    { name: 'one header', headers: { ratelimit: 'limit=100, remaining=0, reset=9' }, waitMs: 9_000 },
    { name: 'one header with something left', headers: { ratelimit: 'limit=100, remaining=3, reset=9' }, waitMs: null },
    { name: 'a policy', headers: { ratelimit: '"default";r=0;t=9' }, waitMs: 9_000 },
    {
      name: 'the policy that is used up',
      headers: { ratelimit: '"day";r=500;t=4000, "minute";r=0;t=9' },
      waitMs: 9_000,
    },
    { name: 'policies with something left', headers: { ratelimit: '"a";r=1;t=4, "b";r=2;t=9' }, waitMs: null },
    {
      name: 'the longest',
      headers: { ratelimit: '"a";r=0;t=4', 'ratelimit-remaining': '0', 'ratelimit-reset': '9' },
      waitMs: 9_000,
    },
    { name: 'something left', headers: { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '9' }, waitMs: null },
    { name: 'a reset alone', headers: { 'x-ratelimit-reset': '9' }, waitMs: null },
    { name: 'nothing left, and no time', headers: { 'x-ratelimit-remaining': '0' }, waitMs: null },
    { name: 'nothing', headers: {}, waitMs: null },
  ])('reads $name', ({ headers, waitMs }) => {
    expect(pauseOfRateHeaders(headers, 200, now)).toBe(waitMs);
  });

  it('counts from the clock of the provider, if it says what time it has', () => {
    const headers = {
      date: 'Tue, 01 Jul 2025 13:00:00 GMT',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': inSeconds(3_600 + 20),
    };
    expect(pauseOfRateHeaders(headers, 200, now)).toBe(20_000);
  });

  it('takes a 429 for "nothing is left", and its word for longer than an hour', () => {
    expect(pauseOfRateHeaders({ 'x-ratelimit-reset': '7200' }, 429, now)).toBe(7_200_000);
    expect(pauseOfRateHeaders({ 'x-ratelimit-reset': '100000' }, 429, now)).toBe(86_400_000);
    expect(pauseOfRateHeaders({}, 429, now)).toBeNull();
  });
});
