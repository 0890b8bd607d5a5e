// Seeded randomness for the simulated world. Every value is a pure function of a seed and a serial number, so that any
// reading can be made again at any time, in any order, without keeping what came before it.

/** Two 32-bit words that stand for a list of names and numbers. */
export type Seed = readonly [number, number];

/** A short stream of random values that always comes out the same for the same seed and serial. */
export interface Random {
  /** The next value in [0, 1). */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with the probability `share` (0–1). */
  chance(share: number): boolean;
  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T;
}

/** The seed of a list of parts; `seedOf('a', 1)` and `seedOf('a1')` differ. */
export const seedOf = (...parts: readonly (string | number)[]): Seed => {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  const text = parts.map(String).join('\u0000');
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return [high >>> 0, low >>> 0];
};

/** The stream number `serial` of a seed (sfc32, public domain; 12 rounds spread the seed before the first value). */
export const randomOf = (seed: Seed, serial = 0): Random => {
  let a = seed[0];
  let b = seed[1];
  let c = serial >>> 0;
  let d = Math.floor(serial / 4294967296) + 1;
  const word = (): number => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) word();
  const next = (): number => word() / 4294967296;
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    chance: (share) => next() < share,
    pick: <T>(list: readonly T[]): T => {
      if (list.length === 0) throw new RangeError('cannot pick from an empty list');
      // The index is inside the list by construction.
      return list[int(0, list.length - 1)] as T;
    },
  };
};

/** `digits` hexadecimal digits that stand for a seed and a serial. */
export const hexOf = (seed: Seed, serial: number, digits: number): string => {
  const random = randomOf(seed, serial);
  let text = '';
  while (text.length < digits) text += random.int(0, 0xffffff).toString(16).padStart(6, '0');
  return text.slice(0, digits);
};
