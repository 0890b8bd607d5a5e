import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchBytes, bisect, maxRequestBytes, splitByBytes } from '../../src/kafka/split-batch.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 60 });

describe('splitting by bytes', () => {
  it('loses, doubles and moves nothing', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 500 }), (items, limit) => {
        expect(splitByBytes(items, (size) => size, limit, 10).flat()).toEqual(items);
      }),
    );
  });

  it('keeps every piece within the limit, or to one item', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 500 }), (items, limit) => {
        for (const piece of splitByBytes(items, (size) => size, limit, 10)) {
          const bytes = piece.reduce((sum, size) => sum + size, 10);
          expect(piece.length === 1 || bytes <= limit).toBe(true);
        }
      }),
    );
  });

  it('leaves a list whole that fits', () => {
    expect(splitByBytes([1, 2, 3], (size) => size, 16, 10)).toEqual([[1, 2, 3]]);
  });

  it('gives no piece for an empty list', () => {
    expect(splitByBytes([], () => 1, 16, 10)).toEqual([]);
  });
});

describe('bisecting', () => {
  it('ends with every item alone', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 2, maxLength: 40 }), (items) => {
        const [first, second] = bisect(items);
        expect([...first, ...second]).toEqual(items);
        expect(Math.min(first.length, second.length)).toBeGreaterThan(0);
      }),
    );
  });
});

describe('the size of a batch', () => {
  it.each([
    { name: 'leaves a tenth of what the topic takes', takes: 1_048_588, expected: 943_729 },
    { name: 'has a bound of its own', takes: 1_000_000_000, expected: maxRequestBytes },
  ])('$name', ({ takes, expected }) => {
    expect(batchBytes(takes)).toBe(expected);
  });
});
