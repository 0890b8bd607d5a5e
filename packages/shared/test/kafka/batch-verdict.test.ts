import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeSend, nextSequence, type SendResult, type SentBatch } from '../../src/kafka/batch-verdict.ts';
import { protocolError } from '../../src/kafka/protocol-error.ts';

const limits = { retries: 3, withinMs: 10_000 };
const fresh: SentBatch = { records: 5, mayBeWritten: false, attempts: 1, elapsedMs: 0 };
const uncertain: SentBatch = { ...fresh, mayBeWritten: true };
const used: SentBatch = { ...fresh, attempts: 4 };

const coded = (code: number): SendResult => ({ code, error: code === 0 ? null : protocolError(code, 't') });
const failed = (code: string, isHandedOver: boolean): SendResult => ({
  code: null,
  error: Object.assign(new Error(code), { code }),
  isHandedOver,
});

describe('the answer to a numbered batch', () => {
  it.each<{ name: string; batch: SentBatch; result: SendResult; verdict: object }>([
    { name: 'written', batch: fresh, result: coded(0), verdict: { action: 'written' } },
    { name: 'there already', batch: uncertain, result: coded(46), verdict: { action: 'written' } },
    {
      name: 'too large, several records',
      batch: fresh,
      result: coded(10),
      verdict: { action: 'split', isIdentityLost: false },
    },
    {
      name: 'too large, a lone record',
      batch: { ...fresh, records: 1 },
      result: coded(10),
      verdict: { action: 'refused', isIdentityLost: false },
    },
    {
      name: 'an invalid record where an earlier attempt may have been written',
      batch: { ...uncertain, records: 1 },
      result: coded(87),
      verdict: { action: 'refused', isIdentityLost: true },
    },
    {
      name: 'out of order',
      batch: fresh,
      result: coded(45),
      verdict: { action: 'let_go', isIdentityLost: true },
    },
    {
      name: 'an unknown producer',
      batch: uncertain,
      result: coded(59),
      verdict: { action: 'let_go', isIdentityLost: true },
    },
    {
      name: 'refused connection',
      batch: fresh,
      result: failed('ECONNREFUSED', false),
      verdict: { action: 'again', mayBeWritten: false, isKeptUp: false },
    },
    {
      name: 'refused connection, the last try',
      batch: used,
      result: failed('ECONNREFUSED', false),
      verdict: { action: 'let_go', isIdentityLost: false },
    },
    {
      name: 'refused connection after a lost answer, however often',
      batch: { ...used, mayBeWritten: true, elapsedMs: 1e9 },
      result: failed('ECONNREFUSED', false),
      verdict: { action: 'again', mayBeWritten: true, isKeptUp: true },
    },
    {
      name: 'silence',
      batch: used,
      result: failed('ETIMEDOUT', true),
      verdict: { action: 'again', mayBeWritten: true, isKeptUp: true },
    },
    {
      name: 'appended, but replicas did not confirm',
      batch: used,
      result: coded(20),
      verdict: { action: 'again', mayBeWritten: true, isKeptUp: true },
    },
    {
      name: 'a leader that was deposed, perhaps after it had appended',
      batch: used,
      result: coded(6),
      verdict: { action: 'again', mayBeWritten: true, isKeptUp: true },
    },
    {
      name: 'too few replicas to append',
      batch: used,
      result: coded(19),
      verdict: { action: 'let_go', isIdentityLost: false },
    },
    {
      name: 'forbidden',
      batch: fresh,
      result: coded(29),
      verdict: { action: 'let_go', isIdentityLost: false },
    },
    {
      name: 'forbidden where an earlier attempt may have been written',
      batch: uncertain,
      result: coded(29),
      verdict: { action: 'let_go', isIdentityLost: true },
    },
    {
      name: 'an unknown topic',
      batch: fresh,
      result: coded(3),
      verdict: { action: 'again', mayBeWritten: true, isKeptUp: false },
    },
    {
      name: 'an unknown error',
      batch: fresh,
      result: coded(-1),
      verdict: { action: 'again', mayBeWritten: true, isKeptUp: false },
    },
    {
      name: 'an unknown error, the last try',
      batch: used,
      result: coded(-1),
      verdict: { action: 'let_go', isIdentityLost: true },
    },
  ])('$name', ({ batch, result, verdict }) => {
    expect(judgeSend(batch, result, limits)).toEqual(verdict);
  });

  it('never lets a batch keep its number that may have been written and is not acknowledged', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1, max: 130 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (code, records, attempts) => {
          const verdict = judgeSend({ records, attempts, mayBeWritten: true, elapsedMs: 0 }, coded(code), limits);
          const isSafe = {
            written: code === 0 || code === 46,
            again: 'mayBeWritten' in verdict && verdict.mayBeWritten,
            split: 'isIdentityLost' in verdict && verdict.isIdentityLost,
            refused: 'isIdentityLost' in verdict && verdict.isIdentityLost,
            let_go: 'isIdentityLost' in verdict && verdict.isIdentityLost,
          }[verdict.action];
          expect(isSafe).toBe(true);
        },
      ),
    );
  });
});

describe('sequence numbers', () => {
  it('wrap after the largest that four bytes hold', () => {
    expect(nextSequence(0, 500)).toBe(500);
    expect(nextSequence(2 ** 31 - 1, 1)).toBe(0);
    expect(nextSequence(2 ** 31 - 3, 10)).toBe(7);
  });
});
