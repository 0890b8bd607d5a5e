import { describe, expect, it } from 'vitest';
import { celsiusOfFahrenheit, convert, metresOfFeet, pascalsOfHectopascals } from '../../src/sources/units.ts';

describe('convert', () => {
  it.each([
    { value: 12, unit: 'wmoUnit:km_h-1', target: 'm/s', result: 12 / 3.6 },
    { value: 12, unit: 'wmoUnit:m_s-1', target: 'm/s', result: 12 },
    { value: 10, unit: 'wmoUnit:kt', target: 'm/s', result: 18.52 / 3.6 },
    { value: 14.4, unit: 'wmoUnit:degC', target: 'degC', result: 14.4 },
    { value: 212, unit: 'wmoUnit:degF', target: 'degC', result: 100 },
    { value: 273.15, unit: 'wmoUnit:K', target: 'degC', result: 0 },
    { value: 101_040, unit: 'wmoUnit:Pa', target: 'Pa', result: 101_040 },
    { value: 1010.43, unit: 'wmoUnit:hPa', target: 'Pa', result: 101_043 },
    { value: 101.5, unit: 'wmoUnit:kPa', target: 'Pa', result: 101_500 },
    { value: 16_093, unit: 'wmoUnit:m', target: 'm', result: 16_093 },
    { value: 1.5, unit: 'wmoUnit:km', target: 'm', result: 1500 },
    { value: 2.5, unit: 'wmoUnit:mm', target: 'mm', result: 2.5 },
    { value: 0.0025, unit: 'wmoUnit:m', target: 'mm', result: 2.5 },
    { value: 42.8, unit: 'wmoUnit:percent', target: 'percent', result: 42.8 },
    { value: 350, unit: 'wmoUnit:degree_(angle)', target: 'degree', result: 350 },
    { value: 12, unit: 'unit:km_h-1', target: 'm/s', result: 12 / 3.6 },
    { value: 12, unit: 'http://codes.wmo.int/common/unit/km_h-1', target: 'm/s', result: 12 / 3.6 },
    { value: 12, unit: 'wmoUnit:furlong', target: 'm', result: null },
    { value: 12, unit: 'wmoUnit:Pa', target: 'm/s', result: null },
    { value: 12, unit: '', target: 'm/s', result: null },
    { value: 12, unit: 'wmoUnit:toString', target: 'm/s', result: null },
  ] as const)('$value $unit in $target is $result', ({ value, unit, target, result }) => {
    expect(convert(value, unit, target)).toBe(result);
  });
});

describe('the units of PurpleAir', () => {
  it.each([
    { name: 'Fahrenheit', found: celsiusOfFahrenheit(58), result: ((58 - 32) * 5) / 9 },
    { name: 'feet', found: metresOfFeet(533), result: 533 * 0.3048 },
    { name: 'hectopascal without the dust of binary fractions', found: pascalsOfHectopascals(1010.4), result: 101_040 },
  ])('$name', ({ found, result }) => {
    expect(found).toBe(result);
  });
});
