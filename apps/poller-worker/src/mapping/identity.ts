// What makes a reading this reading: its id and its time, as a mapping finds them in a row.
import type { MappingSettings } from '@stream-manager/shared/config/source-params/mapping';
import { createPathReader } from './read-path.ts';
import { createTimeReader } from './read-time.ts';
import type { RowFaults } from './row-faults.ts';

/** The natural key of a row; null with a fault. */
export type IdReader = (row: unknown) => string | null;

/** Null when the mapping names no id. */
export const createIdReader = ({ id }: Pick<MappingSettings, 'id'>, { fail, given }: RowFaults): IdReader | null => {
  if (id === undefined) return null;
  const parts = id.map((path) => ({ path, read: createPathReader(path) }));
  const partOf = ({ path, read }: (typeof parts)[number], row: unknown): string | null => {
    const value = given(read(row));
    if (typeof value === 'string') return value;
    if (typeof value === 'boolean') return String(value);
    if (typeof value !== 'number')
      return fail(value === null ? 'missing_value' : 'wrong_shape', path, 'an id: a text or a number', value);
    // Beyond 2^53 JSON's numbers have been rounded when we see them: two ids would become one, and one reading be lost.
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      return fail('out_of_range', path, 'an id that a number can hold exactly (up to 2^53), or a text', value);
    return String(value);
  };
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return (row) => partOf(only, row);
  return (row) => {
    let key = '';
    for (const part of parts) {
      const text = partOf(part, row);
      if (text === null) return null;
      // `a|b` and `c` must not be the same as `a` and `b|c`.
      key += `${key === '' ? '' : '|'}${text.includes('|') || text.includes('\\') ? text.replace(/[\\|]/g, '\\$&') : text}`;
    }
    return key;
  };
};

/** When a row was observed, in milliseconds since the epoch; null with a fault. */
export type ObservedReader = (row: unknown) => number | null;

/** Null when the mapping names no time. */
export const createObservedReader = (
  { time, timeFormat, timeZone }: Pick<MappingSettings, 'time' | 'timeFormat' | 'timeZone'>,
  { fail, given }: RowFaults,
): ObservedReader | null => {
  if (time === undefined) return null;
  const parts = time.map(createPathReader);
  const reader = createTimeReader(timeFormat, timeZone);
  const name = time.join(', ');
  const [only] = parts;
  const valueOf =
    only !== undefined && parts.length === 1
      ? (row: unknown): unknown => given(only(row))
      : (row: unknown): unknown => {
          const values = parts.map((read) => given(read(row)));
          return values.includes(null) ? null : values.map(String).join(' ');
        };
  return (row) => {
    const value = valueOf(row);
    if (value === null) return fail('missing_value', name, reader.expects, value);
    return reader.read(value) ?? fail('bad_time', name, reader.expects, value);
  };
};
