// CSV as anybody writes it: another delimiter, quoted line breaks, doubled quotes. Where no quote is about, lines are split
// by hand; else a record is followed from quote to quote. A quote that is never closed, or closed in the middle of a
// value, costs its own line only: the next line is a record again. (csv-rows.ts is for providers whose records are lines.)

/** How the text is written. */
export interface CsvSettings {
  readonly delimiter: string;
  /** `none`: a quote is a sign like any other. */
  readonly quote: 'double' | 'single' | 'none';
  /** Lines that begin with it are left out. */
  readonly comment?: string | undefined;
}

/** A record that is not blank. */
export interface CsvRecord {
  /** As it came, without its line break; cut if it is longer than `maxRecordCharacters`. */
  readonly raw: string;
  /** Null when it is no CSV (its quotes), or too long. */
  readonly cells: readonly string[] | null;
}

/** Takes a text in pieces. A byte order mark at its beginning is cut. */
export interface CsvReader {
  /** The records that this piece ends. */
  add(piece: string): readonly CsvRecord[];
  /** What is left when there is no more. */
  finish(): readonly CsvRecord[];
}

/** A longer record is none; no more of it is held in memory. */
export const maxRecordCharacters = 1_048_576;

const quoteSigns = { double: '"', single: "'", none: null } as const;

/** Where a record ends, and what is in it. */
type Followed = 'unfinished' | { readonly end: number; readonly next: number; readonly cells: string[] | null };

export const createCsvReader = ({ delimiter, quote, comment }: CsvSettings): CsvReader => {
  const sign = quoteSigns[quote];
  let rest = '';
  let isBeginning = true;
  /** The rest of a line that was too long is passed over. */
  let isSkipping = false;

  const push = (records: CsvRecord[], raw: string, cells: () => readonly string[] | null): void => {
    const isBlank = raw.trim() === '' && !raw.includes(delimiter);
    if (isBlank || (comment !== undefined && raw.startsWith(comment))) return;
    const isTooLong = raw.length > maxRecordCharacters;
    records.push(isTooLong ? { raw: raw.slice(0, maxRecordCharacters), cells: null } : { raw, cells: cells() });
  };

  /** Lines without any quote. */
  const splitLines = (text: string, records: CsvRecord[]): void => {
    for (const line of text.split('\n')) {
      const raw = withoutReturn(line);
      push(records, raw, () => raw.split(delimiter));
    }
  };

  /** Follows one record from `from`; `isLast`: no more text comes. */
  const follow = (text: string, from: number, isLast: boolean, mark: string): Followed => {
    const cells: string[] = [];
    let lineEnd = -1;
    for (let at = from; ; ) {
      if (text[at] === mark) {
        const closed = closingQuote(text, at, mark, isLast);
        if (closed === 'unfinished') return isLast ? brokenLine(text, from) : 'unfinished';
        cells.push(text.slice(at + 1, closed).replaceAll(mark + mark, mark));
        const after = closed + 1;
        if (text[after] === delimiter) {
          at = after + 1;
          continue;
        }
        if (after === text.length) return isLast ? { end: after, next: after, cells } : 'unfinished';
        if (text[after] === '\n') return { end: after, next: after + 1, cells };
        if (text[after] === '\r' && after + 1 === text.length)
          return isLast ? { end: after, next: after + 1, cells } : 'unfinished';
        if (text[after] === '\r' && text[after + 1] === '\n') return { end: after, next: after + 2, cells };
        return isLast || text.includes('\n', from) ? brokenLine(text, from) : 'unfinished';
      }
      if (lineEnd < at) lineEnd = text.indexOf('\n', at);
      if (lineEnd === -1) {
        if (!isLast) return 'unfinished';
        lineEnd = text.length;
      }
      const cellEnd = text.indexOf(delimiter, at);
      if (cellEnd === -1 || cellEnd >= lineEnd) {
        const end = text[lineEnd - 1] === '\r' && lineEnd > at ? lineEnd - 1 : lineEnd;
        cells.push(text.slice(at, end));
        return { end, next: lineEnd + 1, cells };
      }
      cells.push(text.slice(at, cellEnd));
      at = cellEnd + 1;
    }
  };

  /** Records in a text with quotes; gives what is not finished. */
  const splitQuoted = (text: string, isLast: boolean, records: CsvRecord[], mark: string): string => {
    let from = 0;
    while (from < text.length) {
      if (comment !== undefined && text.startsWith(comment, from)) {
        const end = text.indexOf('\n', from);
        if (end === -1) return isLast ? '' : text.slice(from);
        from = end + 1;
        continue;
      }
      const found = follow(text, from, isLast, mark);
      if (found === 'unfinished') {
        if (text.length - from <= maxRecordCharacters) return text.slice(from);
        // Such a long value is a quote that was never meant to open one: its line is given up, and the next one tried.
        const line = brokenLine(text, from);
        push(records, text.slice(from, line.end), () => null);
        isSkipping = line.next > text.length;
        from = line.next;
        continue;
      }
      push(records, text.slice(from, found.end), () => found.cells);
      from = found.next;
    }
    return '';
  };

  const take = (text: string, isLast: boolean): readonly CsvRecord[] => {
    const records: CsvRecord[] = [];
    let piece = text;
    if (isSkipping) {
      const end = piece.indexOf('\n');
      if (end === -1) return records;
      isSkipping = false;
      piece = piece.slice(end + 1);
    }
    const all = rest + piece;
    if (sign !== null && all.includes(sign)) {
      rest = splitQuoted(all, isLast, records, sign);
      return records;
    }
    const end = isLast ? all.length : all.lastIndexOf('\n');
    rest = end === -1 ? all : all.slice(end + 1);
    if (end > -1) splitLines(all.slice(0, end), records);
    if (rest.length > maxRecordCharacters) {
      push(records, rest, () => null);
      rest = '';
      isSkipping = true;
    }
    return records;
  };

  return {
    add: (piece) => {
      if (piece === '') return [];
      const text = isBeginning && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
      isBeginning = false;
      return take(text, false);
    },
    finish: () => take('', true),
  };
};

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

/** The line at `from` as a record that is none. */
const brokenLine = (text: string, from: number): { end: number; next: number; cells: null } => {
  const lineEnd = text.indexOf('\n', from);
  if (lineEnd === -1) return { end: text.length, next: text.length + 1, cells: null };
  return { end: text[lineEnd - 1] === '\r' && lineEnd > from ? lineEnd - 1 : lineEnd, next: lineEnd + 1, cells: null };
};

/** Where the quote that opens at `at` is closed; two in a row are one inside. */
const closingQuote = (text: string, at: number, mark: string, isLast: boolean): number | 'unfinished' => {
  for (let from = at + 1; ; ) {
    const found = text.indexOf(mark, from);
    if (found === -1 || (found + 1 === text.length && !isLast)) return 'unfinished';
    if (text[found + 1] !== mark) return found;
    from = found + 2;
  }
};

/** The one record of a text, or null if it is not exactly one. */
export const csvRecordOf = (text: string, settings: CsvSettings): CsvRecord | null => {
  const reader = createCsvReader(settings);
  const [record, ...more] = [...reader.add(text), ...reader.finish()];
  return record === undefined || more.length > 0 ? null : record;
};
