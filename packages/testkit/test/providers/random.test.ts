import { hexOf, randomOf, seedOf } from '@stream-manager/testkit/providers/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('seeded randomness', () => {
  it('gives the same stream for the same seed and serial, and another for another serial', () => {
    const take = (serial: number) => {
      const random = randomOf(seedOf('a', 1), serial);
      return Array.from({ length: 5 }, () => random.next());
    };
    expect(take(3)).toEqual(take(3));
    expect(take(3)).not.toEqual(take(4));
    expect(take(3)).not.toEqual(take(3 + 2 ** 32));
  });

  it('keeps parts of a seed apart', () => {
    expect(seedOf('a', 11)).not.toEqual(seedOf('a', 1, 1));
    expect(seedOf('ab')).not.toEqual(seedOf('a', 'b'));
  });

  it('draws whole numbers inside the bounds, both of which occur', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 0, max: 3 }),
        (seed, min, span) => {
          const random = randomOf(seedOf(seed));
          const drawn = new Set(Array.from({ length: 200 }, () => random.int(min, min + span)));
          expect([...drawn].sort((one, other) => one - other)).toEqual(
            Array.from({ length: span + 1 }, (_, at) => min + at),
          );
        },
      ),
    );
  });

  it('spreads values evenly over the unit interval', () => {
    const random = randomOf(seedOf('spread'));
    const bins = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 10_000; draw += 1) bins[Math.floor(random.next() * 10)]! += 1;
    for (const bin of bins) expect(bin).toBeGreaterThan(850);
  });

  it('makes hexadecimal names of any length', () => {
    expect(hexOf(seedOf('x'), 1, 40)).toMatch(/^[0-9a-f]{40}$/);
    expect(hexOf(seedOf('x'), 1, 40)).not.toBe(hexOf(seedOf('x'), 2, 40));
  });

  it('cannot pick from an empty list', () => {
    expect(() => randomOf(seedOf('x')).pick([])).toThrow(RangeError);
  });
});
