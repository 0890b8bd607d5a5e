import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nothingSeen } from '../src/pass-seen.ts';
import { beginPass, choosePasses, ownPass, type Pass, readPass } from '../src/poll-passes.ts';

const minute = 60_000;
const tick = Date.UTC(2026, 0, 4, 9);
const cursor = { untilMs: tick - 2 * minute, version: 7 };
const own = ownPass({ scheduledFor: tick, cursor, request: 'stations' });

/** A pass that was cut off, of the cursor as it is. */
const cutOff = (changes: Partial<Pass>): Pass => ({ ...own, position: 4, records: 30, ...changes });

describe('where a poll begins', () => {
  it.each([
    { name: 'nothing stored', stored: null, expected: { earlier: null, own } },
    {
      name: 'its own pass, cut off in the middle',
      stored: cutOff({}),
      expected: { earlier: null, own: cutOff({}) },
    },
    {
      name: 'its own pass, cut off in its first page',
      stored: cutOff({ position: null }),
      expected: { earlier: null, own: cutOff({ position: null }) },
    },
    {
      name: 'the pass of the tick before, with the time it asked for',
      stored: cutOff({ scheduledFor: tick - minute, window: { sinceMs: 1, untilMs: tick - minute } }),
      expected: {
        earlier: cutOff({ scheduledFor: tick - minute, window: { sinceMs: 1, untilMs: tick - minute } }),
        own,
      },
    },
    {
      name: 'an earlier pass that had not got beyond its first page',
      stored: cutOff({ scheduledFor: tick - minute, position: null }),
      expected: { earlier: null, own },
    },
    {
      name: 'an earlier pass of ten minutes ago',
      stored: cutOff({ scheduledFor: tick - 10 * minute }),
      expected: { earlier: cutOff({ scheduledFor: tick - 10 * minute }), own },
    },
    {
      name: 'an earlier pass that is older',
      stored: cutOff({ scheduledFor: tick - 10 * minute - 1 }),
      expected: { earlier: null, own },
    },
    {
      name: 'its own pass, before the cursor was set or reset',
      stored: cutOff({ cursorVersion: 6 }),
      expected: { earlier: null, own },
    },
    {
      name: 'an earlier pass, before the cursor was set or reset',
      stored: cutOff({ scheduledFor: tick - minute, cursorVersion: 6 }),
      expected: { earlier: null, own },
    },
    {
      name: 'its own pass, when the source asked for something else',
      stored: cutOff({ request: 'other stations' }),
      expected: { earlier: null, own },
    },
    {
      name: 'an earlier pass, when the source asked for something else',
      stored: cutOff({ scheduledFor: tick - minute, request: 'other stations' }),
      expected: { earlier: null, own },
    },
    {
      name: 'a pass of a version without windows',
      stored: { scheduledFor: tick, position: 4, records: 3 },
      expected: { earlier: null, own },
    },
    { name: 'a foreign value', stored: { page: 4 }, expected: { earlier: null, own } },
    { name: 'a foreign text', stored: 'page 4', expected: { earlier: null, own } },
  ])('with $name', ({ stored, expected }) => {
    expect(
      choosePasses(stored, { scheduledFor: tick, periodMs: minute, now: tick, cursor, request: 'stations' }),
    ).toEqual(expected);
  });

  it('keeps an earlier pass for two periods when these are longer than ten minutes', () => {
    const stored = cutOff({ scheduledFor: tick - 60 * minute });
    const at = (periodMs: number) =>
      choosePasses(stored, { scheduledFor: tick, periodMs, now: tick, cursor, request: 'stations' }).earlier;
    expect(at(30 * minute)).toEqual(stored);
    expect(at(29 * minute)).toBeNull();
  });

  it('always has its own pass, whatever is stored', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1000 }), (stored, periodMs) => {
        const passes = choosePasses(stored, { scheduledFor: tick, periodMs, now: tick, cursor });
        expect(passes.own.scheduledFor).toBe(tick);
      }),
    );
  });
});

describe('what a pass asks for', () => {
  it.each([
    { name: 'up to its tick, the first time', untilMs: null, window: { sinceMs: null, untilMs: tick } },
    { name: 'from where the last one ended', untilMs: 5, window: { sinceMs: 5, untilMs: tick } },
    {
      name: 'nothing before that when an old tick is polled again',
      untilMs: tick + minute,
      window: { sinceMs: tick + minute, untilMs: tick + minute },
    },
  ])('is the time $name', ({ untilMs, window }) => {
    expect(ownPass({ scheduledFor: tick, cursor: { untilMs, version: 1 } }).window).toEqual(window);
  });
});

describe('a stored pass', () => {
  it('is read back as it was written', () => {
    const pass = beginPass({ scheduledFor: tick, window: { sinceMs: null, untilMs: tick }, cursorVersion: 3 });
    const seen = { ...nothingSeen, outcome: 'ok', rows: null, cursor: { since: 5 } } as const;
    const stands = { ...pass, position: { rest: ['KSFO'] }, records: 3, seen };
    expect(readPass(JSON.parse(JSON.stringify(stands)))).toEqual(stands);
  });
});
