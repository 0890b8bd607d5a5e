import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterOutage,
  type BreakerState,
  type Candidate,
  chooseTrial,
  closedBreaker,
  type Outage,
  opened,
} from '../../src/kafka/breaker-state.ts';

const options = { threshold: 5, resetMs: 10_000 };
const outage = (changes: Partial<Outage> = {}): Outage => ({
  message: 'refused',
  scope: 'cluster',
  sourceId: 'fires',
  ...changes,
});
const failTimes = (times: number, one = outage()): BreakerState => {
  let state: BreakerState = closedBreaker;
  for (let at = 0; at < times; at += 1) state = afterOutage(state, one, false, 1_000, options);
  return state;
};

const halfOpen = (failing: readonly string[] = ['fires']): BreakerState => ({
  kind: 'half_open',
  retryAt: 10_000,
  reason: 'refused',
  failing: new Set(failing),
  isPartial: false,
});

describe('afterOutage', () => {
  it('opens with the outage that reaches the threshold, until the time of the trial', () => {
    expect(failTimes(4)).toMatchObject({ kind: 'closed', outages: 4 });
    expect(failTimes(5)).toMatchObject({ kind: 'open', retryAt: 11_000, reason: 'refused' });
  });

  it('is not moved by batches that were on their way when it opened', () => {
    const state = failTimes(5);
    expect(afterOutage(state, outage({ message: 'late' }), false, 9_000, options)).toMatchObject({
      kind: 'open',
      retryAt: 11_000,
      reason: 'refused',
    });
  });

  it('opens again for the whole time when the trial fails', () => {
    expect(afterOutage(halfOpen(), outage(), true, 20_000, options)).toMatchObject({
      kind: 'open',
      retryAt: 30_000,
    });
  });
});

describe('chooseTrial', () => {
  const open = (changes: Partial<Outage> = {}): BreakerState => failTimes(5, outage(changes));
  const one = (sourceId: string, head: Candidate['head'], invitedAt = 0): Candidate => ({ sourceId, head, invitedAt });
  it.each([
    { name: 'nobody while it is closed', state: closedBreaker, candidates: [one('alerts', 1)], chosen: null },
    { name: 'nobody while it is open for the cluster', state: open(), candidates: [one('alerts', 1)], chosen: null },
    {
      name: 'while it is open for partitions, a source that has not failed',
      state: open({ scope: 'partition' }),
      candidates: [one('fires', 1), one('alerts', 3)],
      chosen: 'alerts',
    },
    {
      name: 'while it is open for partitions, none that failed',
      state: open({ scope: 'partition' }),
      candidates: [one('fires', 1)],
      chosen: null,
    },
    {
      name: 'the most urgent of the healthy',
      state: halfOpen(),
      candidates: [one('a', 3), one('b', 2), one('c', 4)],
      chosen: 'b',
    },
    {
      name: 'what a dead worker held before all',
      state: halfOpen(),
      candidates: [one('a', 1), one('b', 0)],
      chosen: 'b',
    },
    {
      name: 'a healthy one of a lower class before a failing one',
      state: halfOpen(),
      candidates: [one('fires', 1), one('b', 4)],
      chosen: 'b',
    },
    {
      name: 'one that was not asked yet before one that sent nothing',
      state: halfOpen(),
      candidates: [one('a', 1, 500), one('b', 4)],
      chosen: 'b',
    },
    {
      name: 'the failing in turns',
      state: halfOpen(['fires', 'b']),
      candidates: [one('fires', 1, 900), one('b', 4, 500)],
      chosen: 'b',
    },
    {
      name: 'a failing one where there is no other',
      state: halfOpen(),
      candidates: [one('fires', 3, 9)],
      chosen: 'fires',
    },
    { name: 'nobody without anything to send', state: halfOpen(), candidates: [], chosen: null },
  ])('$name', ({ state, candidates, chosen }) => {
    expect(chooseTrial(state, candidates)).toBe(chosen);
  });

  it('counts as one of the cluster what began with partitions and went on with the cluster', () => {
    const partial = open({ scope: 'partition' });
    expect(chooseTrial(opened(partial, outage(), 2_000, options), [one('alerts', 1)])).toBeNull();
  });
});

describe('the breaker', () => {
  it('never opens with fewer outages in a row than its threshold, whatever the scope and the source', () => {
    const one = fc.record({
      scope: fc.constantFrom('cluster' as const, 'partition' as const),
      sourceId: fc.constantFrom('a', 'b', null),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(one, { maxLength: 30 }), (threshold, outages) => {
        let state: BreakerState = closedBreaker;
        for (const each of outages) state = afterOutage(state, outage(each), false, 0, { threshold, resetMs: 10 });
        expect(state.kind).toBe(outages.length >= threshold ? 'open' : 'closed');
      }),
    );
  });
});
