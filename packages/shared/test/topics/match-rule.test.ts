import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCondition, fieldReader, type RuleCondition } from '../../src/topics/match-rule.ts';

describe('a condition', () => {
  it.each<{ name: string; when: RuleCondition; data: Readonly<Record<string, unknown>>; expected: boolean }>([
    {
      name: 'equals a text',
      when: { field: 'severity', equals: 'Severe' },
      data: { severity: 'Severe' },
      expected: true,
    },
    {
      name: 'case counts',
      when: { field: 'severity', equals: 'severe' },
      data: { severity: 'Severe' },
      expected: false,
    },
    { name: 'equals a number', when: { field: 'n', equals: 0 }, data: { n: 0 }, expected: true },
    { name: 'a text is no number', when: { field: 'n', equals: 0 }, data: { n: '0' }, expected: false },
    { name: 'equals false', when: { field: 'b', equals: false }, data: { b: false }, expected: true },
    { name: 'equals what is not there', when: { field: 'b', equals: false }, data: {}, expected: false },
    {
      name: 'matches inside a text',
      when: { field: 'event', matches: 'Flag' },
      data: { event: 'Red Flag Warning' },
      expected: true,
    },
    { name: 'matches a number written out', when: { field: 'n', matches: '^4' }, data: { n: 42 }, expected: true },
    { name: 'matches nothing in a list', when: { field: 'n', matches: '.' }, data: { n: ['x'] }, expected: false },
    { name: 'above', when: { field: 'frpMw', above: 100 }, data: { frpMw: 100.1 }, expected: true },
    { name: 'not above itself', when: { field: 'frpMw', above: 100 }, data: { frpMw: 100 }, expected: false },
    { name: 'a text is not above', when: { field: 'frpMw', above: 100 }, data: { frpMw: '200' }, expected: false },
    { name: 'below', when: { field: 'pm', below: -1 }, data: { pm: -2 }, expected: true },
    { name: 'null is not below', when: { field: 'pm', below: 1 }, data: { pm: null }, expected: false },
    { name: 'exists', when: { field: 'a', exists: true }, data: { a: '' }, expected: true },
    { name: 'null does not exist', when: { field: 'a', exists: true }, data: { a: null }, expected: false },
    { name: 'does not exist', when: { field: 'a', exists: false }, data: { a: null }, expected: true },
    {
      name: 'snake_case in the config',
      when: { field: 'alert_id', exists: true },
      data: { alertId: 'x' },
      expected: true,
    },
    {
      name: 'camelCase in the config',
      when: { field: 'alertId', exists: true },
      data: { alert_id: 'x' },
      expected: true,
    },
    { name: 'digits in the name', when: { field: 'pm25_ug_m3', above: 35 }, data: { pm25UgM3: 36 }, expected: true },
    {
      name: 'a path',
      when: { field: 'quality.temperature_c', equals: 'V' },
      data: { quality: { temperatureC: 'V' } },
      expected: true,
    },
    {
      name: 'a path through what is no object',
      when: { field: 'a.b', exists: false },
      data: { a: 'text' },
      expected: true,
    },
    { name: 'nothing inherited', when: { field: 'constructor', exists: true }, data: {}, expected: false },
    { name: 'no operator', when: { field: 'a' }, data: { a: 1 }, expected: false },
  ])('$name: $expected', ({ when, data, expected }) => {
    expect(compileCondition(when)(data)).toBe(expected);
  });

  it('takes any content', () => {
    const conditions: readonly RuleCondition[] = [
      { field: 'a.b', equals: 1 },
      { field: 'a.b', matches: 'x' },
      { field: 'a.b', above: 1 },
      { field: 'a.b', exists: true },
    ];
    const tests = conditions.map(compileCondition);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b'), fc.anything()), (data) => {
        for (const test of tests) expect(test(data)).toBeTypeOf('boolean');
      }),
    );
  });

  it('finds a field by the spelling of the config first', () => {
    expect(fieldReader('alert_id')({ alertId: 'camel', alert_id: 'snake' })).toBe('snake');
  });
});
