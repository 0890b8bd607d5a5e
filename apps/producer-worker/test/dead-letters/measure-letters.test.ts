import { describe, expect, it } from 'vitest';
import { isMeasureDue, measureLetters } from '../../src/dead-letters/measure-letters.ts';

const found = (letters: number, last: { letters: number | null; at: number | null }) => ({
  stock: { letters, bytes: 0 },
  last,
});

describe('measuring dead letters', () => {
  it.each([
    { name: 'a source without letters', ...found(0, { letters: null, at: null }), now: 0, isDue: false },
    { name: 'a source never measured', ...found(3, { letters: null, at: null }), now: 0, isDue: true },
    { name: 'a number that stands still', ...found(3, { letters: 3, at: 0 }), now: 59_999, isDue: false },
    { name: 'a number that stood still for a minute', ...found(3, { letters: 3, at: 0 }), now: 60_000, isDue: true },
    { name: 'a number that changed', ...found(4, { letters: 3, at: 0 }), now: 1, isDue: true },
    { name: 'a source whose letters went', ...found(0, { letters: 3, at: 0 }), now: 1, isDue: true },
    { name: 'many letters just measured', ...found(100_000, { letters: 3, at: 0 }), now: 9_999, isDue: false },
    { name: 'many letters that rested', ...found(100_000, { letters: 3, at: 0 }), now: 10_000, isDue: true },
    { name: 'a measure that lies ahead', ...found(3, { letters: 3, at: 3_600_000 }), now: 0, isDue: true },
  ])('$name: due is $isDue', ({ stock, last, now, isDue }) => {
    expect(isMeasureDue({ stock, last }, now)).toBe(isDue);
  });

  it('measures the sources that are due, and no other', async () => {
    const measured: string[] = [];
    const stocks = {
      measures: async () =>
        new Map(Object.entries({ a: found(1, { letters: 1, at: 0 }), b: found(2, { letters: 1, at: 0 }) })),
      measure: async (id: string) => {
        measured.push(id);
        return { letters: 0, bytes: 0 };
      },
    };
    expect(await measureLetters({ stocks, now: () => 1 }, ['a', 'b'], new AbortController().signal)).toBe(1);
    expect(measured).toEqual(['b']);
  });
});
