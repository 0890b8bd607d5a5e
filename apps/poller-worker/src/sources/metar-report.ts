// One weather report of an airport (METAR) as the Aviation Weather Center gives it in JSON: knots, statute miles,
// hectopascals, inches, and words where a number cannot be given.
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { densestCover, layerCover } from './cloud-cover.ts';
import { lastInstantMs, parseInstant } from './instants.ts';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject, type JsonFields, type JsonObject, jsonFields, readLocation } from './json-fields.ts';
import { metresOfMiles, millimetresOfInches, mpsOfKnots, pascalsOfHectopascals, pascalsOfInches } from './units.ts';

/** A report as a record, or why it is none. */
export const parseReport = (given: unknown): SourceRecord | InvalidRow => {
  const report = asObject(given);
  if (report === null) return invalidRow(given, rowFault('wrong_shape', 'report', 'an object', given));
  const fields = jsonFields(report);
  const stationId = fields.neededText('icaoId') ?? '';
  const observedAtMs = observedAt(fields, report['obsTime'] ?? null);
  const { lat = null, lon = null } = report;
  const location = lat === null && lon === null ? null : readLocation(fields, lat, lon, fields.number('elev'));
  const temperatureC = fields.number('temp');
  const dewpointC = fields.number('dewp');
  const data = {
    stationId,
    stationName: fields.text('name'),
    temperatureC,
    dewpointC,
    relativeHumidityPercent: humidityOf(temperatureC, dewpointC),
    windDirectionDeg: windDirection(fields, report['wdir'] ?? null),
    windSpeedMps: scaled(fields.number('wspd'), mpsOfKnots),
    windGustMps: scaled(fields.number('wgst'), mpsOfKnots),
    pressurePa: altimeter(fields),
    seaLevelPressurePa: scaled(fields.number('slp'), pascalsOfHectopascals),
    visibilityM: scaled(visibility(fields, report['visib'] ?? null), metresOfMiles),
    precipitationLastHourMm: scaled(fields.number('precip'), millimetresOfInches),
    heatIndexC: null,
    windChillC: null,
    cloudCoverPercent: cloudCover(fields, report),
    description: fields.text('wxString'),
    rawMetar: fields.text('rawOb'),
    // METAR has no quality codes.
    quality: {},
  };
  const fault = fields.fault();
  if (fault !== null || observedAtMs === null)
    return invalidRow(given, fault ?? rowFault('missing_value', 'obsTime', 'a time', null));
  return {
    type: 'weather-observation',
    naturalKey: `${stationId}|${new Date(observedAtMs).toISOString()}`,
    observedAtMs,
    ...(location === null ? {} : { location }),
    data,
    partitionKey: stationId,
  };
};

const scaled = (value: number | null, unit: (value: number) => number): number | null =>
  value === null ? null : unit(value);

/** `obsTime`: seconds since 1970, or ISO 8601. Never `reportTime`, which is rounded to the hour of the report. */
const observedAt = (fields: JsonFields, given: unknown): number | null => {
  if (given === null) return fields.fail(rowFault('missing_value', 'obsTime', 'seconds since 1970', given));
  const ms =
    typeof given === 'number' && Number.isSafeInteger(given) && given >= 0
      ? given * 1000
      : typeof given === 'string'
        ? parseInstant(given)
        : null;
  return ms !== null && ms <= lastInstantMs
    ? ms
    : fields.fail(rowFault('bad_time', 'obsTime', 'seconds since 1970', given));
};

/**
 * Relative humidity from temperature and dew point, in per cent: Magnus' formula with the constants of Alduchov and
 * Eskridge (1996). A dew point above the temperature, from rounding, is saturation.
 */
export const humidityOf = (temperatureC: number | null, dewpointC: number | null): number | null => {
  if (temperatureC === null || dewpointC === null) return null;
  const exponent = (celsius: number): number => (17.625 * celsius) / (243.04 + celsius);
  const percent = 100 * Math.exp(exponent(dewpointC) - exponent(temperatureC));
  return Number.isFinite(percent) ? Math.min(100, percent) : null;
};

/** Degrees; null for `VRB`, a wind from everywhere. */
const windDirection = (fields: JsonFields, given: unknown): number | null => {
  if (given === null || given === '' || (typeof given === 'string' && given.toUpperCase() === 'VRB')) return null;
  const degrees = typeof given === 'string' && /^\d{1,3}$/.test(given) ? Number(given) : given;
  if (typeof degrees !== 'number' || !Number.isFinite(degrees))
    return fields.fail(rowFault('not_a_number', 'wdir', 'degrees or VRB', given));
  return degrees >= 0 && degrees <= 360
    ? degrees
    : fields.fail(rowFault('out_of_range', 'wdir', 'degrees from 0 to 360', given));
};

/** Statute miles, as reports write them: `3`, `1/2`, `M1/4` (less than that), `1 1/2`. */
const milesForm = /^[PM]?(?:(\d{1,3}(?:\.\d+)?)\s*)??(?:(\d{1,2})\/(\d{1,2}))?\+?$/;

const milesOf = (text: string): number => {
  const [whole, over, under] = milesForm.exec(text.trim())?.slice(1) ?? [];
  if (whole === undefined && over === undefined) return Number.NaN;
  return Number(whole ?? 0) + (over === undefined ? 0 : Number(over) / Number(under));
};

/** Statute miles; `10+` is ten or more, and is taken for ten, as NWS does. */
const visibility = (fields: JsonFields, given: unknown): number | null => {
  if (given === null || given === '') return null;
  const miles = typeof given === 'string' ? milesOf(given) : given;
  if (typeof miles !== 'number' || !Number.isFinite(miles))
    return fields.fail(rowFault('not_a_number', 'visib', 'miles such as 3 or 10+', given));
  return miles >= 0 ? miles : fields.fail(rowFault('out_of_range', 'visib', 'miles of 0 or more', given));
};

/** The altimeter setting. JSON has it in hectopascals; a value that can only be inches of mercury is read as these. */
const altimeter = (fields: JsonFields): number | null => {
  const value = fields.number('altim');
  if (value === null) return null;
  if (value >= 800 && value <= 1100) return pascalsOfHectopascals(value);
  if (value >= 24 && value <= 32.5) return pascalsOfInches(value);
  return fields.fail(rowFault('out_of_range', 'altim', 'hectopascals from 800 to 1100', value));
};

/** With the word of this service for a sky that cannot be seen. */
const cover = new Map([...layerCover, ['OVX', 100]]);

/** The densest layer; else the word for the whole sky; null where neither is told in a word that we know. */
const cloudCover = (fields: JsonFields, report: JsonObject): number | null => {
  const layers = report['clouds'] ?? null;
  if (layers !== null && !Array.isArray(layers))
    return fields.fail(rowFault('wrong_shape', 'clouds', 'a list of layers', layers));
  const words = (layers ?? []).map((layer: unknown) => asObject(layer)?.['cover']);
  return densestCover(words, cover) ?? cover.get(report['cover']) ?? null;
};
