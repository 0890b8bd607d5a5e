// The forecast of one gridpoint of NWS (GET /gridpoints/{office}/{x},{y}/forecast, GeoJSON): a record per period.
// Temperatures and winds come as numbers with a letter, as words, or as quantities with a unit code, depending on what
// the service is rolling out; each is read by what it says.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { InvalidRow, Location, SourceRecord } from '@stream-manager/shared/records/envelope';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject, type JsonFields, type JsonObject, jsonFields, readLocation } from './json-fields.ts';
import { keptJson } from './kept-json.ts';
import { readQuantity } from './noaa-quantity.ts';
import { type ParsedRows, parsedRows } from './parsed-rows.ts';
import { celsiusOfFahrenheit, convert } from './units.ts';

/** What the periods of an answer share. As JSON it is what a row cannot be read again without. */
export interface ForecastIssue {
  readonly gridpoint: string;
  readonly issuedAtMs: number;
  /** The middle of the gridpoint's cell. */
  readonly location: Location | null;
}

/** The records and invalid rows of an answer. Throws `response_unreadable` for what is no forecast. */
export const parseForecast = (gridpoint: string, answer: unknown): ParsedRows => {
  const properties = asObject(asObject(answer)?.['properties']);
  const periods = properties?.['periods'];
  if (properties === null || !Array.isArray(periods))
    throw new StreamManagerError('response_unreadable', `expected a forecast of ${gridpoint} with periods, found none`);
  const issue = issueOf(gridpoint, asObject(answer) ?? {}, properties);
  return parsedRows(periods, (period) => parsePeriod(period, issue));
};

/** Parses one period again that was invalid. */
export const parsePeriodAgain = (raw: string, context: string): SourceRecord | InvalidRow => {
  const issue = readIssue(keptJson(context));
  if (issue === null)
    return invalidRow(
      raw,
      rowFault('unreadable', 'issue', 'what the forecast is of, kept with the row', context),
      context,
    );
  const period = keptJson(raw);
  return period === undefined
    ? invalidRow(raw, rowFault('unreadable', 'period', 'a period in JSON', raw), context)
    : parsePeriod(period, issue);
};

/** When the forecast was made: `updateTime`; `generatedAt` is when the answer was. */
const issueOf = (gridpoint: string, feature: JsonObject, properties: JsonObject): ForecastIssue => {
  const fields = jsonFields(properties);
  const issuedAtMs = fields.instant('updateTime') ?? fields.instant('updated');
  const elevationM = readQuantity(fields, 'elevation', properties['elevation'] ?? null, 'm');
  const location = middleOf(fields, feature['geometry'] ?? null, elevationM);
  const fault = fields.fault();
  if (fault !== null || issuedAtMs === null)
    throw new StreamManagerError(
      'response_unreadable',
      `the forecast of ${gridpoint} cannot be read: ${fault?.message ?? 'updateTime: expected a time, found nothing'}`,
    );
  return { gridpoint, issuedAtMs, location };
};

/** The middle of a polygon's corners, to a ten-millionth of a degree; null without a polygon. */
const middleOf = (fields: JsonFields, geometry: unknown, elevationM: number | null): Location | null => {
  const polygon = asObject(geometry);
  if (polygon?.['type'] !== 'Polygon') return null;
  const rings: unknown = polygon['coordinates'];
  const ring: unknown = Array.isArray(rings) ? rings[0] : null;
  if (!Array.isArray(ring) || ring.length < 4)
    return fields.fail(rowFault('wrong_shape', 'geometry.coordinates', 'a ring of corners', ring));
  // The last corner is the first one again.
  const corners = ring.slice(0, -1) as readonly unknown[];
  const middle = (at: 0 | 1): unknown => {
    let sum = 0;
    for (const corner of corners) {
      const value: unknown = Array.isArray(corner) ? corner[at] : null;
      if (typeof value !== 'number') return value;
      sum += value;
    }
    return Math.round((sum / corners.length) * 1e7) / 1e7;
  };
  return readLocation(fields, middle(1), middle(0), elevationM);
};

