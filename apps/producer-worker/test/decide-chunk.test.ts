import { describe, expect, it } from 'vitest';
import { backoffAfter, decideChunk, destinationWaitMs, outageWaitMs } from '../src/decide-chunk.ts';
import type { SendFailure } from '../src/publish.ts';

const failure = (outcome: SendFailure['outcome'], ...indexes: readonly number[]): SendFailure => ({
  outcome,
  indexes,
  code: outcome.toUpperCase(),
  message: `it is ${outcome}`,
});

describe('decideChunk', () => {
  const wait = (delayMs: number, reason: string) => ({ kind: 'wait', delayMs, reason });
  it.each([
    { name: 'no failure: done', failures: [], made: 0, refused: [], rest: { kind: 'none' } },
    {
      name: 'poison becomes a letter at once',
      failures: [failure('poison', 3)],
      made: 0,
      refused: [3],
      rest: { kind: 'none' },
    },
    {
      name: 'an outage waits, without an attempt',
      failures: [failure('outage', 0, 1)],
      made: 2,
      refused: [],
      rest: wait(outageWaitMs, 'it is outage'),
    },
    {
      name: 'a missing topic waits, without an attempt',
      failures: [failure('destination', 0)],
      made: 2,
      refused: [],
      rest: wait(destinationWaitMs, 'it is destination'),
    },
    {
      name: 'anything else is tried again',
      failures: [failure('other', 0)],
      made: 0,
      refused: [],
      rest: { kind: 'retry', reason: 'it is other' },
    },
    {
      name: 'anything else becomes letters with the last attempt',
      failures: [failure('other', 0, 4)],
      made: 2,
      refused: [0, 4],
      rest: { kind: 'none' },
    },
    {
      name: 'poison beside an outage: a letter, and the rest waits',
      failures: [failure('outage', 1), failure('poison', 0)],
      made: 0,
      refused: [0],
      rest: wait(outageWaitMs, 'it is outage'),
    },
    {
      name: 'the longer of two waits',
      failures: [failure('outage', 1), failure('destination', 2)],
      made: 0,
      refused: [],
      rest: wait(destinationWaitMs, 'it is destination'),
    },
    {
      name: 'an attempt that is used anyway carries the waiting ones along',
      failures: [failure('outage', 1), failure('other', 2)],
      made: 0,
      refused: [],
      rest: { kind: 'retry', reason: 'it is other' },
    },
    {
      name: 'in any order',
      failures: [failure('other', 2), failure('outage', 1)],
      made: 0,
      refused: [],
      rest: { kind: 'retry', reason: 'it is other' },
    },
    {
      name: 'attempts used up: letters, but what an outage holds waits on',
      failures: [failure('other', 2), failure('outage', 1)],
      made: 2,
      refused: [2],
      rest: wait(outageWaitMs, 'it is outage'),
    },
  ])('$name', ({ failures, made, refused, rest }) => {
    const decision = decideChunk(failures, { made, max: 3 });
    expect(decision.refused.map(({ index }) => index)).toEqual(refused);
    expect(decision.rest).toEqual(rest);
  });

  it('names code and reason of each letter, and the attempts that were used', () => {
    expect(decideChunk([failure('poison', 1)], { made: 0, max: 3 }).refused).toEqual([
      { index: 1, code: 'POISON', reason: 'it is poison' },
    ]);
    expect(decideChunk([failure('other', 1)], { made: 2, max: 3 }).refused).toEqual([
      { index: 1, code: 'OTHER', reason: 'it is other (after 3 attempts)' },
    ]);
  });
});

describe('backoffAfter', () => {
  it.each([
    { attemptsMade: 1, expected: 1_000 },
    { attemptsMade: 2, expected: 2_000 },
    { attemptsMade: 3, expected: 4_000 },
    { attemptsMade: 9, expected: 4_000 },
    { attemptsMade: 0, expected: 1_000 },
  ])('after attempt $attemptsMade: $expected ms', ({ attemptsMade, expected }) => {
    expect(backoffAfter(attemptsMade, [1_000, 2_000, 4_000])).toBe(expected);
  });
});
