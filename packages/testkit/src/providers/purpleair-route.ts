// PurpleAir: GET /v1/sensors?fields=… (column names once, rows as arrays, `sensor_index` always first) and GET /v1/keys.
// Units are the API's own: °F, hPa, feet, unix seconds.
import type { AirReading, ServedAirReading } from './air-sensors.ts';
import { type Answer, bareAnswer, faultyRows, type RouteRequest } from './answer.ts';
import type { MalformedKind } from './faults.ts';

export interface PurpleAirRouteOptions {
  /** The keys that are known. */
  readonly apiKeys: readonly string[];
}

const json = 'application/json; charset=utf-8';
const apiVersion = 'V1.2.0-1.1.45';
const seconds = (ms: number): number => Math.floor(ms / 1000);

const fahrenheit = (celsius: number | null): number | null =>
  celsius === null ? null : Number(((celsius * 9) / 5 + 32).toFixed(6));
const plus = (value: number | null, more: number): number | null =>
  value === null ? null : Number((value + more).toFixed(1));

/** Every field that may be asked for. */
const fieldsKnown: Readonly<Record<string, (reading: AirReading) => number | string | null>> = {
  sensor_index: ({ sensor }) => sensor.sensorIndex,
  name: ({ sensor }) => sensor.name,
  location_type: ({ sensor }) => (sensor.isIndoors ? 1 : 0),
  latitude: ({ sensor }) => sensor.latitude,
  longitude: ({ sensor }) => sensor.longitude,
  altitude: ({ sensor }) => Math.round(sensor.altitudeM / 0.3048),
  model: () => 'PA-II',
  hardware: () => '2.0+BME280+PMSX003-B+PMSX003-A',
  firmware_version: () => '7.02',
  private: () => 0,
  position_rating: () => 5,
  channel_state: () => 3,
  channel_flags: () => 0,
  last_seen: ({ lastSeenMs }) => seconds(lastSeenMs),
  last_modified: ({ lastSeenMs }) => seconds(lastSeenMs) - 86_400,
  date_created: () => 1_600_000_000,
  rssi: ({ rssiDbm }) => rssiDbm,
  uptime: ({ uptime }) => uptime,
  confidence: ({ confidencePercent }) => confidencePercent,
  humidity: ({ relativeHumidityPercent }) => relativeHumidityPercent,
  temperature: ({ temperatureC }) => fahrenheit(temperatureC),
  pressure: ({ pressurePa }) => (pressurePa === null ? null : pressurePa / 100),
  voc: () => null,
  ozone1: () => null,
  'pm1.0': ({ pm1UgM3 }) => pm1UgM3,
  'pm1.0_atm': ({ pm1UgM3 }) => plus(pm1UgM3, 0.4),
  'pm1.0_cf_1': ({ pm1UgM3 }) => plus(pm1UgM3, 0.7),
  'pm2.5': ({ pm25UgM3 }) => pm25UgM3,
  'pm2.5_alt': ({ pm25UgM3 }) => plus(pm25UgM3, 0.2),
  'pm2.5_atm': ({ pm25UgM3 }) => plus(pm25UgM3, 0.5),
  'pm2.5_cf_1': ({ pm25UgM3 }) => plus(pm25UgM3, 0.9),
  'pm2.5_10minute': ({ pm25UgM3 }) => plus(pm25UgM3, 1.1),
  'pm2.5_60minute': ({ pm25UgM3 }) => plus(pm25UgM3, 1.3),
  'pm10.0': ({ pm10UgM3 }) => pm10UgM3,
  'pm10.0_atm': ({ pm10UgM3 }) => plus(pm10UgM3, 0.6),
  'pm10.0_cf_1': ({ pm10UgM3 }) => plus(pm10UgM3, 0.8),
};

const refuse = (status: number, clockMs: number, error: string, description: string): Answer =>
  bareAnswer(
    status,
    json,
    JSON.stringify({ api_version: apiVersion, time_stamp: seconds(clockMs), error, description }),
  );

const keyProblem = (request: RouteRequest, apiKeys: readonly string[]): Answer | null => {
  const key = request.header('x-api-key');
  const { clockMs } = request;
  if (key === undefined || key === '')
    return refuse(403, clockMs, 'ApiKeyMissingError', 'No API key was found in the request.');
  return apiKeys.includes(key)
    ? null
    : refuse(403, clockMs, 'ApiKeyInvalidError', 'The provided api_key was not valid.');
};

/** Whether the key is good; the real API answers with status 201. */
export const answerKeys = (request: RouteRequest, options: PurpleAirRouteOptions): Answer =>
  keyProblem(request, options.apiKeys) ??
  bareAnswer(
    201,
    json,
    JSON.stringify({ api_version: apiVersion, time_stamp: seconds(request.clockMs), api_key_type: 'READ' }),
  );

