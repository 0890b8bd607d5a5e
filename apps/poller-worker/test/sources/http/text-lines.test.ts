import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineReader, maxLineCharacters } from '../../../src/sources/http/text-lines.ts';

const read = (pieces: readonly string[]) => {
  const reader = createLineReader();
  return [...pieces.flatMap((piece) => reader.add(piece)), ...reader.finish()];
};

describe('lines', () => {
  it('are those of the text, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '\n', '\r', ' ', '{') })), (pieces) => {
        const lines = pieces
          .join('')
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '');
        expect(read(pieces).map(({ text }) => text)).toEqual(lines);
      }),
    );
  });

  it('lose a byte order mark, and are cut when they are too long', () => {
    const long = 'x'.repeat(65_536);
    const lines = read(['\uFEFFa\n', ...Array.from({ length: 40 }, () => long), '\nb']);
    expect(lines.map(({ text, isCut }) => [text.length, isCut])).toEqual([
      [1, false],
      [maxLineCharacters, true],
      [1, false],
    ]);
  });
});
