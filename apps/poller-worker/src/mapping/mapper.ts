// From a row of an API that nobody here knew to a record, as the config declares it: shared by http, push and mqtt. All
// that depends on the config is worked out once; per row only values are read. A row that is no record says why.
//
//   const map = createMapper({ ...source.params, recordType: 'record' });
//   const row = map(JSON.parse(text));        // a SourceRecord, or an InvalidRow ('reason' in row)
import type { MappingSettings } from '@stream-manager/shared/config/source-params/mapping';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { InvalidRow, RecordType, SourceRecord } from '@stream-manager/shared/records/envelope';
import { invalidRow, type RowFault, rowFault } from '../sources/invalid-row.ts';
import { contentKey } from './content-key.ts';
import { createIdReader, createObservedReader } from './identity.ts';
import { createDataReader } from './row-data.ts';
import { createRowFaults } from './row-faults.ts';
import { createLocationReader } from './row-location.ts';

/** A mapping of the config, and the type of the records it makes. */
export interface MapperSettings extends MappingSettings {
  /** `record` for http and push, `sensor-reading` for mqtt. */
  readonly recordType: RecordType;
}

/**
 * Makes a record of a row (an object or a list, as JSON or CSV gave it), or says why it is none; never throws.
 * `receivedAtMs`: the time of a reading for which the mapping declares none; without either there is no record.
 */
export type Mapper = (row: unknown, receivedAtMs?: number) => SourceRecord | InvalidRow;

/** Compiles a mapping. Throws `config_invalid` for settings that the config's schema would refuse. */
export const createMapper = (settings: MapperSettings): Mapper => {
  const { recordType } = settings;
  const faults = createRowFaults(settings.nullValues);
  const idOf = createIdReader(settings, faults);
  const observedAtOf = createObservedReader(settings, faults);
  const locationOf = createLocationReader(settings, faults);
  const dataOf = createDataReader(settings, faults);

  const map = (row: unknown, receivedAtMs: number | undefined): SourceRecord | RowFault => {
    if (typeof row !== 'object' || row === null) return rowFault('wrong_shape', 'row', 'an object or a list', row);
    const observedAtMs = observedAtOf === null ? (receivedAtMs ?? null) : observedAtOf(row);
    const id = idOf === null ? null : idOf(row);
    const location = locationOf(row);
    const data = dataOf(row);
    const fault = faults.take();
    if (fault !== null) return fault;
    if (observedAtMs === null || data === null) return rowFault('missing_value', 'time', 'a time', undefined);
    const record = {
      type: recordType,
      naturalKey: id ?? contentKey([observedAtMs, location, data]),
      observedAtMs,
      data,
    };
    return location === null ? record : { ...record, location };
  };
  return (row, receivedAtMs) => {
    try {
      const made = map(row, receivedAtMs);
      return 'reason' in made ? invalidRow(row, made) : made;
    } catch (error) {
      // A row that is nested thousands of levels deep: JSON can hold it, and nothing can walk or print it.
      faults.take();
      const fault: RowFault = { reason: 'unreadable', message: `row: ${messageOf(error)}` };
      return { ...invalidRow(scalarsOf(row), fault), isIncomplete: true };
    }
  };
};

/** What of a row can be shown whatever else it holds. */
const scalarsOf = (row: unknown): unknown =>
  typeof row === 'object' && row !== null
    ? Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value !== 'object'))
    : row;