const corners = ['nwlng', 'nwlat', 'selng', 'selat'] as const;

/** The newest reading of each sensor in the box, only the fields asked for. */
export const answerSensors = (request: RouteRequest, options: PurpleAirRouteOptions): Answer => {
  const { url, world, atMs, clockMs, fault } = request;
  const problem = keyProblem(request, options.apiKeys);
  if (problem) return problem;
  const query = url.searchParams;
  const asked = (query.get('fields') ?? '').split(',').filter((field) => field !== '');
  if (asked.length === 0)
    return refuse(400, clockMs, 'MissingFieldsParamError', 'The required parameter fields was not found.');
  const unknown = asked.find((field) => !Object.hasOwn(fieldsKnown, field));
  if (unknown !== undefined)
    return refuse(400, clockMs, 'InvalidFieldValueError', `A provided field (${unknown}) was not found.`);
  const numbers = [...corners, 'modified_since', 'location_type', 'max_age'].filter((name) => query.has(name));
  const wrong = numbers.find((name) => !/^-?\d+(\.\d+)?$/.test(query.get(name) ?? ''));
  if (wrong !== undefined)
    return refuse(400, clockMs, 'InvalidParameterValueError', `The value of ${wrong} is not a number.`);
  const given = corners.filter((name) => query.has(name));
  if (given.length !== 0 && given.length !== corners.length)
    return refuse(400, clockMs, 'InvalidParameterValueError', 'All of nwlng, nwlat, selng, selat are needed.');

  const fields = ['sensor_index', ...new Set(asked.filter((field) => field !== 'sensor_index'))];
  const fieldSet: ReadonlySet<string> = new Set(fields);
  const served: readonly ServedAirReading[] = world.airSensors
    .latest(atMs)
    .filter((reading) => isAskedFor(reading, query, atMs))
    .map((reading) => ({ kind: 'purpleair', naturalKey: reading.naturalKey, reading, fields: fieldSet }));
  const more = fault.name === 'extra-column' ? [0] : [];
  const { rows, truths, broken } = faultyRows<ServedAirReading, Values>(served, request, {
    kind: 'purpleair',
    breakable: breakableWith(fieldSet),
    render: ({ reading }) => [...fields.map((field) => fieldsKnown[field]?.(reading) ?? null), ...more],
    breakRow: (values, kind) => breakValues(values, fields, kind),
  });
  const locationType = query.get('location_type');
  const document = {
    api_version: apiVersion,
    time_stamp: seconds(clockMs),
    data_time_stamp: seconds(atMs),
    ...(locationType === null ? {} : { location_type: Number(locationType) }),
    max_age: Number(query.get('max_age') ?? 604_800),
    firmware_default_version: '7.02',
    fields: fault.name === 'extra-column' ? [...fields, 'something_new'] : fields,
    data: rows,
  };
  // Without `last_seen` a row has no time and therefore no natural key: it cannot be followed and is not noted.
  const followed = fieldSet.has('last_seen') ? truths : [];
  return { ...bareAnswer(200, json, JSON.stringify(document)), truths: followed, broken };
};

const isAskedFor = ({ sensor, lastSeenMs }: AirReading, query: URLSearchParams, atMs: number): boolean => {
  const number = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);
  return (
    sensor.longitude >= number('nwlng', -180) &&
    sensor.longitude <= number('selng', 180) &&
    sensor.latitude <= number('nwlat', 90) &&
    sensor.latitude >= number('selat', -90) &&
    seconds(lastSeenMs) >= number('modified_since', 0) &&
    seconds(atMs) - seconds(lastSeenMs) <= (number('max_age', 604_800) || Number.POSITIVE_INFINITY) &&
    (!query.has('location_type') || number('location_type', 0) === (sensor.isIndoors ? 1 : 0))
  );
};

const breakableWith = (fields: ReadonlySet<string>): readonly MalformedKind[] => [
  'missing-column',
  'surplus-column',
  ...(fields.has('latitude') ? (['not-a-number', 'nan', 'latitude-out-of-range'] as const) : []),
  ...(fields.has('last_seen') ? (['unparsable-date'] as const) : []),
];

type Values = readonly (number | string | null)[];

const breakValues = (values: Values, fields: readonly string[], kind: MalformedKind): Values => {
  const latitude = fields.indexOf('latitude');
  switch (kind) {
    case 'missing-column':
      return values.slice(0, -1);
    case 'surplus-column':
      return [...values, 1, 2];
    case 'not-a-number':
      return values.with(latitude, 'abc');
    case 'nan':
      return values.with(latitude, 'NaN');
    case 'latitude-out-of-range':
      return values.with(latitude, Number(`1${values[latitude]}`));
    case 'unparsable-date':
      return values.with(fields.indexOf('last_seen'), 'yesterday');
  }
};
