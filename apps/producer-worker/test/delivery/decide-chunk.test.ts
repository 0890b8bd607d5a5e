import { describe, expect, it } from 'vitest';
import { backoffAfter, decideChunk, destinationWaitMs, outageWaitMs } from '../../src/delivery/decide-chunk.ts';
import type { SendFailure } from '../../src/delivery/publish.ts';

const options = { destinationGraceMs: 300_000, outagesCount: false };
const first = { made: 0, max: 3, refusedForMs: 0 };

const failure = (outcome: SendFailure['outcome'], ...indexes: readonly number[]): SendFailure => ({
  outcome,
  indexes,
  code: outcome.toUpperCase(),
  message: `it is ${outcome}`,
});

describe('decideChunk', () => {
  const wait = (cause: 'outage' | 'destination', delayMs: number) => ({
    kind: 'wait',
    delayMs,
    reason: `it is ${cause}`,
    cause,
  });
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
      rest: wait('outage', outageWaitMs),
    },
    {
      name: 'a missing topic waits, without an attempt',
      failures: [failure('destination', 0)],
      made: 2,
      refused: [],
      rest: wait('destination', destinationWaitMs),
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
      rest: wait('outage', outageWaitMs),
    },
    {
      name: 'the longer of two waits',
      failures: [failure('outage', 1), failure('destination', 2)],
      made: 0,
      refused: [],
      rest: wait('destination', destinationWaitMs),
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
      rest: wait('outage', outageWaitMs),
    },
  ])('$name', ({ failures, made, refused, rest }) => {
    const decision = decideChunk(failures, { ...first, made }, options);
    expect(decision.refused.map(({ index }) => index)).toEqual(refused);
    expect(decision.rest).toEqual(rest);
  });

  it('names code and reason of each letter, and the attempts that were used', () => {
    expect(decideChunk([failure('poison', 1)], first, options).refused).toEqual([
      { index: 1, code: 'POISON', reason: 'it is poison' },
    ]);
    expect(decideChunk([failure('other', 1)], { ...first, made: 2 }, options).refused).toEqual([
      { index: 1, code: 'OTHER', reason: 'it is other (after 3 attempts)' },
    ]);
  });
});

describe('decideChunk, when a topic takes nothing', () => {
  const refusal = (code: string): SendFailure => ({ outcome: 'destination', code, message: 'it says', indexes: [2] });
  it.each([
    { name: 'lets it wait within the grace time', refusedForMs: 299_999, refused: 0 },
    { name: 'makes letters after it', refusedForMs: 300_000, refused: 1 },
  ])('$name', ({ refusedForMs, refused }) => {
    const decision = decideChunk([refusal('UNKNOWN_TOPIC_OR_PARTITION')], { ...first, refusedForMs }, options);
    expect(decision.refused).toHaveLength(refused);
    expect(decision.rest.kind).toBe(refused === 0 ? 'wait' : 'none');
  });

  it.each([
    { code: 'UNKNOWN_TOPIC_OR_PARTITION', reason: /did not exist for 300 s .*create it or correct the routing/ },
    { code: 'TOPIC_AUTHORIZATION_FAILED', reason: /did not allow this user to write .*300 s/ },
    { code: 'POLICY_VIOLATION', reason: /took no records for 300 s .*it says/ },
  ])('says what to do about $code', ({ code, reason }) => {
    const [refused] = decideChunk([refusal(code)], { ...first, refusedForMs: 400_000 }, options).refused;
    expect(refused).toMatchObject({ index: 2, code, reason: expect.stringMatching(reason) });
  });

  it('makes letters at once without a grace time', () => {
    const none = { ...options, destinationGraceMs: 0 };
    expect(decideChunk([refusal('POLICY_VIOLATION')], first, none).refused).toHaveLength(1);
  });
});

describe('decideChunk, with the breaker turned off', () => {
  const counting = { ...options, outagesCount: true };
  it('lets an outage use attempts, and makes letters with the last', () => {
    expect(decideChunk([failure('outage', 0)], first, counting).rest.kind).toBe('retry');
    expect(decideChunk([failure('outage', 0)], { ...first, made: 2 }, counting).refused).toMatchObject([
      { code: 'OUTAGE', reason: 'it is outage (after 3 attempts)' },
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
    expect(backoffAfter(attemptsMade, [1_000, 2_000, 4_000], 0, 0.5)).toBe(expected);
  });

  it('takes up to the share of the jitter away', () => {
    expect(backoffAfter(1, [1_000], 0.5, 0)).toBe(1_000);
    expect(backoffAfter(1, [1_000], 0.5, 0.5)).toBe(750);
    expect(backoffAfter(1, [1_000], 1, 0.9)).toBe(100);
  });
});
