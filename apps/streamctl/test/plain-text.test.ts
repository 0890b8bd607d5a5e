import { describe, expect, it } from 'vitest';
import { cutText, plainLines, plainText } from '../src/plain-text.ts';

describe('text of others in the terminal', () => {
  it.each([
    { name: 'colours and cursor', text: 'a\u001B[31mb\u001B]0;title\u0007c', plain: 'a [31mb ]0;title c' },
    { name: 'eight-bit control characters', text: 'a\u009B2Jb', plain: 'a 2Jb' },
    { name: 'lines', text: ' a\r\nb\u2028c\t d ', plain: 'a b c d' },
    { name: 'direction overrides', text: 'abc\u202Egpj.exe', plain: 'abc gpj.exe' },
    { name: 'letters of all kinds', text: 'Ñandú 東京 🔥', plain: 'Ñandú 東京 🔥' },
  ])('has nothing that a terminal acts on: $name', ({ text, plain }) => {
    expect(plainText(text)).toBe(plain);
  });

  it('keeps the lines of a row where they are wanted', () => {
    expect(plainLines('a\tb\u001B[2J\nc')).toBe('a\tb [2J\nc');
  });

  it('is cut with a sign', () => {
    expect([cutText('abcdef', 4), cutText('abcd', 4)]).toEqual(['abc…', 'abcd']);
  });
});
