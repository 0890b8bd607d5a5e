// The rows of an answer, whatever form it has: batch by batch, as often as asked for. JSON is in memory as a whole
// (bounded by polling.maxResponseBytes); CSV and NDJSON lie where they were received, and take the memory of a block.
import type { HttpParams } from '@stream-manager/shared/config/source-params/http';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { textOf } from '../../http/body.ts';
import { EmptyAnswerError } from '../../http/empty-answer-error.ts';
import { parseExactJson } from '../../http/exact-json.ts';
import type { HttpResponse } from '../../http/http-client.ts';
import { excerptOf, type Redactor } from '../../http/secrets.ts';
import type { WholeAnswer } from '../../http/whole-answer.ts';
import { type RowFault, rowFault } from '../invalid-row.ts';
import { mostLines } from '../line-count.ts';
import { type AnswerFormat, formatOf } from './answer-format.ts';
import { type CsvColumns, csvColumns, neededColumns, rowOfCells } from './csv-columns.ts';
import { createCsvReader } from './csv-records.ts';
import { createJsonRows } from './json-rows.ts';
import { createLineReader } from './text-lines.ts';

/** A row as it was given: a value, or what could not be read as one. `raw`: its own text, where it has one. */
export type GivenRow =
  | { readonly row: unknown; readonly raw: string | null }
  | { readonly fault: RowFault; readonly raw: string };

/** The rows of one answer. */
export interface AnswerRows {
  /** The most rows that it can hold; it may be too high. */
  readonly most: number;
  /** What a row cannot be read without beside itself (`InvalidRow.context`); known once the first batch was read. */
  context(): string;
  /** From the first row, as often as asked for. Rejects with `response_unreadable` for what is no such answer. */
  batches(): AsyncIterable<readonly GivenRow[]>;
  /** The answer as JSON; undefined for other forms. */
  readonly document: unknown;
  /** Gives back what it takes. */
  close(): Promise<void>;
}

/** How answers of a source are read. */
export type AnswerSettings = Pick<
  HttpParams,
  'format' | 'records' | 'layout' | 'csv' | 'allowEmpty' | 'id' | 'time' | 'latitude' | 'longitude' | 'fields'
>;

/** Reads an answer to its end. Rejects as its body does, or with `response_unreadable`. */
export const readAnswerRows = async (
  response: HttpResponse,
  settings: AnswerSettings,
  redact: Redactor,
): Promise<AnswerRows> => {
  // It has no body, and so no content type.
  if (response.status === 204) return noRows;
  const format = formatOf(settings.format, response.headers['content-type'], redact);
  if (format === 'json' || format === 'geojson') return readJson(response, format, settings, redact);
  const whole = await response.whole();
  try {
    const beginning = whole.beginning.subarray(0, beginningBytes).toString('utf8');
    if (beginning.trim() === '' && whole.beginning.length < beginningBytes) {
      if (!settings.allowEmpty) throw nothing(format);
      await whole.close();
      return noRows;
    }
    refuseMarkup(beginning, format, redact);
    const most = await mostLines(whole);
    const rows = format === 'csv' ? csvRows(whole, settings, redact) : ndjsonRows(whole);
    return { ...rows, most, document: undefined, close: () => whole.close() };
  } catch (error) {
    await whole.close();
    throw error;
  }
};

/** How much of an answer is looked at for what it is, in bytes. */
const beginningBytes = 4096;

const noRows: AnswerRows = {
  most: 0,
  context: () => '',
  batches: async function* () {},
  document: undefined,
  close: async () => {},
};

const nothing = (format: AnswerFormat): StreamManagerError =>
  new StreamManagerError(
    'response_unreadable',
    `expected ${format}, and the answer has no byte (if that means "no records": params.allowEmpty)`,
  );

