// What stands in one JSON reading, or in a text with a number: time, device, place and measurements, wherever a device put
// them. It walks the object once; what it knows by name is taken out, and every number that is left is a measurement.
import type { Location } from '@stream-manager/shared/records/envelope';
import { lastInstantMs, parseInstant } from '../../sources/instants.ts';
import { type RowFault, rowFault } from '../../sources/invalid-row.ts';
import { asObject, type JsonObject, jsonFields, readLocation } from '../../sources/json-fields.ts';
import type { NamedMeasurement } from './measurement-names.ts';
import { roundMeasured, unitOf } from './measurement-units.ts';

/** What a reading says. */
export interface MessageContent {
  /** Milliseconds since the epoch; null: the device gives no time. */
  readonly timeMs: number | null;
  readonly deviceId: string | null;
  readonly sensorType: string | null;
  readonly location: Location | null;
  /** By field of the contract. */
  readonly measurements: Readonly<Record<string, MeasuredValue>>;
}

/** Null: the device says that it has no value. */
export type MeasuredValue = number | boolean | string | null;

/** In lower case: Tasmota writes `Time`. */
const timeNames: ReadonlySet<string> = new Set([
  'timestamp',
  'time',
  'datetime',
  'ts',
  'observed_at',
  'observedat',
  'recorded_at',
  'recordedat',
]);
const deviceNames: ReadonlySet<string> = new Set([
  'device_id',
  'deviceId',
  'sensor_id',
  'sensorId',
  'station_id',
  'stationId',
  'device',
]);
const typeNames = ['sensor_type', 'sensorType'];
const unitNames = ['unit', 'units', 'uom'];
const valueNames = ['value', 'val', 'reading'];
const partNames = ['type', 'name', 'parameter', 'measurement', 'sensor'];
const placeNames: ReadonlySet<string> = new Set(['location', 'position', 'gps', 'geo', 'coordinates']);
const latitudeNames = ['latitude', 'lat'];
const longitudeNames = ['longitude', 'lon', 'lng', 'long'];
const elevationNames = ['elevation', 'elevation_m', 'elevationM', 'altitude', 'altitude_m', 'alt'];

/** How deep objects may lie in each other, how many measurements a reading may have, and how long its texts may be. */
const maxDepth = 5;
const maxMeasurements = 500;
const maxText = 1_024;

/** First moment that an epoch number may mean: smaller ones are the uptime of a device without a clock. */
const firstEpochMs = 1_000_000_000_000;

/** Reads a JSON reading, or says what is wrong with it. `topicType`: what the topic says is measured. Pure. */
export const readContent = (
  reading: JsonObject,
  topicType: string,
  naming: (name: string) => NamedMeasurement,
): MessageContent | RowFault => {
  const measurements: Record<string, MeasuredValue> = {};
  const fields = jsonFields(reading);
  let timeMs: number | null = null;
  let innerTimeMs: number | null = null;
  let deviceId: string | null = null;
  let sensorType: string | null = null;
  let location: Location | null = null;
  let isMeasured = false;

  const put = (path: string, name: string, value: unknown, unit: string | null): void => {
    const named = naming(name);
    const measured = measure(path, named, value, unit);
    if (typeof measured === 'object' && measured !== null) {
      if ('fault' in measured) fields.fail(measured.fault);
      else {
        // Two names of one thing: the first one stands, the other keeps its own name.
        let { field } = measured;
        if (Object.hasOwn(measurements, field)) field = path.replaceAll(/[^A-Za-z0-9]+/g, '_');
        while (Object.hasOwn(measurements, field)) field += '_';
        if (Object.keys(measurements).length >= maxMeasurements)
          fields.fail(rowFault('wrong_shape', path, `at most ${maxMeasurements} measurements`, value));
        else measurements[field] = measured.value;
        if (named.quantity !== null || typeof measured.value !== 'string') isMeasured = true;
      }
    }
  };

  const place = (object: JsonObject): void => {
    const latitude = valueOf(object, latitudeNames);
    const longitude = valueOf(object, longitudeNames);
    if (latitude === undefined || longitude === undefined || location !== null) return;
    if (latitude === null && longitude === null) return;
    const elevation = numberOf(valueOf(object, elevationNames));
    location = readLocation(fields, numberOf(latitude), numberOf(longitude), elevation);
  };

  const walk = (object: JsonObject, path: string, depth: number): void => {
    if (depth > maxDepth) {
      fields.fail(rowFault('wrong_shape', path, `at most ${maxDepth} objects in each other`, object));
      return;
    }
    const units = valueOf(object, unitNames);
    const sharedUnit = unitText(units);
    const unitsByName = asObject(units);
    place(object);
    for (const [name, value] of Object.entries(object)) {
      const here = path === '' ? name : `${path}.${name}`;
      if (timeNames.has(name.toLowerCase())) {
        if (depth > 1) innerTimeMs ??= readTime(value);
        else if (value !== null && timeMs === null)
          timeMs = readTime(value) ?? fields.fail(rowFault('bad_time', here, 'ISO 8601, or seconds since 1970', value));
      } else if (deviceNames.has(name) && (typeof value === 'string' || typeof value === 'number')) {
        if (value !== '') deviceId ??= String(value);
      } else if (typeNames.includes(name) && typeof value === 'string') {
        if (depth === 1 && value !== '') sensorType ??= value;
      } else if (unitNames.includes(name) || latitudeNames.includes(name) || longitudeNames.includes(name)) continue;
      else if (location !== null && elevationNames.includes(name)) continue;
      else if (placeNames.has(name) && typeof value === 'object') placeIn(value);
      else if (valueNames.includes(name) && typeof value !== 'object')
        put(here, nameOfValue(object, topicType, naming), value, sharedUnit);
      else if (partNames.includes(name) && typeof value === 'string' && hasValue(object)) continue;
      else walkValue(name, value, here, depth, unitText(unitsByName?.[name]));
    }
  };

  const placeIn = (value: unknown): void => {
    const object = asObject(value);
    if (object !== null) {
      place(object);
      placeIn(object['coordinates']);
      return;
    }
    // As GeoJSON has it: longitude, latitude, elevation.
    if (Array.isArray(value) && location === null && value.length >= 2)
      location = readLocation(fields, value[1], value[0], numberOf(value[2]));
  };

  const walkValue = (name: string, value: unknown, path: string, depth: number, unit: string | null): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        const part = asObject(item);
        if (part !== null) walk(part, `${path}.${index}`, depth + 1);
      }
      return;
    }
    const object = asObject(value);
    if (object === null) put(path, name, value, unit);
    else if (hasValue(object))
      put(path, name, valueOf(object, valueNames), unitText(valueOf(object, unitNames)) ?? unit);
    else walk(object, path, depth + 1);
  };

  walk(reading, '', 1);
  const fault = fields.fault();
  if (fault !== null) return fault;
  if (!isMeasured) return rowFault('missing_value', 'message', 'a measurement', reading);
  return { timeMs: timeMs ?? innerTimeMs, deviceId, sensorType, location, measurements };
};

