import { type ErrorCode, errorTable, StreamManagerError } from '@stream-manager/shared/failures/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HttpStatusError } from '../src/http/http-status-error.ts';
import { OtherHostError } from '../src/http/other-host-error.ts';
import { chooseSetback } from '../src/poll-setback.ts';

const minute = 60_000;
/** A source with a tick in five minutes. */
const context = {
  untilNextTickMs: 5 * minute,
  beforeTickMs: 5 * minute,
  retries: 0,
  isTrial: false,
  hostWaitedMs: 0,
  random: 0.5,
};
const status = (code: number, retryAfterMs?: number): StreamManagerError =>
  new HttpStatusError('fetch_status', 'no', {
    status: code,
    excerpt: '',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
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

  it.each([
    { name: 'a cut connection', error: error('fetch_network') },
    { name: 'silence', error: error('fetch_timeout') },
    { name: 'a 500', error: status(500) },
    { name: 'a 503', error: status(503) },
    { name: 'a 408', error: status(408) },
    { name: 'a 425', error: status(425) },
    { name: 'a 425 of another host', error: new OtherHostError(status(425)) },
  ])('is tried again twice after $name, within 1 s and within 2 s', ({ error }) => {
    const after = (retries: number, random: number) => chooseSetback(error, { ...context, retries, random });
    expect(after(0, 0.5)).toEqual({ act: 'later', by: 'retry', waitMs: 500 });
    expect(after(0, 1)).toEqual({ act: 'later', by: 'retry', waitMs: 1000 });
    expect(after(1, 0)).toEqual({ act: 'later', by: 'retry', waitMs: 0 });
    expect(after(1, 1)).toEqual({ act: 'later', by: 'retry', waitMs: 2000 });
    expect(after(2, 0)).toEqual({ act: 'fail' });
  });

  it('waits before another try for as long as the provider asks, if the next tick is not sooner', () => {
    expect(chooseSetback(status(503, 90_000), context)).toEqual({ act: 'later', by: 'retry', waitMs: 90_000 });
    expect(chooseSetback(status(503, 300_000), context)).toEqual({ act: 'fail' });
  });

  it.each([
    { name: 'a continuous source', beforeTickMs: 1000, retries: 0 },
    { name: 'a source whose tick comes within the second pause', beforeTickMs: 2000, retries: 1 },
  ])('tries $name not again in between, whatever chance says', ({ beforeTickMs, retries }) => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
        const setback = chooseSetback(error('fetch_network'), { ...context, beforeTickMs, retries, random });
        expect(setback).toEqual({ act: 'fail' });
      }),
    );
  });

  it('does not try the trial of a breaker again: others wait for it', () => {
    expect(chooseSetback(error('fetch_network'), { ...context, isTrial: true })).toEqual({ act: 'fail' });
  });

  it.each([400, 401, 404, 410, 422])('fails after a %i', (code) => {
    expect(chooseSetback(status(code), context)).toEqual({ act: 'fail' });
  });

  const early: ReadonlySet<string> = new Set(['budget_exhausted', 'rate_limited', 'host_busy']);
  const retried: ReadonlySet<string> = new Set(['fetch_network', 'fetch_timeout']);
  // The keys of the table are the codes.
  const codes = Object.keys(errorTable) as readonly ErrorCode[];
  it.each(codes.filter((code) => !early.has(code) && !retried.has(code)))('fails after %s', (code) => {
    expect(chooseSetback(error(code, 1000), context)).toEqual({ act: 'fail' });
  });

  it('fails after an error of somebody else', () => {
    expect(chooseSetback(new TypeError('x is not a function'), context)).toEqual({ act: 'fail' });
    expect(chooseSetback('text', context)).toEqual({ act: 'fail' });
  });
});
