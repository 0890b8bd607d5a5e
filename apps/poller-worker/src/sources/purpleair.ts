// PurpleAir: outdoor air sensors of an area (GET /v1/sensors). Names of the columns stand once in `fields`, the rows are
// arrays. The time of a record is when its sensor was last heard, not when we asked. After the first answer only the
// sensors are asked for that were heard since: a sensor that says nothing new costs no points.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/http-client.ts';
import { HttpStatusError } from '../http/http-status-error.ts';
import { createRedactor, excerptOf, type Redactor } from '../http/secrets.ts';
import { lastInstantMs } from './instants.ts';
import { invalidRow, type RowFault, rowFault } from './invalid-row.ts';
import { asObject, type JsonObject, jsonFields, readLocation } from './json-fields.ts';
import { keptJson } from './kept-json.ts';
import { type ParsedRows, parsedRows } from './parsed-rows.ts';
import { purpleAirPoints } from './purpleair-points.ts';
import { receiptsOf, unchangedPage } from './receipts.ts';
import type { SourceFactory } from './source.ts';
import { celsiusOfFahrenheit, metresOfFeet, pascalsOfHectopascals } from './units.ts';
import { unsupported } from './unsupported.ts';

/**
 * Taken off the time that is asked from, in seconds: the API gives whole seconds and does not say whether a sensor heard
 * in the very second of an answer was in it. What comes twice is known by its id.
 */
const overlapSeconds = 10;

/** The same where only our own clock says from when on: the API's data are somewhat older than its answer. */
const clockOverlapSeconds = 600;

/** A poll may be late by hours, and its answer is of when it was sent: further ahead of its tick than this, a time is wrong. */
const mostAheadMs = 86_400_000;

/**
 * One poll is one request. Every field and row costs points of the key. The cursor is `data_time_stamp`: up to when the
 * data of an answer were current.
 */
export const createPurpleAir: SourceFactory = (source) => {
  if (source.type !== 'purpleair') throw unsupported(source, 'purpleair');
  const { apiKey, bbox, fields } = source.params;
  const [west, south, east, north] = bbox;
  const redact = createRedactor([apiKey]);
  // What the last answer held is the best guess at what the next one will cost.
  let lastRows = 0;
  const requestSince = (since: number | null): HttpRequest => {
    const url = new URL('/v1/sensors', source.baseUrl);
    url.search = new URLSearchParams({
      fields: fields.join(','),
      // 0: outside. What is indoors says nothing about smoke over the land.
      location_type: '0',
      nwlng: String(west),
      nwlat: String(north),
      selng: String(east),
      selat: String(south),
      ...(since === null ? {} : { modified_since: String(Math.max(0, since - overlapSeconds)) }),
    }).toString();
    return {
      url,
      accept: 'application/json',
      credential: apiKey,
      headers: { 'X-API-Key': apiKey },
      cost: purpleAirPoints(fields.length, lastRows),
      isRepeatable: since === null,
    };
  };
  return {
    poll: async function* ({ http, cursor, window }) {
      // Of a wrong clock, theirs or that of an answer before: nothing would be heard since a day that is still to come.
      const latest = (window.untilMs + mostAheadMs) / 1000;
      const timeOf = (value: unknown): number | null => {
        const seconds = secondsOf(value);
        return seconds !== null && seconds <= latest ? seconds : null;
      };
      const since = cursor === null ? secondsOfClock(window.sinceMs) : timeOf(cursor);
      const response = await fetchSensors(http, requestSince(since), redact);
      if (response.unchanged !== null) {
        yield unchangedPage(response.unchanged, null);
        return;
      }
      const answer = await response.json();
      const page = parseSensors(answer, redact);
      lastRows = page.records.length + page.invalid.length;
      await response.charge(purpleAirPoints(fields.length, lastRows));
      const current = timeOf(asObject(answer)?.['data_time_stamp']);
      yield { ...page, ...receiptsOf(response), position: null, ...(current === null ? {} : { cursor: current }) };
    },
    parseRow: ({ raw, context }) => {
      const row = keptJson(raw);
      const columns = keptJson(context);
      return Array.isArray(columns)
        ? parseSensor(columns.map(String), row)
        : invalidRow(
            raw,
            rowFault('unreadable', 'fields', 'the names of the columns, kept with the row', columns),
            context,
          );
    },
  };
};

const fetchSensors = async (http: HttpClient, request: HttpRequest, redact: Redactor): Promise<HttpResponse> => {
  try {
    return await http.fetch(request);
  } catch (error) {
    // A status such as 400 may be about the key: the body's error name says it.
    if (error instanceof HttpStatusError && error.code === 'fetch_status')
      throw apiError(error.excerpt, error.message, redact) ?? error;
    throw error;
  }
};

