// One observation of NWS (GET /stations/{id}/observations/latest, GeoJSON) as a record. Units are converted by what
// their codes say; a unit that nobody knows makes the row invalid, so that no wrong number is ever published.
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject, type JsonFields, type JsonObject, jsonFields, readPoint } from './json-fields.ts';
import { convert, type TargetUnit } from './units.ts';

/** Fields of the contract, NWS' names for them, and the unit that the contract has. */
const measurements = [
  ['temperatureC', 'temperature', 'degC'],
  ['dewpointC', 'dewpoint', 'degC'],
  ['relativeHumidityPercent', 'relativeHumidity', 'percent'],
  ['windDirectionDeg', 'windDirection', 'degree'],
  ['windSpeedMps', 'windSpeed', 'm/s'],
  ['windGustMps', 'windGust', 'm/s'],
  ['pressurePa', 'barometricPressure', 'Pa'],
  ['seaLevelPressurePa', 'seaLevelPressure', 'Pa'],
  ['visibilityM', 'visibility', 'm'],
  ['precipitationLastHourMm', 'precipitationLastHour', 'mm'],
  ['heatIndexC', 'heatIndex', 'degC'],
  ['windChillC', 'windChill', 'degC'],
] as const satisfies readonly (readonly [string, string, TargetUnit])[];

/** Share of the sky, in per cent, by the word of a cloud layer. */
const cloudCover: ReadonlyMap<unknown, number> = new Map([
  ['SKC', 0],
  ['CLR', 0],
  ['FEW', 25],
  ['SCT', 50],
  ['BKN', 75],
  ['OVC', 100],
  // Vertical visibility: the sky cannot be seen.
  ['VV', 100],
]);

/** An observation as a record, or why it is none. `station` = the id that was asked for, `text` = the answer as it came. */
export const parseObservation = (station: string, answer: unknown, text: string): SourceRecord | InvalidRow => {
  const feature = asObject(answer);
  const properties = asObject(feature?.['properties']);
  if (feature === null || properties === null)
    return invalidRow(text, rowFault('wrong_shape', station, 'a GeoJSON feature with properties', answer), station);
  const fields = jsonFields(properties);
  const observedAtMs = fields.neededInstant('timestamp');
  const location = readPoint(fields, feature['geometry'], readValue(fields, properties, 'elevation', 'm'));
  const stationId = fields.text('station')?.split('/').at(-1) ?? station;
  const measured: Record<string, number | null> = {};
  const quality: Record<string, string> = {};
  for (const [name, theirs, unit] of measurements) {
    measured[name] = readValue(fields, properties, theirs, unit);
    const code = asObject(properties[theirs])?.['qualityControl'];
    if (typeof code === 'string' && code !== '') quality[name] = code.replace(/^qc:/, '');
  }
  const data = {
    stationId,
    stationName: fields.text('stationName'),
    ...measured,
    cloudCoverPercent: cloudCoverOf(fields, properties['cloudLayers'] ?? null),
    description: fields.text('textDescription'),
    rawMetar: fields.text('rawMessage'),
    quality,
  };
  const fault = fields.fault();
  if (fault !== null || observedAtMs === null)
    return invalidRow(text, fault ?? rowFault('missing_value', 'timestamp', 'a time', null), station);
  return {
    type: 'weather-observation',
    naturalKey: `${stationId}|${new Date(observedAtMs).toISOString()}`,
    observedAtMs,
    ...(location === null ? {} : { location }),
    data,
    partitionKey: stationId,
  };
};

/** A measurement object `{ value, unitCode }` in our unit; null without a value, whatever its unit is. */
const readValue = (fields: JsonFields, properties: JsonObject, name: string, target: TargetUnit): number | null => {
  const given = properties[name] ?? null;
  if (given === null) return null;
  const measurement = asObject(given);
  if (measurement === null) return fields.fail(rowFault('wrong_shape', name, 'a value with its unit', given));
  const value = measurement['value'] ?? null;
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isFinite(value))
    return fields.fail(rowFault('not_a_number', `${name}.value`, 'a number', value));
  const unitCode = measurement['unitCode'];
  const converted = typeof unitCode === 'string' ? convert(value, unitCode, target) : null;
  return converted ?? fields.fail(rowFault('unknown_unit', `${name}.unitCode`, `a unit known for ${target}`, unitCode));
};

/** The densest layer; null without layers, and where none is told in a word that we know. */
const cloudCoverOf = (fields: JsonFields, layers: unknown): number | null => {
  if (layers === null) return null;
  if (!Array.isArray(layers)) return fields.fail(rowFault('wrong_shape', 'cloudLayers', 'a list', layers));
  const known = layers
    .map((layer: unknown) => cloudCover.get(asObject(layer)?.['amount']))
    .filter((percent) => percent !== undefined);
  return known.length === 0 ? null : Math.max(...known);
};