/** Reads a text that is one number, with or without a unit: its name is what the topic says. Pure. */
export const readText = (
  text: string,
  topicType: string,
  naming: (name: string) => NamedMeasurement,
): MessageContent | RowFault => {
  const named = naming(topicType);
  const measured = measure(named.field, named, numberOf(text) ?? text, null);
  if (measured === null || 'fault' in measured || typeof measured.value !== 'number')
    return measured !== null && 'fault' in measured
      ? measured.fault
      : rowFault('not_a_number', 'message', 'JSON, or a number with or without a unit', text);
  const measurements = { [measured.field]: measured.value };
  return { timeMs: null, deviceId: null, sensorType: null, location: null, measurements };
};

const hasValue = (object: JsonObject): boolean => valueNames.some((name) => Object.hasOwn(object, name));

const valueOf = (object: JsonObject, names: readonly string[]): unknown => {
  const name = names.find((one) => Object.hasOwn(object, one));
  return name === undefined ? undefined : object[name];
};

const unitText = (unit: unknown): string | null => (typeof unit === 'string' && unit !== '' ? unit : null);

/** What a bare `value` is: what its object says, if that is a name we know, else what the topic says. */
const nameOfValue = (object: JsonObject, topicType: string, naming: (name: string) => NamedMeasurement): string => {
  for (const name of [...partNames, ...typeNames]) {
    const text = object[name];
    if (typeof text === 'string' && naming(text).quantity !== null) return text;
  }
  const part = valueOf(object, partNames);
  return typeof part === 'string' && part !== '' && naming(topicType).quantity === null ? part : topicType;
};

const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const numberWithUnit = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+(?!\w))?)\s*(.*)$/i;

const numberOf = (value: unknown): number | null => {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && numberForm.test(value.trim()) ? Number(value) : null;
};

/** Epoch seconds, milliseconds, or ISO 8601; a time without a zone is UTC. */
const readTime = (value: unknown): number | null => {
  const number = numberOf(value);
  if (number !== null) {
    const ms = Math.round(number < firstEpochMs / 10 ? number * 1_000 : number);
    return ms >= firstEpochMs && ms <= lastInstantMs ? ms : null;
  }
  if (typeof value !== 'string') return null;
  const text = value.trim().replace(/^(\d{4}-\d\d-\d\d) /, '$1T');
  return parseInstant(text) ?? parseInstant(`${text}Z`);
};

/** A value in the field of its quantity. Null: there is nothing to keep. */
const measure = (
  path: string,
  { field, quantity, unit: ownUnit }: NamedMeasurement,
  value: unknown,
  statedUnit: string | null,
): { readonly field: string; readonly value: MeasuredValue } | { readonly fault: RowFault } | null => {
  if (quantity === null) {
    if (typeof value === 'number' || typeof value === 'boolean') return { field, value };
    return typeof value === 'string' ? { field, value: value.slice(0, maxText) } : null;
  }
  if (value === null || value === '') return { field, value: null };
  const parts = typeof value === 'string' ? numberWithUnit.exec(value.trim()) : null;
  const number = typeof value === 'number' ? value : Number(parts?.[1] ?? Number.NaN);
  if (!Number.isFinite(number)) return { fault: rowFault('not_a_number', path, 'a number', value) };
  const written = parts?.[2] ? unitOf(parts[2]) : null;
  const unit = written ?? (statedUnit === null ? null : unitOf(statedUnit)) ?? ownUnit;
  if (unit === null)
    return { field: quantity.bareField ?? field, value: roundMeasured(quantity.withoutUnit?.(number) ?? number) };
  const convert = Object.hasOwn(quantity.units, unit) ? quantity.units[unit] : undefined;
  if (convert !== undefined) return { field, value: roundMeasured(convert(number)) };
  const expected = Object.keys(quantity.units).join(', ');
  const fault = rowFault(
    'unknown_unit',
    path,
    expected === '' ? 'no unit' : `a unit such as ${expected}`,
    parts?.[2] ?? statedUnit,
  );
  return { fault };
};
