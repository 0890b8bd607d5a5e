import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberOf, shortestForm, tenthOf } from '../../src/sources/decimals.ts';

/** Numbers as people and programs print them. */
const printed = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer({ min: -18_000_000, max: 18_000_000 }).map((units) => (units / 100_000).toFixed(5)),
  fc.integer({ min: -1800, max: 1800 }).map((units) => String(units / 10)),
  fc.stringMatching(/^[+-]?\d{0,4}\.?\d{0,8}(e-?\d)?$/),
);

describe('numberOf', () => {
  it.each([
    { cell: '39.7596', value: 39.7596 },
    { cell: ' -121.6 ', value: -121.6 },
    { cell: '0', value: 0 },
    { cell: '-0.0', value: -0 },
    { cell: '1e2', value: 100 },
    { cell: '.5', value: 0.5 },
    { cell: '', value: Number.NaN },
    { cell: '  ', value: Number.NaN },
    { cell: 'NaN', value: Number.NaN },
    { cell: 'Infinity', value: Number.NaN },
    { cell: '1e999', value: Number.NaN },
    { cell: '0x10', value: Number.NaN },
    { cell: '0B1', value: Number.NaN },
    { cell: ' 0o7', value: Number.NaN },
    { cell: '1,5', value: Number.NaN },
    { cell: '5 km', value: Number.NaN },
  ])('reads "$cell" as $value', ({ cell, value }) => {
    expect(numberOf(cell)).toBe(value);
  });
});

describe('shortestForm', () => {
  it('is what JavaScript prints, whatever the text was', () => {
    fc.assert(
      fc.property(printed, (cell) => {
        const value = numberOf(cell);
        fc.pre(!Number.isNaN(value));
        expect(shortestForm(cell, value)).toBe(String(value));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('tenthOf', () => {
  it.each([
    { degrees: 39.7596, text: '39.8' },
    { degrees: -121.6219, text: '-121.6' },
    { degrees: 0.15, text: '0.1' },
    { degrees: 39.25, text: '39.3' },
    { degrees: -39.25, text: '-39.3' },
    { degrees: -0.04, text: '0.0' },
    { degrees: -0.05, text: '-0.1' },
    { degrees: -0, text: '0.0' },
    { degrees: 180, text: '180.0' },
    { degrees: 179.96, text: '180.0' },
  ])('of $degrees is $text', ({ degrees, text }) => {
    expect(tenthOf(degrees)).toBe(text);
  });

  it('is what toFixed(1) says, without the sign of minus zero', () => {
    const degrees = fc.oneof(
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.integer({ min: -1_800_000, max: 1_800_000 }).map((units) => units / 10_000),
      fc.integer({ min: -3600, max: 3600 }).map((twentieths) => twentieths / 20),
    );
    fc.assert(
      fc.property(degrees, (value) => {
        expect(tenthOf(value)).toBe(value.toFixed(1).replace(/^-0\.0$/, '0.0'));
      }),
      { numRuns: 5000 },
    );
  });
});