const parsePeriod = (given: unknown, issue: ForecastIssue): SourceRecord | InvalidRow => {
  const refused = (fault: Parameters<typeof invalidRow>[1]): InvalidRow => {
    // Made for rows that are invalid only. A period does not say where it is for, or of which issue it is.
    const context = JSON.stringify(issue);
    const row = invalidRow(given, fault, context);
    return { ...row, identity: `${context}|${row.raw}` };
  };
  const period = asObject(given);
  if (period === null) return refused(rowFault('wrong_shape', 'period', 'an object', given));
  const fields = jsonFields(period);
  const validFromMs = fields.neededInstant('startTime');
  const validTo = fields.isoUtc('endTime');
  const { gridpoint, issuedAtMs, location } = issue;
  const data = {
    gridpoint,
    validFrom: validFromMs === null ? null : new Date(validFromMs).toISOString(),
    validTo,
    temperatureC: temperatureOf(fields, period),
    windSpeedMps: windOf(fields, period['windSpeed'] ?? null),
    windDirection: fields.text('windDirection'),
    precipitationPercent: readQuantity(
      fields,
      'probabilityOfPrecipitation',
      period['probabilityOfPrecipitation'] ?? null,
      'percent',
    ),
    shortForecast: fields.text('shortForecast'),
    detailedForecast: fields.text('detailedForecast'),
  };
  const fault = fields.fault();
  if (fault !== null || validFromMs === null)
    return refused(fault ?? rowFault('missing_value', 'startTime', 'a time', null));
  return {
    type: 'weather-forecast',
    naturalKey: `${gridpoint}|${new Date(issuedAtMs).toISOString()}|${new Date(validFromMs).toISOString()}`,
    observedAtMs: issuedAtMs,
    ...(location === null ? {} : { location }),
    data,
    partitionKey: gridpoint,
  };
};

/** A number whose letter stands beside it, or a quantity with a unit code. */
const temperatureOf = (fields: JsonFields, period: JsonObject): number | null => {
  const given = period['temperature'] ?? null;
  if (asObject(given) !== null) return readQuantity(fields, 'temperature', given, 'degC');
  const value = fields.number('temperature');
  if (value === null) return null;
  const unit = fields.text('temperatureUnit');
  if (unit === 'F') return celsiusOfFahrenheit(value);
  if (unit === 'C') return value;
  return fields.fail(rowFault('unknown_unit', 'temperatureUnit', 'F or C', unit));
};

/** Names of units in the words of a wind. */
const spokenUnits: ReadonlyMap<string, string> = new Map([
  ['mph', 'mi_h-1'],
  ['km/h', 'km_h-1'],
  ['kt', 'kt'],
  ['kts', 'kt'],
  ['m/s', 'm_s-1'],
]);

/** `5 to 10 mph`, `10 mph`, `around 5 mph`, `Calm`, nothing, or a quantity with one value or two. */
const windOf = (fields: JsonFields, given: unknown): { readonly low: number; readonly high: number } | null => {
  const name = 'windSpeed';
  if (given === null || given === '') return null;
  const measured = asObject(given);
  if (measured !== null) {
    const bound = (key: string): number | null =>
      readQuantity(fields, name, measured, 'm/s', (measured[key] ?? null) === null ? 'value' : key);
    const [low, high] = [bound('minValue'), bound('maxValue')];
    return low === null || high === null ? null : { low, high };
  }
  if (typeof given !== 'string') return fields.fail(rowFault('wrong_shape', name, 'a speed with its unit', given));
  if (/^calm$/i.test(given.trim())) return { low: 0, high: 0 };
  const parts = /^\D*?(\d{1,3}(?:\.\d+)?)(?:\s*(?:to|-)\s*(\d{1,3}(?:\.\d+)?))?\s*(mph|km\/h|kts?|m\/s)$/i.exec(
    given.trim(),
  );
  const unit = spokenUnits.get(parts?.[3]?.toLowerCase() ?? '');
  if (parts === null || unit === undefined)
    return fields.fail(rowFault('unknown_unit', name, 'a speed such as 5 to 10 mph', given));
  const low = convert(Number(parts[1]), unit, 'm/s');
  const high = convert(Number(parts[2] ?? parts[1]), unit, 'm/s');
  return low === null || high === null ? null : { low, high };
};

const readIssue = (value: unknown): ForecastIssue | null => {
  const issue = asObject(value);
  const gridpoint = issue?.['gridpoint'];
  const issuedAtMs = issue?.['issuedAtMs'];
  if (typeof gridpoint !== 'string' || typeof issuedAtMs !== 'number') return null;
  const place = asObject(issue?.['location']);
  const fields = jsonFields(place ?? {});
  const location =
    place === null ? null : readLocation(fields, place['latitude'], place['longitude'], fields.number('elevationM'));
  return fields.fault() === null ? { gridpoint, issuedAtMs, location } : null;
};
