// Makes records of pushed rows, as the source's mapping says; and the connector, which parses the rows of dead letters again.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { createMapper } from '../../mapping/mapper.ts';
import { invalidRow, rowFault } from '../../sources/invalid-row.ts';
import { keptJson } from '../../sources/kept-json.ts';
import { type ParsedRows, parsedRows } from '../../sources/parsed-rows.ts';
import type { SourceFactory } from '../../sources/source.ts';
import { unsupported } from '../../sources/unsupported.ts';
import { comesByItself } from '../comes-by-itself.ts';
import type { BodyRow } from './body-rows.ts';

/** A source of type push, as it is configured. */
export type PushSource = Extract<ResolvedSource, { readonly type: 'push' }>;

/** Reads rows of one source. */
export interface PushReader {
  read(rows: readonly BodyRow[], receivedAtMs: number): ParsedRows;
  /** A row that was kept; `context` holds when it was received. */
  reread(raw: string, context: string): SourceRecord | InvalidRow;
}

/** Makes the reader of a source. */
export const pushReaderOf = ({ params }: PushSource): PushReader => {
  const map = createMapper({ ...params, recordType: 'record' });
  const rowOf = (row: BodyRow, receivedAtMs: number): SourceRecord | InvalidRow => {
    const context = String(receivedAtMs);
    if ('unreadable' in row) return unreadable(row.unreadable, context);
    const made = map(row.value, receivedAtMs);
    if (!('reason' in made)) return made;
    // As it was sent, so that it can be parsed again, unless it cannot be shown whole.
    return made.isIncomplete === true
      ? { ...made, context }
      : { ...made, context, raw: row.text ?? JSON.stringify(row.value) };
  };
  return {
    read: (rows, receivedAtMs) => parsedRows(rows, (row) => rowOf(row, receivedAtMs)),
    reread: (raw, context) => {
      const value = keptJson(raw);
      return value === undefined ? unreadable(raw, context) : rowOf({ value, text: raw }, Number(context));
    },
  };
};

const unreadable = (raw: string, context: string): InvalidRow =>
  invalidRow(raw, rowFault('unreadable', 'row', 'JSON', raw), context);

/** The connector of type push. */
export const createPush: SourceFactory = (source) => {
  if (source.type !== 'push') throw unsupported(source, 'push');
  const reader = pushReaderOf(source);
  return { poll: comesByItself(source), parseRow: ({ raw, context }) => reader.reread(raw, context) };
};
