// CSV as the providers of fire data write it: one row per line, hardly ever a quote. Lines without one are split by hand
// (a tenth of the price of a full parser); a block with quotes goes through csv-parse. A stray quote costs its own line
// only: no field of these providers holds a line break, so a line is always a row.
import { parse } from 'csv-parse/sync';

/** A line that is not blank, without its line break. */
export interface CsvRow {
  readonly raw: string;
  /** Null when the line is no CSV: a quote that opens or closes in the wrong place, or more than 64 Ki characters. */
  readonly cells: readonly string[] | null;
}

/** A longer line is not split: its cells could take many times its size. */
const maxLineCharacters = 65_536;

/** Takes a text in pieces. A byte order mark at its beginning is cut. */
interface CsvSplitter {
  /** The rows that this piece ends; null if it ends none. */
  add(piece: string): readonly CsvRow[] | null;
  /** The rows that are left when there is no more; null if none. */
  finish(): readonly CsvRow[] | null;
}

const startSplitting = (): CsvSplitter => {
  let unfinished: string[] = [];
  let isBeginning = true;
  return {
    add: (piece) => {
      const text = isBeginning && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
      if (piece !== '') isBeginning = false;
      const end = text.lastIndexOf('\n');
      if (end === -1) {
        unfinished.push(text);
        return null;
      }
      unfinished.push(text.slice(0, end));
      const ended = unfinished.join('');
      unfinished = [text.slice(end + 1)];
      return rowsOf(ended);
    },
    finish: () => {
      const last = unfinished.join('');
      return last === '' ? null : rowsOf(last);
    },
  };
};

/** The rows of a text that comes in pieces, one array per piece that ends at least one line. A byte order mark is cut. */
export async function* csvRows(pieces: AsyncIterable<string>): AsyncGenerator<readonly CsvRow[]> {
  const splitter = startSplitting();
  for await (const piece of pieces) {
    const rows = splitter.add(piece);
    if (rows !== null) yield rows;
  }
  const rest = splitter.finish();
  if (rest !== null) yield rest;
}

/** The rows of a text that is there. */
export const csvRowsOf = (text: string): readonly CsvRow[] => {
  const splitter = startSplitting();
  return [...(splitter.add(text) ?? []), ...(splitter.finish() ?? [])];
};

const carriageReturn = 0x0d;

/** Most lines begin with a digit or a letter: they are not looked at further. */
const isBlank = (line: string): boolean => {
  const first = line.charCodeAt(0);
  return line.length === 0 || ((first <= 0x20 || first >= 0x80) && line.trim() === '');
};

const rowsOf = (block: string): readonly CsvRow[] => {
  const lines: string[] = [];
  for (const line of block.split('\n')) {
    const raw = line.charCodeAt(line.length - 1) === carriageReturn ? line.slice(0, -1) : line;
    if (!isBlank(raw)) lines.push(raw);
  }
  if (block.includes('"')) return quotedRows(lines);
  return lines.map((raw) => ({ raw, cells: raw.length > maxLineCharacters ? null : raw.split(',') }));
};

const options = { relax_column_count: true, record_delimiter: '\n', skip_empty_lines: false } as const;

/** All lines at once; only when that does not give a row per line, each line by itself. */
const quotedRows = (lines: readonly string[]): readonly CsvRow[] => {
  const isTooLong = lines.some((line) => line.length > maxLineCharacters);
  const together = isTooLong ? null : parsed(lines.join('\n'));
  if (together?.length === lines.length) return lines.map((raw, at) => ({ raw, cells: together[at] ?? null }));
  return lines.map((raw) => {
    const rows = raw.length > maxLineCharacters ? null : parsed(raw);
    return { raw, cells: rows?.length === 1 ? (rows[0] ?? null) : null };
  });
};

const parsed = (text: string): readonly (readonly string[])[] | null => {
  try {
    return parse(text, options);
  } catch {
    // Not CSV: the caller says so of the line, with the line.
    return null;
  }
};