/** Seconds since 1970, or null for anything else. */
const secondsOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;

/** Without a cursor of its own an operator may have said from when on it is asked. */
const secondsOfClock = (ms: number | null): number | null =>
  ms === null ? null : Math.max(0, Math.floor(ms / 1_000) - clockOverlapSeconds);

/** What the names of PurpleAir's errors mean; null for one that says nothing more than the status. */
const apiError = (name: string, message: string, redact: Redactor): StreamManagerError | null => {
  const text = `PurpleAir says "${excerptOf(message, redact)}"`;
  if (/ApiKey|Unauthorized|Forbidden|ApiDisabled/i.test(name))
    return new StreamManagerError('credentials_refused', text);
  if (/RateLimit|TooManyRequests/i.test(name)) return new StreamManagerError('rate_limited', text);
  return null;
};

/** The rows of one answer. Throws for an error in JSON with status 200, and `response_unreadable` for anything else. */
export const parseSensors = (answer: unknown, redact: Redactor): ParsedRows => {
  const object = asObject(answer);
  const error = object?.['error'];
  if (typeof error === 'string') {
    const message = `${error}: ${jsonFields(object ?? {}).text('description') ?? ''}`;
    throw (
      apiError(error, message, redact) ??
      new StreamManagerError('response_unreadable', `PurpleAir says "${excerptOf(message, redact)}"`)
    );
  }
  const names = object?.['fields'];
  const rows = object?.['data'];
  if (!Array.isArray(names) || !Array.isArray(rows))
    throw new StreamManagerError('response_unreadable', 'expected sensors as fields and data, found neither');
  const columns = names.map(String);
  const missing = ['sensor_index', 'last_seen'].filter((name) => !columns.includes(name));
  if (missing.length > 0)
    throw new StreamManagerError(
      'response_unreadable',
      `expected the fields ${missing.join(' and ')}, found ${excerptOf(columns.join(', '), redact)}`,
    );
  return parsedRows(rows, (row) => parseSensor(columns, row));
};

const parseSensor = (columns: readonly string[], row: unknown): SourceRecord | InvalidRow => {
  // Only made for a row that is invalid.
  const refused = (fault: RowFault): InvalidRow => invalidRow(row, fault, JSON.stringify(columns));
  if (!Array.isArray(row)) return refused(rowFault('wrong_shape', 'row', 'a list of values', row));
  if (row.length !== columns.length)
    return refused(
      rowFault('column_count', 'row', `${columns.length} values, as many as there are fields`, row.length),
    );
  const values: JsonObject = Object.fromEntries(columns.map((name, at) => [name, row[at]]));
  const fields = jsonFields(values);
  const sensorIndex = wholeNumber(values['sensor_index'], 'sensor_index');
  const lastSeen = wholeNumber(values['last_seen'], 'last_seen');
  if (typeof sensorIndex !== 'number') return refused(sensorIndex);
  if (typeof lastSeen !== 'number') return refused(lastSeen);
  if (lastSeen * 1000 > lastInstantMs)
    return refused(rowFault('bad_time', 'last_seen', 'seconds since 1970', lastSeen));

  const number = (name: string, unit: (value: number) => number = (value) => value): number | null => {
    const value = fields.number(name);
    return value === null ? null : unit(value);
  };
  /** Channel averages under their short name; asked for by their long one (`_atm`), they are the same quantity. */
  const particles = (name: string): number | null => number(name) ?? number(`${name}_atm`);
  const altitudeM = number('altitude', metresOfFeet);
  const { latitude = null, longitude = null } = values;
  const location =
    latitude === null && longitude === null ? null : readLocation(fields, latitude, longitude, altitudeM);
  const data = {
    sensorIndex,
    name: fields.text('name'),
    pm1UgM3: particles('pm1.0'),
    pm25UgM3: particles('pm2.5'),
    pm10UgM3: particles('pm10.0'),
    temperatureC: number('temperature', celsiusOfFahrenheit),
    relativeHumidityPercent: number('humidity'),
    pressurePa: number('pressure', pascalsOfHectopascals),
    altitudeM,
    rssiDbm: number('rssi'),
    confidencePercent: number('confidence'),
  };
  const fault = fields.fault();
  if (fault !== null) return refused(fault);
  return {
    type: 'air-quality',
    naturalKey: `${sensorIndex}|${lastSeen}`,
    observedAtMs: lastSeen * 1000,
    ...(location === null ? {} : { location }),
    data,
    partitionKey: String(sensorIndex),
  };
};

const wholeNumber = (value: unknown, name: string): number | RowFault =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : rowFault(value === null || value === undefined ? 'missing_value' : 'not_a_number', name, 'a whole number', value);
