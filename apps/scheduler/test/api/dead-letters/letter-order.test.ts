import { describe, expect, it } from 'vitest';
import {
  compareLetters,
  isWithin,
  type LetterPlace,
  readCursor,
  readRange,
  walkStartOf,
  writeCursor,
  writeRange,
} from '../../../src/api/dead-letters/letter-order.ts';

// Every place of a small world, so that each pair is looked at.
const places: readonly LetterPlace[] = [1, 2, 3].flatMap((failedAt) =>
  ['a', 'b', 'c'].flatMap((source) => ['x-1', 'x-2', 'Y_3'].map((id) => ({ failedAt, source, id }))),
);
const pairs = places.flatMap((a) => places.map((b) => [a, b] as const));

/** What a walk of one source gives from a start on. */
const isIn = (place: LetterPlace, cursor: LetterPlace): boolean => {
  const start = walkStartOf(place.source, cursor);
  if (start.kind === 'newest') return true;
  if (start.kind === 'at') return place.failedAt <= start.failedAt;
  return compareLetters(start.place, place) < 0;
};

describe('the order of letters', () => {
  it('has the newest first', () => {
    const a = { failedAt: 1, source: 'a', id: 'x' };
    expect(compareLetters({ ...a, failedAt: 2 }, a)).toBeLessThan(0);
    expect(compareLetters(a, { ...a })).toBe(0);
  });

  it('is total: a letter is either before another or behind it', () => {
    for (const [a, b] of pairs) {
      expect(Math.sign(compareLetters(a, b)) + Math.sign(compareLetters(b, a))).toBe(0);
      expect(compareLetters(a, b) === 0).toBe(a === b);
    }
  });

  it('goes on in each source with exactly the letters behind the cursor', () => {
    for (const [cursor, place] of pairs) expect(isIn(place, cursor)).toBe(compareLetters(cursor, place) < 0);
  });

  it('has cursors that can be read again, and nothing else', () => {
    for (const place of places) expect(readCursor(writeCursor(place))).toEqual(place);
    for (const text of ['', 'abc', Buffer.from('5/firms').toString('base64url')]) expect(readCursor(text)).toBeNull();
  });
});

describe('a range of letters', () => {
  it('has both its ends and what lies between, and is open without an older end', () => {
    const inOrder = places.toSorted(compareLetters);
    const [newest, oldest] = [inOrder[4]!, inOrder[9]!];
    expect(inOrder.filter((place) => isWithin(place, { newest, oldest }))).toEqual(inOrder.slice(4, 10));
    expect(inOrder.filter((place) => isWithin(place, { newest, oldest: null }))).toEqual(inOrder.slice(4));
  });

  it('can be read again, and nothing else', () => {
    for (const [newest, other] of pairs)
      for (const oldest of [other, null]) expect(readRange(writeRange({ newest, oldest }))).toEqual({ newest, oldest });
    const cursor = writeCursor(places[0]!);
    for (const text of ['', '.', `${cursor}.`, `.${cursor}`, `${cursor}.${cursor}.${cursor}`])
      expect(readRange(text)).toBeNull();
  });
});
