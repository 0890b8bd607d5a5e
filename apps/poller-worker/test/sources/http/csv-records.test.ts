import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CsvRecord,
  type CsvSettings,
  createCsvReader,
  csvRecordOf,
  maxRecordCharacters,
} from '../../../src/sources/http/csv-records.ts';

const usual: CsvSettings = { delimiter: ',', quote: 'double' };

const read = (pieces: readonly string[], settings = usual): readonly CsvRecord[] => {
  const reader = createCsvReader(settings);
  return [...pieces.flatMap((piece) => reader.add(piece)), ...reader.finish()];
};
const cellsOf = (text: string, settings = usual) => read([text], settings).map(({ cells }) => cells);

/** A text in pieces of these sizes, in turn. */
const inPieces = (text: string, sizes: readonly number[]): readonly string[] => {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
};

describe('CSV', () => {
  it.each([
    {
      name: 'plain',
      text: 'a,b\n1,2\n',
      cells: [
        ['a', 'b'],
        ['1', '2'],
      ],
    },
    {
      name: 'without a last line break',
      text: 'a,b\n1,2',
      cells: [
        ['a', 'b'],
        ['1', '2'],
      ],
    },
    {
      name: 'with CR LF',
      text: 'a,b\r\n1,2\r\n',
      cells: [
        ['a', 'b'],
        ['1', '2'],
      ],
    },
    {
      name: 'with a byte order mark',
      text: '\uFEFFa,b\n1,2',
      cells: [
        ['a', 'b'],
        ['1', '2'],
      ],
    },
    { name: 'with blank lines', text: '\na\n\n  \r\n1\n', cells: [['a'], ['1']] },
    {
      name: 'with empty cells',
      text: ',\n,,',
      cells: [
        ['', ''],
        ['', '', ''],
      ],
    },
    {
      name: 'quoted',
      text: '"a","b, c"\n"1","say ""hi"""\n',
      cells: [
        ['a', 'b, c'],
        ['1', 'say "hi"'],
      ],
    },
    {
      name: 'with a quoted line break',
      text: 'a,"b\nc\r\nd"\n1,2',
      cells: [
        ['a', 'b\nc\r\nd'],
        ['1', '2'],
      ],
    },
    {
      name: 'quoted with CR LF',
      text: '"a","b"\r\n"1",""\r\n',
      cells: [
        ['a', 'b'],
        ['1', ''],
      ],
    },
    {
      name: 'with a quote in the middle of a value',
      text: 'a,5" pipe\n1,2',
      cells: [
        ['a', '5" pipe'],
        ['1', '2'],
      ],
    },
    { name: 'with text behind a quote', text: 'a,"b"c\n1,2\n', cells: [null, ['1', '2']] },
    {
      name: 'with a quote that is never closed',
      text: 'a,b\n"1,2\n3,4\n5,6',
      cells: [['a', 'b'], null, ['3', '4'], ['5', '6']],
    },
  ])('$name', ({ text, cells }) => {
    expect(cellsOf(text)).toEqual(cells);
  });

  it.each([
    {
      settings: { delimiter: '\t', quote: 'double' },
      text: 'a\tb\n\t\n',
      cells: [
        ['a', 'b'],
        ['', ''],
      ],
    },
    { settings: { delimiter: ';', quote: 'single' }, text: '\'a;b\';"c"\n', cells: [['a;b', '"c"']] },
    {
      settings: { delimiter: ',', quote: 'none' },
      text: 'a,"b\n"c,d',
      cells: [
        ['a', '"b'],
        ['"c', 'd'],
      ],
    },
    {
      settings: { delimiter: ',', quote: 'double', comment: '#' },
      text: '# "x\na,b\n#c,d\n"1","2"\n# y',
      cells: [
        ['a', 'b'],
        ['1', '2'],
      ],
    },
    { settings: { delimiter: '|', quote: 'double' }, text: '"a|b"|c', cells: [['a|b', 'c']] },
  ] as const)('with $settings', ({ settings, text, cells }) => {
    expect(cellsOf(text, settings)).toEqual(cells);
  });

  it('gives each record as it came', () => {
    const rows = ['a,"b\r\nc"', '"1",2', '"x"y'];
    expect(read([`${rows.join('\r\n')}\r\n`]).map(({ raw }) => raw)).toEqual(rows);
    expect(csvRecordOf('a,"b\nc"', usual)?.cells).toEqual(['a', 'b\nc']);
    expect(csvRecordOf('a\nb', usual)).toBeNull();
  });

  const cell = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\r\n', '7', ';') });

  it('reads whatever was written, however it is cut into pieces', () => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const table = fc.array(
      fc.array(
        cell.map((text) => `x${text}`),
        { minLength: 1, maxLength: 4 },
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        table,
        fc.array(fc.nat(7), { minLength: 1 }),
        fc.constantFrom('\n', '\r\n'),
        (rows, sizes, lineBreak) => {
          const text = rows.map((row) => row.map(quoted).join(',') + lineBreak).join('');
          expect(read(inPieces(text, sizes)).map(({ cells }) => cells)).toEqual(rows);
          expect(parse(text, { relax_column_count: true })).toEqual(rows);
        },
      ),
    );
  });

  it('finds the same records in any text, whole or in pieces, and loses no sign but line breaks and blank lines', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', '1', ' ') });
    fc.assert(
      fc.property(text, fc.array(fc.nat(5), { minLength: 1 }), (whole, sizes) => {
        const records = read([whole]);
        expect(read(inPieces(whole, sizes))).toEqual(records);
        const kept = records
          .map(({ raw }) => raw)
          .join('')
          .replaceAll(/[\s]/g, '');
        expect(kept).toBe(whole.replaceAll(/[\s]/g, ''));
      }),
      { numRuns: 500 },
    );
  });

  it('takes no memory for a record without an end', () => {
    const long = 'x'.repeat(65_536);
    const pieces = [...Array.from({ length: 40 }, () => long), '\n1,2\n'];
    const plain = read(['a,b\n', ...pieces]);
    expect(plain.map(({ raw, cells }) => [raw.length, cells])).toEqual([
      [3, ['a', 'b']],
      [maxRecordCharacters, null],
      [3, ['1', '2']],
    ]);
    const open = read(['a,b\n"', ...pieces]);
    expect(open.map(({ raw, cells }) => [raw.length <= maxRecordCharacters, cells])).toEqual([
      [true, ['a', 'b']],
      [true, null],
      [true, ['1', '2']],
    ]);
  });
});
