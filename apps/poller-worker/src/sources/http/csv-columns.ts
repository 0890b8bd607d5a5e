// Columns of CSV by name, and a record of cells as a row with these names.
import { parsePath } from '@stream-manager/shared/config/source-params/field-path';
import { rowFault } from '../invalid-row.ts';
import type { AnswerSettings, GivenRow } from './answer-rows.ts';
import type { CsvRecord } from './csv-records.ts';

/** The columns of an answer. */
export interface CsvColumns {
  readonly names: readonly string[];
  /** The names as a row that is no record keeps them with it. */
  readonly context: string;
}

/**
 * Names that can be told apart: a second `value` is `value_2`, and a column without a name, or one that could be taken for
 * something else, is `column_` and its place from 1.
 */
export const csvColumns = (given: readonly string[]): CsvColumns => {
  const taken = new Set<string>();
  const names = given.map((text, at) => {
    const trimmed = text.trim();
    const name = trimmed === '' || trimmed === '__proto__' ? `column_${at + 1}` : trimmed;
    let own = name;
    for (let number = 2; taken.has(own); number += 1) own = `${name}_${number}`;
    taken.add(own);
    return own;
  });
  return { names, context: JSON.stringify(names) };
};

/** A record as a row. */
export const rowOfCells = ({ raw, cells }: CsvRecord, { names }: CsvColumns): GivenRow => {
  if (cells === null)
    return {
      raw,
      fault: rowFault('unreadable', 'row', 'CSV with closed quotes and at most 1,048,576 characters', raw),
    };
  if (cells.length !== names.length)
    return {
      raw,
      fault: rowFault('column_count', 'row', `${names.length} values, one per column`, `${cells.length} values`),
    };
  const row: Record<string, string> = {};
  for (const [at, name] of names.entries()) row[name] = cells[at] ?? '';
  return { row, raw };
};

/** The columns without which no row is a record. */
export const neededColumns = ({
  id = [],
  time = [],
  latitude,
  longitude,
  fields = {},
}: Pick<AnswerSettings, 'id' | 'time' | 'latitude' | 'longitude' | 'fields'>): readonly string[] => {
  const needed = Object.values(fields).flatMap((rule) =>
    typeof rule === 'string' || rule.optional ? [] : [rule.path],
  );
  const paths = [...id, ...time, latitude, longitude, ...needed];
  return paths.flatMap((path) => {
    const name = path === undefined ? undefined : parsePath(path)?.[0];
    return typeof name === 'string' ? [name] : [];
  });
};
