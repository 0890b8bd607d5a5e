import { describe, expect, it } from 'vitest';
import { chooseAct } from '../../src/schedules/reconcile-schedules.ts';

const wanted = {
  id: 'source-a',
  sourceId: 'a',
  repeat: { every: 1000, offset: 0 },
  pollPriority: 2 as const,
  definition: 'new',
};

describe('what is done about a schedule', () => {
  it.each([
    { name: 'there is none', current: null, act: 'create' },
    { name: 'it is another', current: { definition: 'old', nextJobState: 'delayed', nextInMs: 500 }, act: 'change' },
    {
      name: 'somebody made it without a definition',
      current: { definition: undefined, nextJobState: 'delayed', nextInMs: 500 },
      act: 'change',
    },
    { name: 'its tick is armed', current: { definition: 'new', nextJobState: 'delayed', nextInMs: 500 }, act: 'leave' },
    {
      name: 'its tick waits',
      current: { definition: 'new', nextJobState: 'prioritized', nextInMs: 500 },
      act: 'leave',
    },
    { name: 'its tick runs', current: { definition: 'new', nextJobState: 'active', nextInMs: 500 }, act: 'leave' },
    { name: 'its tick is gone', current: { definition: 'new', nextJobState: 'unknown', nextInMs: 500 }, act: 'heal' },
    {
      name: 'its tick is over and armed no other',
      current: { definition: 'new', nextJobState: 'completed', nextInMs: 500 },
      act: 'heal',
    },
    { name: 'its tick failed', current: { definition: 'new', nextJobState: 'failed', nextInMs: 500 }, act: 'heal' },
    {
      name: 'its tick lies an hour ahead of a period of a second',
      current: { definition: 'new', nextJobState: 'delayed', nextInMs: 3_600_000 },
      act: 'change',
    },
    {
      name: 'its tick lies within two periods and a minute',
      current: { definition: 'new', nextJobState: 'delayed', nextInMs: 61_000 },
      act: 'leave',
    },
    { name: 'it names no next tick', current: { definition: 'new', nextJobState: null, nextInMs: 500 }, act: 'heal' },
  ])('when $name: $act', ({ current, act }) => {
    expect(chooseAct(wanted, current)).toBe(act);
  });
});
