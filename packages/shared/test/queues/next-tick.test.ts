import { describe, expect, it } from 'vitest';
import { untilNextTickMs, untilTickAfterMs } from '../../src/queues/next-tick.ts';

const hour = 3_600_000;

describe('the next tick', () => {
  it('of a period lies within the period', () => {
    expect(untilNextTickMs({ periodMs: 30_000 }, 12_345)).toBe(30_000);
  });

  it.each([
    { name: 'every quarter', cron: '*/15 * * * *', at: '2026-01-04T09:02:10Z', next: '2026-01-04T09:15:00Z' },
    { name: 'at the tick itself', cron: '*/15 * * * *', at: '2026-01-04T09:15:00Z', next: '2026-01-04T09:30:00Z' },
    { name: 'with seconds', cron: '30 0 * * * *', at: '2026-01-04T09:00:10Z', next: '2026-01-04T09:00:30Z' },
    // The two ticks of a day are an hour apart, and the next one is tomorrow.
    {
      name: 'far from the shortest gap',
      cron: '0 9,10 * * *',
      at: '2026-01-04T10:05:00Z',
      next: '2026-01-05T09:00:00Z',
    },
    { name: 'on a weekday', cron: '0 6 * * mon', at: '2026-01-06T07:00:00Z', next: '2026-01-12T06:00:00Z' },
    {
      name: 'in a time zone',
      cron: '0 6 * * *',
      tz: 'America/Los_Angeles',
      at: '2026-01-04T15:00:00Z',
      next: '2026-01-05T14:00:00Z',
    },
    {
      name: 'on the day on which the clocks go forward',
      cron: '30 3 * * *',
      tz: 'Europe/Berlin',
      at: '2026-03-28T02:30:00Z',
      next: '2026-03-29T01:30:00Z',
    },
  ])('of a cron expression is its next time: $name', ({ cron, tz, at, next }) => {
    const now = Date.parse(at);
    expect(now + untilNextTickMs({ periodMs: hour, cron, tz }, now)).toBe(Date.parse(next));
  });
});

describe('the tick after a poll’s own', () => {
  it.each([
    { name: 'at the tick', sinceMs: 0, leftMs: 30_000 },
    { name: 'within the period', sinceMs: 12_000, leftMs: 18_000 },
    { name: 'when ticks were missed', sinceMs: 75_000, leftMs: 15_000 },
    { name: 'for a poller whose clock is behind', sinceMs: -5_000, leftMs: 30_000 },
  ])('of a period comes in what is left of it: $name', ({ sinceMs, leftMs }) => {
    expect(untilTickAfterMs({ periodMs: 30_000 }, 1_000_000, 1_000_000 + sinceMs)).toBe(leftMs);
  });

  it('of a cron expression is its next time', () => {
    const now = Date.parse('2026-01-04T09:02:00Z');
    expect(untilTickAfterMs({ periodMs: 900_000, cron: '*/15 * * * *' }, now - 120_000, now)).toBe(13 * 60_000);
  });
});