/** A page for people, with status 200: an error page, a login, a maintenance note. */
const refuseMarkup = (beginning: string, format: AnswerFormat, redact: Redactor): void => {
  if (!/^[\uFEFF\s]*<(!doctype|html|head|body|\?xml|!--)/i.test(beginning)) return;
  const found = excerptOf(beginning, redact, true);
  throw new StreamManagerError('response_unreadable', `expected ${format}, found a page in HTML or XML: "${found}"`);
};

const readJson = async (
  response: HttpResponse,
  format: 'json' | 'geojson',
  settings: AnswerSettings,
  redact: Redactor,
): Promise<AnswerRows> => {
  const rows = createJsonRows(format, settings, redact);
  let document: unknown;
  try {
    document = await response.json();
  } catch (error) {
    // Seen by what came and not by a header: an answer in chunks does not say its length.
    if (settings.allowEmpty && error instanceof EmptyAnswerError) return noRows;
    throw error;
  }
  const list = rows.of(document);
  return {
    most: list.length,
    context: () => '',
    batches: async function* () {
      for (let from = 0; from < list.length; from += batchRows)
        yield list.slice(from, from + batchRows).map((row) => ({ row, raw: null }));
    },
    document,
    close: async () => {},
  };
};

/** Rows of JSON that are read in one go. */
const batchRows = 1000;

type Rows = Pick<AnswerRows, 'context' | 'batches'>;

const ndjsonRows = (answer: Pick<WholeAnswer, 'blocks'>): Rows => ({
  context: () => '',
  batches: async function* () {
    const reader = createLineReader();
    for await (const text of textOf(answer.blocks())) yield reader.add(text).map(rowOfLine);
    yield reader.finish().map(rowOfLine);
  },
});

const rowOfLine = ({ text, isCut }: { readonly text: string; readonly isCut: boolean }): GivenRow => {
  if (isCut) return { raw: text, fault: rowFault('unreadable', 'row', 'a line of at most 1,048,576 characters', text) };
  try {
    return { row: parseExactJson(text), raw: text };
  } catch {
    return { raw: text, fault: rowFault('unreadable', 'row', 'a row of JSON', text) };
  }
};

const csvRows = (answer: Pick<WholeAnswer, 'blocks'>, settings: AnswerSettings, redact: Redactor): Rows => {
  let columns: CsvColumns | null = null;
  return {
    context: () => columns?.context ?? '',
    batches: async function* () {
      const reader = createCsvReader(settings.csv);
      let known: CsvColumns | null = Array.isArray(settings.csv.header) ? csvColumns(settings.csv.header) : null;
      const rowsOf = (records: ReturnType<typeof reader.add>): readonly GivenRow[] => {
        const rows: GivenRow[] = [];
        for (const record of records) {
          if (known === null) {
            columns = known = firstColumns(record.cells, settings, redact, record.raw);
            if (settings.csv.header === true) continue;
          }
          rows.push(rowOfCells(record, known));
        }
        return rows;
      };
      columns = known;
      for await (const text of textOf(answer.blocks())) yield rowsOf(reader.add(text));
      yield rowsOf(reader.finish());
      if (known === null) throw nothing('csv');
    },
  };
};

/** The columns that the first line names, or so many without a name. Throws if what the mapping needs is not among them. */
const firstColumns = (
  cells: readonly string[] | null,
  { csv, ...settings }: AnswerSettings,
  redact: Redactor,
  raw: string,
): CsvColumns => {
  const names = csv.header === true ? (cells ?? []) : (cells ?? []).map(() => '');
  const columns = csvColumns(names);
  if (csv.header !== true) return columns;
  const missing = neededColumns(settings).filter((name) => !columns.names.includes(name));
  if (cells !== null && missing.length === 0) return columns;
  const expected = missing.length === 0 ? 'a header line' : `CSV with the columns ${missing.join(', ')}`;
  throw new StreamManagerError('response_unreadable', `expected ${expected}, found "${excerptOf(raw, redact)}"`);
};
