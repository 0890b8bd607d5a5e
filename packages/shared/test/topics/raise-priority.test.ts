import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordTypes } from '../../src/records/envelope.ts';
import { classOf, type Priority, priorities } from '../../src/records/priority.ts';
import { createPriorityResolver, type PrioritisedRecord } from '../../src/topics/raise-priority.ts';
import type { RoutingRule } from '../../src/topics/routing-rule.ts';

const alert = (severity: unknown): PrioritisedRecord => ({ type: 'weather-alert', data: { severity } });
const fire = (data: Readonly<Record<string, unknown>>): PrioritisedRecord => ({ type: 'fire-detection', data });

describe('the priority of a record', () => {
  it.each<{ name: string; record: PrioritisedRecord; base: Priority; expected: Priority }>([
    { name: 'an extreme alert', record: alert('Extreme'), base: 'high', expected: 'critical' },
    { name: 'a severe alert', record: alert('Severe'), base: 'low', expected: 'high' },
    { name: 'a severe alert of a critical source', record: alert('Severe'), base: 'critical', expected: 'critical' },
    { name: 'a minor alert', record: alert('Minor'), base: 'normal', expected: 'normal' },
    { name: 'an alert without severity', record: alert(null), base: 'high', expected: 'high' },
    {
      name: 'a strong fire, sure by its class',
      record: fire({ confidenceClass: 'high', frpMw: 100.1 }),
      base: 'high',
      expected: 'critical',
    },
    {
      name: 'a strong fire, sure by its number',
      record: fire({ confidence: 0.8, frpMw: 250 }),
      base: 'low',
      expected: 'critical',
    },
    {
      name: 'a strong fire, not so sure',
      record: fire({ confidence: 0.79, confidenceClass: 'nominal', frpMw: 250 }),
      base: 'high',
      expected: 'high',
    },
    { name: 'a fire of 100 MW', record: fire({ confidenceClass: 'high', frpMw: 100 }), base: 'high', expected: 'high' },
    {
      name: 'a fire without FRP',
      record: fire({ confidenceClass: 'high', frpMw: null }),
      base: 'high',
      expected: 'high',
    },
    {
      name: 'severity in another type of record',
      record: { type: 'record', data: { severity: 'Extreme' } },
      base: 'low',
      expected: 'low',
    },
  ])('$name: $expected', ({ record, base, expected }) => {
    expect(createPriorityResolver({ rules: [] })(record, base)).toBe(expected);
  });

  it('is the highest of all rules that are met, the base included', () => {
    const raise = createPriorityResolver({
      rules: [
        { when: { field: 'pm25_ug_m3', above: 35 }, priority: 'normal' },
        { when: { field: 'pm25_ug_m3', above: 150 }, priority: 'critical' },
        { when: { field: 'pm25_ug_m3', above: 55 }, priority: 'high', topic: 't' },
        { when: { field: 'pm25_ug_m3', above: 0 }, topic: 'no-priority' },
      ],
    });
    const at = (pm25UgM3: number, base: Priority) => raise({ type: 'air-quality', data: { pm25UgM3 } }, base);
    expect([at(10, 'low'), at(40, 'low'), at(60, 'low'), at(200, 'low'), at(40, 'high')]).toEqual([
      'low',
      'normal',
      'high',
      'critical',
      'high',
    ]);
  });

  it('is never lower than that of the source', () => {
    const rule: fc.Arbitrary<RoutingRule> = fc.record({
      when: fc.record({ field: fc.constantFrom('a', 'severity'), exists: fc.boolean() }),
      priority: fc.constantFrom(...priorities),
    });
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 5 }),
        fc.constantFrom(...recordTypes),
        fc.dictionary(fc.constantFrom('a', 'severity', 'frpMw', 'confidence', 'confidenceClass'), fc.anything()),
        fc.constantFrom(...priorities),
        (rules, type, data, base) => {
          const priority = createPriorityResolver({ rules })({ type, data }, base);
          expect(classOf(priority)).toBeLessThanOrEqual(classOf(base));
        },
      ),
    );
  });
});
