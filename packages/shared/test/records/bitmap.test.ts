import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyBitmap, hasBit, setBit } from '../../src/records/bitmap.ts';

describe('bitmap', () => {
  it.each([
    { name: 'the first bit is the highest of the first byte, as SETBIT counts', bit: 0, bytes: [0x80, 0x00] },
    { name: 'the eighth bit is the lowest of the first byte', bit: 7, bytes: [0x01, 0x00] },
    { name: 'the ninth bit is the highest of the second byte', bit: 8, bytes: [0x00, 0x80] },
  ])('$name', ({ bit, bytes }) => {
    const bitmap = emptyBitmap(16);
    setBit(bitmap, bit);
    expect([...bitmap]).toEqual(bytes);
  });

  it.each([
    { count: 0, bytes: 0 },
    { count: 1, bytes: 1 },
    { count: 8, bytes: 1 },
    { count: 9, bytes: 2 },
    { count: 2000, bytes: 250 },
  ])('has $bytes bytes for $count records', ({ count, bytes }) => {
    expect(emptyBitmap(count)).toEqual(Buffer.alloc(bytes));
  });

  it('says no behind its end and when there is none', () => {
    expect(hasBit(Buffer.from([0xff]), 8)).toBe(false);
    expect(hasBit(null, 0)).toBe(false);
  });

  it('gives back exactly the bits that were set, whatever their order and repetition', () => {
    const bits = fc.integer({ min: 1, max: 2000 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        set: fc.array(fc.integer({ min: 0, max: count - 1 }), { maxLength: 60 }),
      }),
    );
    fc.assert(
      fc.property(bits, ({ count, set }) => {
        const bitmap = emptyBitmap(count);
        for (const bit of set) setBit(bitmap, bit);
        const found = Array.from({ length: count }, (_, bit) => bit).filter((bit) => hasBit(bitmap, bit));
        expect(found).toEqual([...new Set(set)].sort((a, b) => a - b));
      }),
    );
  });
});
