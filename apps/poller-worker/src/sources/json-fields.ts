// Reads the fields of a JSON row one by one and remembers the first fault, so that a parser reads like the record it
// makes. Null and a missing field are the same: the source gives no value.
import type { Location } from '@stream-manager/shared/records/envelope';
import { parseInstant } from './instants.ts';
import { type RowFault, rowFault } from './invalid-row.ts';

/** A JSON object whose fields are unchecked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object, or null if it is none (arrays are none). */
export const asObject = (value: unknown): JsonObject | null =>
  // An object's fields are all unknown: this only makes them readable.
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;

/** Reader of one row. Every method gives null where there is no value or a fault; the first fault stays. */
export interface JsonFields {
  readonly fault: () => RowFault | null;
  fail(fault: RowFault): null;
  /** Text; empty text is no value. */
  text(name: string): string | null;
  /** Text without which there is no record. */
  neededText(name: string): string | null;
  number(name: string): number | null;
  /** ISO 8601 time as milliseconds. */
  instant(name: string): number | null;
  neededInstant(name: string): number | null;
  /** ISO 8601 time as ISO 8601 UTC with milliseconds. */
  isoUtc(name: string): string | null;
}

/** Reads `row`; `path` stands before each name in messages. */
export const jsonFields = (row: JsonObject, path = ''): JsonFields => {
  let first: RowFault | null = null;
  const fail = (fault: RowFault): null => {
    first ??= fault;
    return null;
  };
  const valueOf = (name: string): unknown => (Object.hasOwn(row, name) ? row[name] : undefined) ?? null;
  const text = (name: string): string | null => {
    const value = valueOf(name);
    if (value === null || value === '') return null;
    return typeof value === 'string' ? value : fail(rowFault('wrong_shape', path + name, 'a text', value));
  };
  const neededText = (name: string): string | null =>
    text(name) ?? fail(rowFault('missing_value', path + name, 'a text', valueOf(name)));
  const instant = (name: string): number | null => {
    const value = text(name);
    if (value === null) return null;
    return (
      parseInstant(value) ?? fail(rowFault('bad_time', path + name, 'a time such as 2025-01-04T09:02:00+00:00', value))
    );
  };
  return {
    fault: () => first,
    fail,
    text,
    neededText,
    number: (name) => {
      const value = valueOf(name);
      if (value === null) return null;
      return typeof value === 'number' && Number.isFinite(value)
        ? value
        : fail(rowFault('not_a_number', path + name, 'a number', value));
    },
    instant,
    neededInstant: (name) => instant(name) ?? fail(rowFault('missing_value', path + name, 'a time', valueOf(name))),
    isoUtc: (name) => {
      const ms = instant(name);
      return ms === null ? null : new Date(ms).toISOString();
    },
  };
};

/** A position on earth; null and a fault if it is none. The elevation is left out where there is none. */
export const readLocation = (
  fields: JsonFields,
  latitude: unknown,
  longitude: unknown,
  elevationM: number | null,
): Location | null => {
  if (typeof latitude !== 'number' || !Number.isFinite(latitude))
    return fields.fail(rowFault('not_a_number', 'latitude', 'a number', latitude));
  if (typeof longitude !== 'number' || !Number.isFinite(longitude))
    return fields.fail(rowFault('not_a_number', 'longitude', 'a number', longitude));
  if (Math.abs(latitude) > 90)
    return fields.fail(rowFault('out_of_range', 'latitude', 'degrees from -90 to 90', latitude));
  if (Math.abs(longitude) > 180)
    return fields.fail(rowFault('out_of_range', 'longitude', 'degrees from -180 to 180', longitude));
  return elevationM === null ? { latitude, longitude } : { latitude, longitude, elevationM };
};

/** The position of a GeoJSON geometry: only a Point is one; anything else, null too, has none and is no fault. */
export const readPoint = (fields: JsonFields, geometry: unknown, elevationM: number | null): Location | null => {
  const point = asObject(geometry);
  if (point?.['type'] !== 'Point') return null;
  const coordinates: unknown = point['coordinates'];
  if (!Array.isArray(coordinates))
    return fields.fail(rowFault('wrong_shape', 'geometry.coordinates', 'a position', coordinates));
  return readLocation(fields, coordinates[1], coordinates[0], elevationM);
};
