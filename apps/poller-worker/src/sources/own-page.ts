// Looks at what a source of the user's own gives, so that a slip in it is told of by name and harms nobody else: a page of
// another form is an error of that source, a record of another form an invalid row among its neighbours.
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type InvalidRow,
  type Location,
  maxRawCharacters,
  type RecordType,
  recordTypes,
  type SourceRecord,
} from '@stream-manager/shared/records/envelope';
import type { Receipt } from '../http/http-client.ts';
import { asObject, type JsonObject } from './json-fields.ts';
import type { Page } from './source.ts';

/** Longest natural key, in characters. */
const longestKey = 4_096;
/** Records that are looked at in one go. */
const recordsPerTurn = 20_000;

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isRecordType = (value: unknown): value is RecordType => recordTypes.some((known) => known === value);

/** What an own source gave, in a few words for a message. */
const shown = (value: unknown): string => {
  if (isText(value)) return JSON.stringify(value.slice(0, 60));
  return value === null || typeof value !== 'object' ? String(value) : Array.isArray(value) ? 'a list' : 'an object';
};

const locationFault = (value: unknown): string | null => {
  const location = asObject(value);
  if (location === null) return `location must be { latitude, longitude }, found ${shown(value)}`;
  const { latitude, longitude, elevationM } = location;
  if (!isNumber(latitude) || !(Math.abs(latitude) <= 90))
    return `location.latitude must be a number from -90 to 90, found ${shown(latitude)}`;
  if (!isNumber(longitude) || !(Math.abs(longitude) <= 180))
    return `location.longitude must be a number from -180 to 180, found ${shown(longitude)}`;
  return elevationM === undefined || isNumber(elevationM)
    ? null
    : `location.elevationM must be a number (metres), found ${shown(elevationM)}`;
};

const recordFault = (record: JsonObject): string | null => {
  const { type, naturalKey, observedAtMs, location, data, partitionKey } = record;
  if (type !== undefined && !isRecordType(type))
    return `type must be one of ${recordTypes.join(', ')}, found ${shown(type)}`;
  if (!isText(naturalKey) || naturalKey === '' || naturalKey.length > longestKey)
    return `naturalKey must be a text of 1 to ${longestKey} characters, found ${shown(naturalKey)}`;
  if (!isNumber(observedAtMs) || !Number.isFinite(observedAtMs))
    return `observedAtMs must be a time in milliseconds since the epoch, found ${shown(observedAtMs)}`;
  if (asObject(data) === null) return `data must be an object, found ${shown(data)}`;
  if (partitionKey !== undefined && !isText(partitionKey))
    return `partitionKey must be a text, found ${shown(partitionKey)}`;
  return location === undefined ? null : locationFault(location);
};

/** The record as the port has it, or what its dead letter shows. */
export const ownRecord = (value: unknown): SourceRecord | InvalidRow => {
  const record = asObject(value);
  const fault = record === null ? `a record must be an object, found ${shown(value)}` : recordFault(record);
  if (fault === null && record !== null) {
    const { type = 'record', naturalKey, observedAtMs, location, data, partitionKey } = record;
    // Each of these was looked at just above.
    return {
      type: type as RecordType,
      naturalKey: naturalKey as string,
      observedAtMs: observedAtMs as number,
      data: data as JsonObject,
      ...(location === undefined ? {} : { location: location as Location }),
      ...(partitionKey === undefined ? {} : { partitionKey: partitionKey as string }),
    };
  }
  return { raw: rawOf(value), reason: 'bad_record', message: fault ?? 'no record', isIncomplete: true };
};

const rawOf = (value: unknown): string => {
  try {
    const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
    return (text ?? String(value)).slice(0, maxRawCharacters);
  } catch {
    // A cycle cannot be shown; the message says what is wrong.
    return shown(value);
  }
};

export const isInvalidRow = (value: SourceRecord | InvalidRow): value is InvalidRow => 'raw' in value;

