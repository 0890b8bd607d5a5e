// What a look at a source says in the terminal: what was asked and answered, the first records as a table, and what would
// not have become a record.
import type { NotedExchange } from '@stream-manager/poller-worker/preview/exchange-log';
import type { Preview, PreviewRecord } from '@stream-manager/poller-worker/preview/preview-poll';
import { type Column, renderTable } from '../table.ts';

/** Records that are shown. */
const shownRecords = 10;
/** Faults that are shown. */
const shownFaults = 5;
/** Widest cell, in characters. */
const cellCharacters = 28;

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return '–';
  return cut(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), cellCharacters);
};

const exchangeLines = (exchanges: readonly NotedExchange[]): readonly string[] =>
  exchanges.flatMap(({ method, url, requestBody, status, headers, body, durationMs, error }) => [
    `${method} ${url}`,
    ...(requestBody === null ? [] : [`  body ${cut(requestBody, 200)}`]),
    error === null
      ? `  ${status} ${headers['content-type'] ?? 'no content type'}, ${(body?.length ?? 0).toLocaleString('en')} bytes in ${Math.round(durationMs)} ms`
      : `  ${error.code}: ${error.message}`,
  ]);

const fixedColumns = ['observedAt', 'topic', 'by', 'priority', 'key'];

/** Fields of the first records that have a value in at least one of them. */
const fieldsOf = (records: readonly PreviewRecord[]): readonly string[] => {
  const names = new Set<string>();
  for (const { value } of records)
    for (const [name, found] of Object.entries((value['data'] ?? {}) as Readonly<Record<string, unknown>>))
      if (found !== null) names.add(name);
  return [...names];
};

const recordTable = (records: readonly PreviewRecord[], width: number | null): string => {
  const rows = records.slice(0, shownRecords);
  const fields = fieldsOf(rows);
  const cellsOf = (record: PreviewRecord, names: readonly string[]): string[] => {
    const data = (record.value['data'] ?? {}) as Readonly<Record<string, unknown>>;
    return [
      record.observedAt,
      record.topic,
      record.rule,
      record.priority,
      cell(record.key),
      ...names.map((name) => cell(data[name])),
    ];
  };
  const render = (names: readonly string[]): string => {
    const columns: Column[] = [...fixedColumns, ...names].map((title) => ({ title }));
    return renderTable(
      columns,
      rows.map((record) => cellsOf(record, names)),
    );
  };
  const widthOf = (names: readonly string[]): number =>
    Math.max(
      ...render(names)
        .split('\n')
        .map((line) => line.length),
    );
  // As many fields as fit into the terminal; a pipe gets all.
  let count = fields.length;
  while (count > 0 && widthOf(fields.slice(0, count)) > (width ?? Number.POSITIVE_INFINITY)) count -= 1;
  const names = fields.slice(0, count);
  const left = fields.length - count;
  return `${render(names)}${left === 0 ? '' : `\n(${left} more fields: --json shows them)`}`;
};

const counted = <T>(values: readonly T[], by: (value: T) => string): string => {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(by(value), (counts.get(by(value)) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
};

/** Renders the look. `width`: of the terminal, null when there is none. */
export const renderLook = (
  look: { readonly preview: Preview; readonly exchanges: readonly NotedExchange[] },
  width: number | null,
): string => {
  const { preview, exchanges } = look;
  const { records, invalid, repeated, error } = preview;
  const lines = [...exchangeLines(exchanges), ''];
  lines.push(
    `${records.length} records, ${invalid.length} rows that are none (they would be dead letters), ${repeated} repeated rows (left out)${
      preview.isCutShort ? `; only the first ${preview.pages} pages were read` : ''
    }`,
  );
  if (records.length > 0) {
    lines.push(`topics: ${counted(records, ({ topic }) => topic)}`);
    lines.push(`priorities: ${counted(records, ({ priority }) => priority)}`);
    lines.push(`keys: ${new Set(records.map(({ key }) => key)).size} different`);
    lines.push('', recordTable(records, width));
    if (records.length > shownRecords) lines.push(`… and ${records.length - shownRecords} more`);
  }
  if (invalid.length > 0) {
    lines.push('', `rows that are no records: ${counted(invalid, ({ reason }) => reason)}`);
    for (const { reason, message, raw } of invalid.slice(0, shownFaults))
      lines.push(`  ${reason}: ${cut(message, 200)}`, `    ${cut(raw.replace(/\s+/g, ' '), 160)}`);
    if (invalid.length > shownFaults) lines.push(`  … and ${invalid.length - shownFaults} more`);
  }
  if (error !== null) lines.push('', `the poll would have failed: ${error.code}: ${error.message}`);
  lines.push(
    '',
    'Whether a record is known already (polled before) is not looked at: no queue and no Redis was touched.',
  );
  return `${lines.join('\n')}\n`;
};
