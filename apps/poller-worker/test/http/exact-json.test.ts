import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from '../../src/http/exact-json.ts';

describe('JSON with all its digits', () => {
  it.each([
    { text: '{"id":9007199254740993}', value: { id: '9007199254740993' } },
    { text: '[ -12345678901234567890 , 1]', value: ['-12345678901234567890', 1] },
    { text: '{"a":[1,9007199254740991,9007199254740992 ]}', value: { a: [1, 9007199254740991, '9007199254740992'] } },
    {
      text: '{"a":1234567890123456789.5,"b":1e30,"c":0.12345678901234567}',
      value: { a: Number('1234567890123456789.5'), b: 1e30, c: Number('0.12345678901234567') },
    },
    { text: '{"a":"12345678901234567890","b":[true,null]}', value: { a: '12345678901234567890', b: [true, null] } },
  ])('$text', ({ text, value }) => {
    expect(parseExactJson(text)).toEqual(value);
  });

  it('is otherwise what JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/\d{16}/.test(text));
        expect(JSON.stringify(parseExactJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
    expect(() => parseExactJson('[12345678901234567890,')).toThrow(SyntaxError);
  });

  it('keeps whole numbers of any length', () => {
    fc.assert(
      fc.property(fc.bigInt(), (number) => {
        expect(String(parseExactJson(`[${number}]`))).toBe(String(number));
      }),
    );
  });
});
