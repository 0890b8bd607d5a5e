import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterOutage,
  type BreakerState,
  closedBreaker,
  mayEnter,
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

const halfOpen = (isTrying: boolean): BreakerState => ({
  kind: 'half_open',
  retryAt: 10_000,
  reason: 'refused',
  isTrying,
  failing: new Set(['fires']),
  isPartial: false,
});

describe('afterOutage', () => {
  it('opens with the outage that reaches the threshold, until the time of the trial', () => {
    expect(failTimes(4)).toMatchObject({ kind: 'closed', outages: 4 });
    expect(failTimes(5)).toMatchObject({ kind: 'open', retryAt: 11_000, reason: 'refused', isTrying: false });
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
    expect(afterOutage(halfOpen(true), outage(), true, 20_000, options)).toMatchObject({
      kind: 'open',
      retryAt: 30_000,
    });
  });
});

describe('mayEnter', () => {
  const open = (changes: Partial<Outage> = {}): BreakerState => failTimes(5, outage(changes));
  it.each([
    { name: 'closed', state: closedBreaker, sourceId: 'fires', may: 'yes' },
    { name: 'closed after some outages', state: failTimes(4), sourceId: 'fires', may: 'yes' },
    { name: 'open', state: open(), sourceId: 'fires', may: 'no' },
    { name: 'open, a source that has not failed', state: open(), sourceId: 'alerts', may: 'no' },
    {
      name: 'open for partitions, the source that failed',
      state: open({ scope: 'partition' }),
      sourceId: 'fires',
      may: 'no',
    },
    {
      name: 'open for partitions, a source that has not failed',
      state: open({ scope: 'partition' }),
      sourceId: 'alerts',
      may: 'as_trial',
    },
    { name: 'half open', state: halfOpen(false), sourceId: 'fires', may: 'as_trial' },
    { name: 'half open with a trial on its way', state: halfOpen(true), sourceId: 'fires', may: 'no' },
  ])('$name: $may', ({ state, sourceId, may }) => {
    expect(mayEnter(state, sourceId)).toBe(may);
  });

  it('counts as one of the cluster what began with partitions and went on with the cluster', () => {
    const partial = open({ scope: 'partition' });
    expect(mayEnter(opened(partial, outage(), 2_000, options), 'alerts')).toBe('no');
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
