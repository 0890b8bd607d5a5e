import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureWaitMs, mostFailures, nextSlice } from '../../src/backfill/slices.ts';

const dayMs = 86_400_000;
const at = (text: string): number => Date.parse(text);

describe('a slice', () => {
  it.each([
    {
      name: 'of days ends at midnight',
      done: '2026-01-04T09:00Z',
      to: '2026-02-01',
      slice: dayMs,
      until: '2026-01-05',
    },
    {
      name: 'that begins at midnight is whole',
      done: '2026-01-04',
      to: '2026-02-01',
      slice: dayMs,
      until: '2026-01-05',
    },
    {
      name: 'ends with the backfill',
      done: '2026-01-04',
      to: '2026-01-04T08:00Z',
      slice: dayMs,
      until: '2026-01-04T08:00Z',
    },
    {
      name: 'before the epoch is one, too',
      done: '1969-12-30T12:00Z',
      to: '1970-01-01',
      slice: dayMs,
      until: '1969-12-31',
    },
  ])('$name', ({ done, to, slice, until }) => {
    expect(nextSlice(at(done), at(to), slice)).toEqual({ sinceMs: at(done), untilMs: at(until) });
  });

  it('follows the one before it without a gap, none is longer than it may be, and the last one ends where it ought to', () => {
    const time = fc.integer({ min: -1e12, max: 4e12 });
    const of = { from: time, length: fc.integer({ min: 1, max: 1e9 }), slice: fc.integer({ min: 60_000, max: 1e9 }) };
    fc.assert(
      fc.property(fc.record(of), ({ from, length, slice }) => {
        let done = from;
        for (let count = 0; done < from + length; count++) {
          const { sinceMs, untilMs } = nextSlice(done, from + length, slice);
          expect(sinceMs).toBe(done);
          expect(untilMs).toBeGreaterThan(done);
          expect(untilMs - done).toBeLessThanOrEqual(slice);
          expect(count).toBeLessThanOrEqual(length / slice + 1);
          done = untilMs;
        }
        expect(done).toBe(from + length);
      }),
    );
  });

  it('that fails waits a minute, then twice as long, and for an hour in all', () => {
    const waits = Array.from({ length: mostFailures - 1 }, (_value, index) => failureWaitMs(index + 1) / 60_000);
    expect(waits).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });
});
