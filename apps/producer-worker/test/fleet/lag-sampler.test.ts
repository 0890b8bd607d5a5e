import type { SamplingState } from '@stream-manager/shared/queues/throttle-store';
import { decide } from '@stream-manager/shared/throttle/decide';
import { describe, expect, it } from 'vitest';
import { isJustSampled, lagReadingOf } from '../../src/fleet/lag-sampler.ts';
import { noon } from '../chunks.ts';
import { smallThresholds } from './sampler-bundle.ts';

const stateAt = (at: number): SamplingState => {
  const sample = { at, lag: null, group: null, topic: null, ends: {} };
  return { number: 1, state: decide(null, sample, smallThresholds).state };
};

describe('a sample that another process has just taken', () => {
  it.each([
    { name: 'never sampled', last: { number: 0, state: null }, isJust: false },
    { name: 'sampled in this moment', last: stateAt(noon), isJust: true },
    { name: 'less than half an interval ago', last: stateAt(noon - 499), isJust: true },
    { name: 'half an interval ago', last: stateAt(noon - 500), isJust: false },
    { name: 'by a clock that was ahead', last: stateAt(noon + 1), isJust: false },
  ])('is told from one that is due: $name', ({ last, isJust }) => {
    expect(isJustSampled(last, noon, 1_000)).toBe(isJust);
  });
});

describe('what is shown of a lag', () => {
  it('is every group with its topic, its lag and what it has lost, and the abandoned ones', () => {
    const perGroup = [{ group: 'readers', topic: 'fires', lag: 7, lostToRetention: 3 }];
    const worst = { records: 7, group: 'readers', topic: 'fires' };
    const lag = { ...worst, perGroup, abandoned: ['old'], unreadable: [], ends: {}, failure: null };
    expect(lagReadingOf(lag)).toEqual({
      records: 7,
      group: 'readers',
      topic: 'fires',
      groups: [{ group: 'readers', topic: 'fires', records: 7, lostToRetention: 3 }],
      abandoned: ['old'],
    });
  });
});
