import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choosePasses, readPass } from '../src/poll-passes.ts';

const minute = 60_000;
const tick = Date.UTC(2026, 0, 4, 9);
const own = { scheduledFor: tick, position: null, records: 0 };

describe('where a poll begins', () => {
  it.each([
    { name: 'nothing stored', stored: null, expected: { earlier: null, own } },
    {
      name: 'its own pass, cut off in the middle',
      stored: { scheduledFor: tick, position: 4, records: 30 },
      expected: { earlier: null, own: { scheduledFor: tick, position: 4, records: 30 } },
    },
    {
      name: 'its own pass, cut off in its first page',
      stored: { scheduledFor: tick, position: null, records: 30 },
      expected: { earlier: null, own: { scheduledFor: tick, position: null, records: 30 } },
    },
    {
      name: 'the pass of the tick before',
      stored: { scheduledFor: tick - minute, position: 4, records: 30 },
      expected: { earlier: { scheduledFor: tick - minute, position: 4, records: 30 }, own },
    },
    {
      name: 'an earlier pass that had not got beyond its first page',
      stored: { scheduledFor: tick - minute, position: null, records: 30 },
      expected: { earlier: null, own },
    },
    {
      name: 'an earlier pass of ten minutes ago',
      stored: { scheduledFor: tick - 10 * minute, position: 4, records: 0 },
      expected: { earlier: { scheduledFor: tick - 10 * minute, position: 4, records: 0 }, own },
    },
    {
      name: 'an earlier pass that is older',
      stored: { scheduledFor: tick - 10 * minute - 1, position: 4, records: 0 },
      expected: { earlier: null, own },
    },
    { name: 'a foreign value', stored: { page: 4 }, expected: { earlier: null, own } },
    { name: 'a foreign text', stored: 'page 4', expected: { earlier: null, own } },
  ])('with $name', ({ stored, expected }) => {
    expect(choosePasses(stored, { scheduledFor: tick, periodMs: minute, now: tick })).toEqual(expected);
  });

  it('keeps an earlier pass for two periods when these are longer than ten minutes', () => {
    const stored = { scheduledFor: tick - 60 * minute, position: 4, records: 0 };
    const at = (periodMs: number) => choosePasses(stored, { scheduledFor: tick, periodMs, now: tick }).earlier;
    expect(at(30 * minute)).toEqual(stored);
    expect(at(29 * minute)).toBeNull();
  });

  it('always has its own pass, whatever is stored', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1000 }), (stored, periodMs) => {
        const passes = choosePasses(stored, { scheduledFor: tick, periodMs, now: tick });
        expect(passes.own.scheduledFor).toBe(tick);
      }),
    );
  });
});

describe('a stored pass', () => {
  it('is read back as it was written', () => {
    const pass = { scheduledFor: tick, position: { rest: ['KSFO'] }, records: 3 };
    expect(readPass(JSON.parse(JSON.stringify(pass)))).toEqual(pass);
  });
});
