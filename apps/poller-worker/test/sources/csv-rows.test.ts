import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRows, csvRowsOf } from '../../src/sources/csv-rows.ts';

const inPieces = async (...pieces: string[]) =>
  (
    await Array.fromAsync(
      csvRows(
        (async function* () {
          yield* pieces;
        })(),
      ),
    )
  ).flat();
const rows = csvRowsOf;
const cells = (text: string) => rows(text).map((row) => row.cells);

describe('csvRows', () => {
  it.each([
    {
      name: 'plain lines',
      text: 'a,b\nc,d\n',
      expected: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    },
    {
      name: 'no line break at the end',
      text: 'a,b\nc,d',
      expected: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    },
    {
      name: 'CR LF',
      text: 'a,b\r\nc,d\r\n',
      expected: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    },
    { name: 'a byte order mark', text: '\uFEFFa,b\n', expected: [['a', 'b']] },
    { name: 'blank lines', text: '\n a\n \t\n\r\n\u3000\nb\n', expected: [[' a'], ['b']] },
    { name: 'empty cells', text: ',,\n', expected: [['', '', '']] },
    {
      name: 'quoted cells',
      text: '"a","b,c"\nd,"e ""f"""\n',
      expected: [
        ['a', 'b,c'],
        ['d', 'e "f"'],
      ],
    },
    { name: 'a quote that does not close', text: 'a,"b\nc,d\n', expected: [null, ['c', 'd']] },
    { name: 'two quotes that do not close', text: 'a,"b\nc,d"\ne,f\n', expected: [null, null, ['e', 'f']] },
    { name: 'a quote inside a cell', text: 'a,b"c\nd,e\n', expected: [null, ['d', 'e']] },
    { name: 'nothing', text: '', expected: [] },
    { name: 'line breaks only', text: '\n\r\n\n', expected: [] },
  ])('reads $name', ({ text, expected }) => {
    expect(cells(text)).toEqual(expected);
  });

  it('keeps each line as it came, without its break', () => {
    expect(rows('a,"b"\r\nc\n').map((row) => row.raw)).toEqual(['a,"b"', 'c']);
  });

  it('does not split a line of more than 64 Ki characters', () => {
    expect(cells(`${','.repeat(65_537)}\na\n`)).toEqual([null, ['a']]);
    expect(cells(`"${','.repeat(65_537)}"\na\n`)).toEqual([null, ['a']]);
  });

  it('gives the same rows however the text was cut into pieces', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', '\r', ' ', '\uFEFF', 'é') });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(40)), async (whole, cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), whole.length];
        const pieces = at.slice(1).map((to, piece) => whole.slice(at[piece], to));
        // Whether a line with a quote is CSV must not hang on what else is in its piece, so lines are compared one by one.
        expect(await inPieces(...pieces)).toEqual(rows(whole));
      }),
      { numRuns: 500 },
    );
  });

  it('gives a row for every line that is not blank, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).map((line) => line.replaceAll(/[\n\r\uFEFF]/g, ''))),
        (lines) => {
          expect(rows(lines.join('\n')).map((row) => row.raw)).toEqual(lines.filter((line) => line.trim() !== ''));
        },
      ),
    );
  });
});
