import type { SamplingState } from '@stream-manager/shared/queues/throttle-store';
import { decide } from '@stream-manager/shared/throttle/decide';
import { describe, expect, it } from 'vitest';
import { goOnFrom, isJustSampled, lagReadingOf } from '../../src/fleet/lag-sampler.ts';
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

describe('where the sampling goes on', () => {
  const none: SamplingState = { number: 0, state: null };
  const numbered = (number: number, at: number): SamplingState => ({ ...stateAt(at), number });
  const [mine, older, newer] = [numbered(7, noon), numbered(3, noon - 4_000), numbered(3, noon + 4_000)];

  it.each([
    { name: 'a process that begins takes what stands', before: undefined, stored: mine, goesOn: mine },
    { name: 'so it does where nothing does', before: undefined, stored: none, goesOn: none },
    { name: 'a step of another process counts', before: mine, stored: numbered(8, noon), goesOn: numbered(8, noon) },
    {
      name: 'of a loss only the number counts',
      before: mine,
      stored: none,
      goesOn: { ...mine, number: 0, written: [] },
    },
    {
      name: 'of an older copy too',
      before: mine,
      stored: older,
      goesOn: { ...mine, number: 3, written: older.state?.slices ?? [] },
    },
    { name: 'what others have sampled since a loss counts', before: mine, stored: newer, goesOn: newer },
    { name: 'who had nothing keeps nothing', before: none, stored: none, goesOn: none },
  ])('$name', ({ before, stored, goesOn }) => {
    expect(goOnFrom(before, stored)).toEqual(goesOn);
  });
});

describe('what is shown of a lag', () => {
  it('is every group with its topic, its lag and what it has lost, and the abandoned ones', () => {
    const perGroup = [{ group: 'readers', topic: 'fires', lag: 7, lostToRetention: 3 }];
    const worst = { records: 7, group: 'readers', topic: 'fires' };
    const lag = { ...worst, perGroup, abandoned: ['old'], unreadable: [], uncommitted: [], ends: {}, failure: null };
    expect(lagReadingOf(lag)).toEqual({
      records: 7,
      group: 'readers',
      topic: 'fires',
      groups: [{ group: 'readers', topic: 'fires', records: 7, lostToRetention: 3 }],
      abandoned: ['old'],
    });
  });
});
