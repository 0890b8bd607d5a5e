import { expectedPriority } from '@stream-manager/testkit/accounting/expected-priority';
import { describe, expect, it } from 'vitest';
import { servedRecords } from './stored-copy.ts';

const [record] = servedRecords(1);

describe('the priority of a record by the built-in rules', () => {
  it.each([
    { name: 'an Extreme alert', data: { severity: 'Extreme' }, from: 'low', to: 'critical' },
    { name: 'a Severe alert', data: { severity: 'Severe' }, from: 'normal', to: 'high' },
    { name: 'a Severe alert of a critical source', data: { severity: 'Severe' }, from: 'critical', to: 'critical' },
    { name: 'a Moderate alert', data: { severity: 'Moderate' }, from: 'normal', to: 'normal' },
    { name: 'a sure and strong fire', data: { confidenceClass: 'high', frpMw: 100.1 }, from: 'high', to: 'critical' },
    { name: 'a sure fire of 100 MW', data: { confidenceClass: 'high', frpMw: 100 }, from: 'high', to: 'high' },
    {
      name: 'a strong fire that is not sure',
      data: { confidenceClass: 'nominal', frpMw: 300 },
      from: 'low',
      to: 'low',
    },
    { name: 'a fire without power', data: { confidenceClass: 'high', frpMw: null }, from: 'low', to: 'low' },
  ] as const)('$name: $from becomes $to', ({ data, from, to }) => {
    expect(expectedPriority({ ...record!, data }, from)).toBe(to);
  });
});