/** A row as the port has it, or why it is none. */
export const ownInvalidRow = (value: unknown): InvalidRow | string => {
  const row = asObject(value);
  if (row === null) return `must be { raw, reason, message }, found ${shown(value)}`;
  const { raw, reason, message, context, isIncomplete } = row;
  if (!isText(raw)) return `raw must be a text, found ${shown(raw)}`;
  // It becomes the label of a metric.
  if (!isText(reason) || !/^[a-z][a-z0-9_]{0,39}$/.test(reason))
    return `reason must be a short code such as not_a_number, found ${shown(reason)}`;
  if (!isText(message)) return `message must be a text, found ${shown(message)}`;
  if (context !== undefined && !isText(context)) return `context must be a text, found ${shown(context)}`;
  return {
    raw,
    reason,
    message,
    // Rows of one text that are read by different contexts are two.
    ...(context === undefined ? {} : { context, identity: `${context}|${raw}` }),
    ...(isIncomplete === true ? { isIncomplete: true } : {}),
  };
};

const isReceipt = (value: unknown): value is Receipt => {
  const receipt = asObject(value);
  return receipt !== null && isText(receipt['request']) && isText(receipt['answer']);
};

const jsonFault = (name: string, value: unknown): string | null => {
  try {
    return value !== undefined && JSON.stringify(value) === undefined ? `${name} must be a JSON value` : null;
  } catch {
    return `${name} must be a JSON value (it holds a cycle or a bigint)`;
  }
};

const pageFault = (page: JsonObject): string | null => {
  const { records, invalid, position, cursor, receipts, unchanged, ahead } = page;
  if (!Array.isArray(records)) return `records must be a list, found ${shown(records)}`;
  if (invalid !== undefined && !Array.isArray(invalid)) return `invalid must be a list, found ${shown(invalid)}`;
  if (receipts !== undefined && !(Array.isArray(receipts) && receipts.every(isReceipt)))
    return 'receipts must be a list of what response.receipt() gave, without null';
  if (unchanged !== undefined && unchanged !== null && unchanged !== 'not_modified' && unchanged !== 'cached')
    return `unchanged must be not_modified or cached, found ${shown(unchanged)}`;
  if (ahead !== undefined && typeof ahead !== 'function') return `ahead must be a function, found ${shown(ahead)}`;
  return jsonFault('position', position) ?? jsonFault('cursor', cursor);
};

/** The page as the port has it. Throws an Error that says what is wrong with it. */
export const ownPage = async (value: unknown): Promise<Page> => {
  const given = asObject(value);
  if (given === null) throw new Error(`a page must be { records, invalid, position }, found ${shown(value)}`);
  const fault = pageFault(given);
  if (fault !== null) throw new Error(fault);
  const records: SourceRecord[] = [];
  const invalid: InvalidRow[] = [];
  // Both were looked at just above.
  const rows = given['records'] as readonly unknown[];
  for (const [index, row] of rows.entries()) {
    if (index > 0 && index % recordsPerTurn === 0) await nextTurn();
    const made = ownRecord(row);
    if (isInvalidRow(made)) invalid.push(made);
    else records.push(made);
  }
  for (const row of (given['invalid'] ?? []) as readonly unknown[]) {
    const made = ownInvalidRow(row);
    if (isText(made)) throw new Error(`an invalid row: ${made}`);
    invalid.push(made);
  }
  const { position, cursor, receipts, unchanged, isPart } = given;
  return {
    records,
    invalid,
    position: position ?? null,
    ...(cursor === undefined ? {} : { cursor }),
    // As above.
    ...(receipts === undefined ? {} : { receipts: receipts as readonly Receipt[] }),
    ...(unchanged === 'not_modified' || unchanged === 'cached' ? { unchanged } : {}),
    ...(isPart === true ? { isPart: true } : {}),
  };
};
