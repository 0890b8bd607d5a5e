// Parses a row again that was no record: as its dead letter kept it, by the config as it is now.
import type { HttpParams } from '@stream-manager/shared/config/source-params/http';
import type { Mapper } from '../../mapping/mapper.ts';
import { invalidRow, rowFault } from '../invalid-row.ts';
import { keptJson } from '../kept-json.ts';
import type { KeptRow, Source } from '../source.ts';
import { rowOfCells } from './csv-columns.ts';
import { csvRecordOf } from './csv-records.ts';

export const createKeptRowParser =
  ({ csv }: Pick<HttpParams, 'csv'>, map: Mapper): Source['parseRow'] =>
  (kept) => {
    const { raw, context } = kept;
    if (context !== '') return parseCsvRow(kept, csv, map);
    const row = keptJson(raw);
    if (row === undefined) return invalidRow(raw, rowFault('unreadable', 'row', 'a row of JSON', raw));
    const made = map(row);
    return 'reason' in made ? { ...made, raw } : made;
  };

const parseCsvRow = (
  { raw, context }: KeptRow,
  csv: HttpParams['csv'],
  map: Mapper,
): ReturnType<Source['parseRow']> => {
  const names = keptJson(context);
  if (!Array.isArray(names))
    return invalidRow(
      raw,
      rowFault('unreadable', 'header', 'the names of the columns, kept with the row', context),
      context,
    );
  const record = csvRecordOf(raw, csv) ?? { raw, cells: null };
  const given = rowOfCells(record, { names: names.map(String), context });
  if ('fault' in given) return invalidRow(raw, given.fault, context);
  const made = map(given.row);
  return 'reason' in made ? { ...made, raw, context } : made;
};
