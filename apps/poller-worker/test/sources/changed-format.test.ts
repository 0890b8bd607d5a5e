import { codeOf } from '@stream-manager/shared/failures/errors';
import type { InvalidRow } from '@stream-manager/shared/records/envelope';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/http/secrets.ts';
import { createShareJudge, formatChanged, isFormatChanged, type ShareJudge } from '../../src/sources/changed-format.ts';

describe('isFormatChanged', () => {
  it.each([
    { name: 'more than half of twenty', rows: 20, invalid: 11, maxShare: 0.5, changed: true },
    { name: 'just half of twenty', rows: 20, invalid: 10, maxShare: 0.5, changed: false },
    { name: 'all of nineteen: too few to say', rows: 19, invalid: 19, maxShare: 0.5, changed: false },
    { name: 'one, where none is allowed', rows: 20, invalid: 1, maxShare: 0, changed: true },
    { name: 'none, where none is allowed', rows: 20, invalid: 0, maxShare: 0, changed: false },
    { name: 'all, where all are allowed', rows: 300, invalid: 300, maxShare: 1, changed: false },
  ])('$name: $changed', ({ rows, invalid, maxShare, changed }) => {
    expect(isFormatChanged(rows, invalid, maxShare)).toBe(changed);
  });
});

describe('formatChanged', () => {
  it('says how many rows, what is allowed, and shows three of them, cut, on one line and without secrets', () => {
    const row = (index: number): InvalidRow => ({
      raw: `${index},the-key\n${'x'.repeat(500)}`,
      reason: 'column_count',
      message: 'row: expected 14 values, found "the-key"',
    });
    const answer = { rows: 300, invalid: 200, sample: [0, 1, 2, 3, 4].map(row) };
    const error = formatChanged(answer, 0.5, createRedactor(['the-key']));
    expect(error.code).toBe('format_changed');
    expect(error.message).toMatch(
      /^200 of 300 rows read of the answer are no records \(delivery\.deadLetters\.maxInvalidShare allows 0\.5\); for example: row: expected/,
    );
    expect(error.message).not.toContain('the-key');
    expect(error.message).not.toContain('\n');
    expect(error.message).toContain('"2,*** x');
    expect(error.message).not.toContain('"3,');
    expect(error.message.length).toBeLessThan(1500);
  });
});

describe('the judge of an answer of several pages', () => {
  const row: InvalidRow = { raw: 'x', reason: 'unreadable', message: 'row: expected a row' };
  const verdict = (judge: ShareJudge): unknown => {
    try {
      judge.finish();
      return null;
    } catch (error) {
      return codeOf(error);
    }
  };

  it.each([
    { name: 'as many valid ones as make it sound', valid: 50, bad: 0, isKnown: true, is: null },
    { name: 'more invalid ones than may be', valid: 10, bad: 51, isKnown: true, is: 'format_changed' },
    { name: 'neither', valid: 49, bad: 50, isKnown: false, is: 'format_changed' },
  ])('knows the outcome from $name: $isKnown', ({ valid, bad, isKnown, is }) => {
    const judge = createShareJudge(100, 0.5, createRedactor([]));
    expect(
      judge.add(
        valid,
        Array.from({ length: bad }, () => row),
      ),
    ).toBe(isKnown);
    expect(verdict(judge)).toBe(is);
  });

  it('reads on behind a first bad row, where none is allowed, until there are enough rows to say so', () => {
    const judge = createShareJudge(100, 0, createRedactor([]));
    expect(judge.add(5, [row])).toBe(false);
    expect(judge.add(13, [])).toBe(false);
    expect(verdict(judge)).toBeNull();
    expect(judge.add(1, [])).toBe(true);
    expect(verdict(judge)).toBe('format_changed');
  });
});
