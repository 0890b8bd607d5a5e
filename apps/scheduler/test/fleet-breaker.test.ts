import type { Facts } from '@stream-manager/shared/ops/facts';
import { describe, expect, it } from 'vitest';
import { fleetBreaker } from '../src/fleet-breaker.ts';

describe('fleetBreaker', () => {
  it.each([
    { name: 'no process', fleet: [], shown: 'closed' },
    { name: 'processes without a breaker', fleet: [{}, {}], shown: 'closed' },
    { name: 'all closed', fleet: [{ breaker: 'closed' }, {}], shown: 'closed' },
    { name: 'one half open', fleet: [{ breaker: 'closed' }, { breaker: 'half_open' }], shown: 'half_open' },
    { name: 'one open', fleet: [{ breaker: 'half_open' }, { breaker: 'open' }, { breaker: 'closed' }], shown: 'open' },
  ] satisfies { name: string; fleet: Facts[]; shown: string }[])('$name: $shown', ({ fleet, shown }) => {
    expect(fleetBreaker(fleet)).toBe(shown);
  });
});
