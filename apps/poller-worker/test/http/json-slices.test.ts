import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJoiner, type Slice, slicesOf } from '../../src/http/json-slices.ts';

/** As it goes from thread to thread. */
const cloned = (slice: Slice): Slice => structuredClone(slice);

const joined = (value: unknown, limit: number): unknown => {
  const joiner = createJoiner();
  for (const slice of slicesOf(value, limit)) joiner.add(cloned(slice));
  return joiner.value();
};

describe('a value in slices', () => {
  it('is the same when it is put together again, whatever its shape and the size of the slices', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 1, max: 60 }), (value, limit) => {
        // What JSON gives, in the order of its keys.
        const text = JSON.stringify(value);
        expect(JSON.stringify(joined(JSON.parse(text), limit))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    { name: 'nothing', text: 'null' },
    { name: 'a text', text: '"a"' },
    { name: 'an empty list', text: '[]' },
    { name: 'an empty map', text: '{}' },
    {
      name: 'keys that mean something elsewhere',
      text: '{"__proto__":{"a":[1,2,3]},"constructor":{},"toString":[4,5,6]}',
    },
    { name: 'lists in lists', text: '[[[1,2],[3,4]],[[5,6],[7,8]],[]]' },
    { name: 'numbers as keys, which come first', text: '{"1":[1],"b":[2],"a":[3]}' },
  ])('keeps $name', ({ text }) => {
    for (const limit of [1, 5, 20, 1_000]) {
      const value = joined(JSON.parse(text), limit);
      expect(JSON.stringify(value)).toBe(text);
    }
    expect(Object.getPrototypeOf(joined({ ['__proto__']: 1 }, 1))).toBe(Object.prototype);
  });

  it('comes in slices of bounded weight, however it is built', () => {
    const rows = Array.from({ length: 3_000 }, (_, at) => ({ id: at, name: `row ${at}`, values: [at, at + 1] }));
    for (const value of [rows, { data: { rows } }, Object.fromEntries(rows.map((row) => [row.name, row]))]) {
      const slices = [...slicesOf(value, 400)];
      expect(slices.length).toBeGreaterThan(100);
      for (const { values } of slices) expect(JSON.stringify(values).length).toBeLessThan(6_000);
      expect(joined(value, 400)).toEqual(value);
    }
  });
});
