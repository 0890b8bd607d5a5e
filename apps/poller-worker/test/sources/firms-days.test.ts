import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dayOfMs,
  dayText,
  grownDays,
  mostDaysOfRequest,
  parseDay,
  pastDays,
  recentDays,
  splitDays,
  whatIsMissing,
} from '../../src/sources/firms-days.ts';

const at = (text: string): number => Date.parse(text);
const day = (text: string): number => parseDay(text) ?? Number.NaN;
const shown = (ranges: ReturnType<typeof splitDays>): readonly string[] =>
  ranges.map(({ from, days }) => (from === null ? String(days) : `${days}/${dayText(from)}`));

describe('days of a poll of near-real-time data', () => {
  it.each([
    { name: 'the first pass asks for its range', since: null, until: '2025-07-04T18:00:00Z', range: 1, asks: ['1'] },
    {
      name: 'a longer range is one request up to five days',
      since: null,
      until: '2025-07-04T18:00:00Z',
      range: 5,
      asks: ['5'],
    },
    {
      name: 'above five days it takes several, with dates',
      since: null,
      until: '2025-07-10T18:00:00Z',
      range: 7,
      asks: ['5/2025-07-04', '2/2025-07-09'],
    },
    {
      name: 'a pass of the same day',
      since: '2025-07-04T17:45:00Z',
      until: '2025-07-04T18:00:00Z',
      range: 1,
      asks: ['1'],
    },
    {
      name: 'rows of yesterday still come in the morning',
      since: '2025-07-04T05:45:00Z',
      until: '2025-07-04T06:00:00Z',
      range: 1,
      asks: ['2'],
    },
    {
      name: 'days that were missed are made up for',
      since: '2025-07-01T12:00:00Z',
      until: '2025-07-04T18:00:00Z',
      range: 1,
      asks: ['4'],
    },
    {
      name: 'but not more than a month of them',
      since: '2025-01-01T12:00:00Z',
      until: '2025-07-04T18:00:00Z',
      range: 1,
      asks: [
        '5/2025-06-04',
        '5/2025-06-09',
        '5/2025-06-14',
        '5/2025-06-19',
        '5/2025-06-24',
        '5/2025-06-29',
        '1/2025-07-04',
      ],
    },
  ])('$name', ({ since, until, range, asks }) => {
    const window = { sinceMs: since === null ? null : at(since), untilMs: at(until) };
    expect(shown(recentDays(window, range))).toEqual(asks);
  });
});

describe('days in requests', () => {
  it('are each asked for once, in their order, in ranges that the API takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10_000, max: 30_000 }), fc.integer({ min: 0, max: 200 }), (first, more) => {
        const ranges = splitDays(first, first + more);
        const days = ranges.flatMap(({ from, days: count }) =>
          Array.from({ length: count }, (_, n) => (from ?? 0) + n),
        );
        expect(days).toEqual(Array.from({ length: more + 1 }, (_, n) => first + n));
        expect(ranges.every(({ days: count }) => count >= 1 && count <= mostDaysOfRequest)).toBe(true);
      }),
    );
  });

  it('of the past end before the end of the stretch', () => {
    expect(pastDays(at('2025-07-01T00:00:00Z'), at('2025-07-06T00:00:00Z'))).toEqual({
      first: day('2025-07-01'),
      last: day('2025-07-05'),
    });
    expect(pastDays(at('2025-07-01T12:00:00Z'), at('2025-07-01T13:00:00Z'))).toEqual({
      first: day('2025-07-01'),
      last: day('2025-07-01'),
    });
  });
});

describe('days of a standard product', () => {
  const available = { first: day('2012-01-20'), last: day('2025-04-30') };
  const grown = (range: number, done: string | null): string => {
    const { first, last } = grownDays(available, range, done === null ? null : day(done));
    return `${dayText(first)} to ${dayText(last)}`;
  };

  it.each([
    { name: 'the newest, at first', range: 2, done: null, days: '2025-04-29 to 2025-04-30' },
    { name: 'the newest again when nothing was added', range: 1, done: '2025-04-30', days: '2025-04-30 to 2025-04-30' },
    { name: 'all that was added', range: 1, done: '2025-04-10', days: '2025-04-11 to 2025-04-30' },
    { name: 'a month of it at a time', range: 1, done: '2025-01-31', days: '2025-02-01 to 2025-03-03' },
    { name: 'nothing that it does not have', range: 1, done: '2010-01-01', days: '2012-01-20 to 2012-02-19' },
  ])('$name', ({ range, done, days }) => {
    expect(grown(range, done)).toBe(days);
  });
});

describe('days that a data set does not have', () => {
  const nrt = { first: day('2025-05-01'), last: day('2025-07-04') };
  const sp = { first: day('2012-01-20'), last: day('2025-04-30') };

  it.each([
    { dataset: 'MODIS_NRT', available: nrt, from: '2025-06-01', to: '2025-07-05', says: null },
    { dataset: 'MODIS_NRT', available: nrt, from: '2025-04-30', to: '2025-05-03', says: '_SP' },
    { dataset: 'MODIS_SP', available: sp, from: '2025-04-01', to: '2025-04-30', says: null },
    { dataset: 'MODIS_SP', available: sp, from: '2025-04-29', to: '2025-05-01', says: '_NRT' },
    { dataset: 'MODIS_SP', available: sp, from: '2000-01-01', to: '2000-01-05', says: '2012-01-20 to 2025-04-30' },
  ])('$dataset from $from to $to: $says', ({ dataset, available, from, to, says }) => {
    const missing = whatIsMissing(dataset, { first: day(from), last: day(to) }, available);
    expect(missing ?? 'nothing').toContain(says ?? 'nothing');
  });
});

describe('a day', () => {
  it.each(['2025-02-30', '2025-13-01', '25-01-01', '', 'today', null, 20_000])('%j is none', (given) => {
    expect(parseDay(given)).toBeNull();
  });

  it('is the one in which an instant lies', () => {
    expect(dayText(dayOfMs(at('2025-07-04T23:59:59.999Z')))).toBe('2025-07-04');
  });
});
