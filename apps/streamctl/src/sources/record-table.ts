// The first records of a look at a source as a table that fits the terminal: what is the same in all of them is said above
// it and has no column, and of the fields there are as many as have room. Pure.
import type { PreviewRecord } from '@stream-manager/poller-worker/preview/preview-poll';
import { cutText, plainText } from '../plain-text.ts';
import { renderTable } from '../table.ts';
import { countWords } from './count-by.ts';

/** Records that are shown. */
const shownRecords = 10;
/** Widest cell, and the narrowest that a last field is squeezed into, in characters. */
const widestCell = 28;
const narrowestCell = 8;
/** Between two columns. */
const gap = 2;

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return '–';
  return cutText(plainText(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')), widestCell);
};

const dataOf = ({ value }: PreviewRecord): Readonly<Record<string, unknown>> =>
  // Written by the preparation of a poll.
  (value['data'] ?? {}) as Readonly<Record<string, unknown>>;

/** Fields that have a value in at least one of the records. */
const fieldsOf = (records: readonly PreviewRecord[]): readonly string[] => {
  const names = new Set<string>();
  for (const record of records)
    for (const [name, found] of Object.entries(dataOf(record))) if (found !== null) names.add(name);
  return [...names];
};

interface TableColumn {
  readonly title: string;
  readonly cells: readonly string[];
}

const widthOf = ({ title, cells }: TableColumn): number => Math.max(title.length, ...cells.map((text) => text.length));

/** As many of the columns as fit, the last one squeezed if that lets it in. */
const fitting = (columns: readonly TableColumn[], width: number): readonly TableColumn[] => {
  const fit: TableColumn[] = [];
  let left = width;
  for (const column of columns) {
    const room = left - (fit.length === 0 ? 0 : gap);
    const needed = widthOf(column);
    if (needed > room && (room < narrowestCell || column.title.length > room)) break;
    fit.push(needed > room ? { ...column, cells: column.cells.map((text) => cutText(text, room)) } : column);
    left = room - Math.min(needed, room);
  }
  return fit;
};

const differ = (records: readonly PreviewRecord[], nameOf: (record: PreviewRecord) => string): boolean =>
  new Set(records.map(nameOf)).size > 1;

/** Topics, priorities and keys of all records, and the table of the first ones. `width`: null = everything is shown. */
export const renderRecords = (records: readonly PreviewRecord[], width: number | null): readonly string[] => {
  if (records.length === 0) return [];
  const rows = records.slice(0, shownRecords);
  const column = (title: string, textOf: (record: PreviewRecord) => unknown): TableColumn => ({
    title,
    cells: rows.map((record) => cell(textOf(record))),
  });
  const always = [
    column('observedAt', ({ observedAt }) => observedAt.replace('.000Z', 'Z')),
    column('key', ({ key }) => key),
    ...(differ(records, ({ topic }) => topic) ? [column('topic', ({ topic }) => topic)] : []),
    ...(differ(records, ({ priority }) => priority) ? [column('priority', ({ priority }) => priority)] : []),
  ];
  const fields = fieldsOf(rows);
  const columns = [...always, ...fields.map((name) => column(name, (record) => dataOf(record)[name]))];
  const shown = width === null ? columns : fitting(columns, width);
  const table = renderTable(
    shown.map(({ title }) => ({ title })),
    rows.map((_record, row) => shown.map(({ cells }) => cells[row] ?? '')),
  );
  const left = columns.length - Math.max(shown.length, always.length);
  const more = [
    ...(records.length > shownRecords ? [`${records.length - shownRecords} more records`] : []),
    ...(left > 0 ? [`${left} more fields (--json shows them)`] : []),
  ];
  return [
    `topics: ${countWords(records, ({ topic, rule }) => `${topic} (by ${rule})`)}`,
    `priorities: ${countWords(records, ({ priority }) => priority)}`,
    `keys: ${new Set(records.map(({ key }) => key)).size} different`,
    '',
    table,
    ...(more.length === 0 ? [] : [`… ${more.join(', ')}`]),
  ];
};
