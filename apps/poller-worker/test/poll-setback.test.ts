import { type ErrorCode, errorTable, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import { chooseSetback } from '../src/poll-setback.ts';

const minute = 60_000;
/** A source with a tick in five minutes. */
const context = { untilNextTickMs: 5 * minute, hostWaitedMs: 0, random: 0.5 };
const error = (code: ErrorCode, retryAfterMs?: number): Error =>
  new StreamManagerError(code, 'no', retryAfterMs === undefined ? {} : { retryAfterMs });

describe('what a poll does about an error', () => {
  it.each([
    { name: 'our own limit', error: error('budget_exhausted', 1500), by: 'budget', waitMs: 1500 },
    {
      name: 'our own limit, free again at once',
      error: error('budget_exhausted', 0),
      by: 'budget',
      waitMs: 1000,
    },
    { name: 'our own limit without a time', error: error('budget_exhausted'), by: 'budget', waitMs: minute },
    { name: 'the share of its host in use', error: error('host_busy'), by: 'host', waitMs: 1000 },
    { name: 'a 429 with a time', error: error('rate_limited', 5000), by: 'rate_limited', waitMs: 5000 },
    { name: 'a 429 without a time', error: error('rate_limited'), by: 'rate_limited', waitMs: 5 * minute },
    {
      name: 'a 429 for a month',
      error: error('rate_limited', 1e10),
      by: 'rate_limited',
      waitMs: 24 * 60 * minute,
    },
  ])('waits after $name', ({ error, by, waitMs }) => {
    expect(chooseSetback(error, context)).toEqual({ act: 'later', by, waitMs });
  });

  it('waits a minute after a 429 without a time when the next tick comes sooner', () => {
    expect(chooseSetback(error('rate_limited'), { ...context, untilNextTickMs: 1000 })).toMatchObject({
      waitMs: minute,
    });
  });

  it.each([
    { name: 'about a second at first', hostWaitedMs: 0, from: 750, to: 1250 },
    { name: 'longer when it has waited', hostWaitedMs: 8_000, from: 1500, to: 2500 },
    { name: 'a few seconds at most', hostWaitedMs: 3_600_000, from: 3000, to: 5000 },
  ])('waits $name when its host has its share in use', ({ hostWaitedMs, from, to }) => {
    const waitMs = (random: number) => {
      const setback = chooseSetback(error('host_busy'), { ...context, hostWaitedMs, random });
      return setback.act === 'later' ? setback.waitMs : null;
    };
    expect([waitMs(0), waitMs(1)]).toEqual([from, to]);
  });

  const early: ReadonlySet<string> = new Set(['budget_exhausted', 'rate_limited', 'host_busy']);
  // The keys of the table are the codes.
  const codes = Object.keys(errorTable) as readonly ErrorCode[];
  it.each(codes.filter((code) => !early.has(code)))('fails after %s', (code) => {
    expect(chooseSetback(error(code, 1000), context)).toEqual({ act: 'fail' });
  });

  it('fails after an error of somebody else', () => {
    expect(chooseSetback(new TypeError('x is not a function'), context)).toEqual({ act: 'fail' });
    expect(chooseSetback('text', context)).toEqual({ act: 'fail' });
  });
});
