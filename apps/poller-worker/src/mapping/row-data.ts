// `data` of a record: the fields that the mapping names, or all that the row has.
import type { FieldRule, MappingSettings } from '@stream-manager/shared/config/source-params/mapping';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import { asObject } from '../sources/json-fields.ts';
import { createPathReader } from './read-path.ts';
import { createTimeReader } from './read-time.ts';
import type { RowFaults } from './row-faults.ts';
import { isFeature } from './row-location.ts';
import { unitConversions } from './unit-conversions.ts';
import { notIt, readBoolean, readNumber, readText, timeAsText, type ValueReader } from './value-readers.ts';

type Data = SourceRecord['data'];

/** Null with a fault. */
export type DataReader = (row: unknown) => Data | null;

export const createDataReader = (
  settings: Pick<MappingSettings, 'fields' | 'timeFormat' | 'timeZone'>,
  faults: RowFaults,
): DataReader => {
  if (settings.fields === undefined) return (row) => wholeRow(row, faults);
  const fields = Object.entries(settings.fields).map(([name, given]) => {
    const rule = typeof given === 'string' ? { path: given, optional: true } : given;
    return { name, read: createFieldReader(name, rule, settings, faults) };
  });
  return (row) => {
    const data: Record<string, unknown> = {};
    for (const { name, read } of fields) data[name] = read(row);
    return data;
  };
};

/** The properties of a feature; with its geometry where that is no point, which stands in `location`. */
const wholeRow = (row: unknown, { fail }: RowFaults): Data | null => {
  if (!isFeature(row))
    return (
      asObject(row) ?? fail('wrong_shape', 'row', 'an object (a list has no names: map its values by fields)', row)
    );
  const properties = asObject(row['properties']) ?? {};
  const geometry = asObject(row['geometry']);
  return geometry === null || geometry['type'] === 'Point' ? properties : { geometry, ...properties };
};

const createFieldReader = (
  name: string,
  rule: FieldRule,
  settings: Pick<MappingSettings, 'timeFormat' | 'timeZone'>,
  { fail, given }: RowFaults,
): ((row: unknown) => unknown) => {
  const read = createPathReader(rule.path);
  const { convert, expects } = conversionOf(rule, settings);
  const where = `${name} (${rule.path})`;
  return (row) => {
    const value = given(read(row));
    if (value === null) return rule.optional ? null : fail('missing_value', where, expects, value);
    if (convert === null) return value;
    const converted = convert(value);
    if (converted !== notIt) return converted;
    return fail(
      rule.type === 'time'
        ? 'bad_time'
        : rule.type === undefined || rule.type === 'number'
          ? 'not_a_number'
          : 'wrong_shape',
      where,
      expects,
      value,
    );
  };
};

/** Null: the value stays as it is. */
const conversionOf = (
  { type, unit, timeFormat }: FieldRule,
  settings: Pick<MappingSettings, 'timeFormat' | 'timeZone'>,
): { readonly convert: ValueReader | null; readonly expects: string } => {
  if (unit !== undefined) {
    const toContract = unitConversions[unit];
    const convert: ValueReader = (value) => {
      const number = readNumber(value);
      return typeof number === 'number' ? toContract(number) : notIt;
    };
    return { convert, expects: 'a number' };
  }
  switch (type) {
    case undefined:
      return { convert: null, expects: 'a value' };
    case 'number':
      return { convert: readNumber, expects: 'a number' };
    case 'text':
      return { convert: readText, expects: 'a text' };
    case 'boolean':
      return { convert: readBoolean, expects: 'true or false' };
    case 'time': {
      const reader = createTimeReader(timeFormat ?? settings.timeFormat, settings.timeZone);
      return { convert: timeAsText(reader), expects: reader.expects };
    }
  }
};
