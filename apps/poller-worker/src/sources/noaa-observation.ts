// One observation of NWS (GET /stations/{id}/observations/latest, GeoJSON) as a record. Units are converted by what
// their codes say; a unit that nobody knows makes the row invalid, so that no wrong number is ever published.
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { densestCover } from './cloud-cover.ts';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject, type JsonFields, jsonFields, readPoint } from './json-fields.ts';
import { readQuantity } from './noaa-quantity.ts';
import type { TargetUnit } from './units.ts';

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

/** An observation as a record, or why it is none. `station` = the id that was asked for, `text` = the answer as it came. */
export const parseObservation = (station: string, answer: unknown, text: string): SourceRecord | InvalidRow => {
  const feature = asObject(answer);
  const properties = asObject(feature?.['properties']);
  if (feature === null || properties === null)
    return invalidRow(text, rowFault('wrong_shape', station, 'a GeoJSON feature with properties', answer), station);
  const fields = jsonFields(properties);
  const observedAtMs = fields.neededInstant('timestamp');
  const location = readPoint(
    fields,
    feature['geometry'],
    readQuantity(fields, 'elevation', properties['elevation'] ?? null, 'm'),
  );
  const stationId = fields.text('station')?.split('/').at(-1) ?? station;
  const measured: Record<string, number | null> = {};
  const quality: Record<string, string> = {};
  for (const [name, theirs, unit] of measurements) {
    measured[name] = readQuantity(fields, theirs, properties[theirs] ?? null, unit);
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

/** Of the densest layer. */
const cloudCoverOf = (fields: JsonFields, layers: unknown): number | null => {
  if (layers === null) return null;
  if (!Array.isArray(layers)) return fields.fail(rowFault('wrong_shape', 'cloudLayers', 'a list', layers));
  return densestCover(layers.map((layer: unknown) => asObject(layer)?.['amount']));
};
