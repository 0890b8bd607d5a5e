import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/http/secrets.ts';
import { createAirNow, parseAirNow } from '../../src/sources/airnow.ts';
import { parseAirNowRow } from '../../src/sources/airnow-row.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll, type Scripted, statusError } from './scripted-http.ts';

const row = {
  DateObserved: '2025-01-04 ',
  HourObserved: 14,
  LocalTimeZone: 'PST',
  ReportingArea: 'Los Angeles-South Coast',
  StateCode: 'CA',
  Latitude: 34.0522,
  Longitude: -118.2437,
  ParameterName: 'PM2.5',
  AQI: 57,
  Category: { Number: 2, Name: 'Moderate' },
};
const redact = createRedactor(['THE-KEY']);
const one = (changes: Readonly<Record<string, unknown>> = {}): SourceRecord => {
  const { records, invalid } = parseAirNow([{ ...row, ...changes }], redact);
  expect(invalid).toEqual([]);
  return records[0]!;
};

describe('a row', () => {
  it('becomes a record at the beginning of its hour in UTC', () => {
    expect(one()).toEqual({
      type: 'air-quality',
      naturalKey: 'Los Angeles-South Coast, CA|PM2.5|2025-01-04T22:00:00.000Z',
      observedAtMs: Date.parse('2025-01-04T22:00:00Z'),
      location: { latitude: 34.0522, longitude: -118.2437 },
      data: {
        sensorIndex: null,
        name: 'Los Angeles-South Coast',
        pm1UgM3: null,
        pm25UgM3: null,
        pm10UgM3: null,
        temperatureC: null,
        relativeHumidityPercent: null,
        pressurePa: null,
        altitudeM: null,
        rssiDbm: null,
        confidencePercent: null,
        parameter: 'PM2.5',
        aqi: 57,
        category: 'Moderate',
        area: 'Los Angeles-South Coast, CA',
      },
      partitionKey: 'Los Angeles-South Coast, CA',
    });
  });

  it.each([
    { zone: 'PST', hour: 23, utc: '2025-01-05T07:00:00.000Z' },
    { zone: 'PDT', hour: 0, utc: '2025-01-04T07:00:00.000Z' },
    { zone: 'MST', hour: 5, utc: '2025-01-04T12:00:00.000Z' },
    { zone: 'EST ', hour: 5, utc: '2025-01-04T10:00:00.000Z' },
    { zone: 'AKDT', hour: 5, utc: '2025-01-04T13:00:00.000Z' },
    { zone: 'HST', hour: 5, utc: '2025-01-04T15:00:00.000Z' },
    { zone: 'ChST', hour: 5, utc: '2025-01-03T19:00:00.000Z' },
    { zone: 'GMT', hour: 5, utc: '2025-01-04T05:00:00.000Z' },
  ])('of hour $hour $zone is of $utc', ({ zone, hour, utc }) => {
    const record = one({ LocalTimeZone: zone, HourObserved: hour });
    expect(new Date(record.observedAtMs).toISOString()).toBe(utc);
  });

  it('with the index -1 has none', () => {
    const { aqi, category } = one({ AQI: -1, Category: { Number: 7, Name: 'Unavailable' } }).data;
    expect([aqi, category]).toEqual([null, null]);
  });

  it('under another ZIP code is the same record, in another state another one', () => {
    expect(one({ AQI: 58 }).naturalKey).toBe(one().naturalKey);
    expect(one({ StateCode: 'NV' }).naturalKey).not.toBe(one().naturalKey);
  });

  it.each([
    { changes: { DateObserved: null }, reason: 'missing_value', says: 'DateObserved' },
    { changes: { DateObserved: '01/04/25' }, reason: 'bad_time', says: 'DateObserved' },
    { changes: { DateObserved: '2025-02-29 ' }, reason: 'bad_time', says: 'DateObserved' },
    { changes: { HourObserved: undefined }, reason: 'missing_value', says: 'HourObserved' },
    { changes: { HourObserved: 24 }, reason: 'out_of_range', says: 'HourObserved' },
    { changes: { HourObserved: '14' }, reason: 'not_a_number', says: 'HourObserved' },
    { changes: { LocalTimeZone: 'CET' }, reason: 'unknown_word', says: 'LocalTimeZone' },
    { changes: { ReportingArea: '' }, reason: 'missing_value', says: 'ReportingArea' },
    { changes: { ParameterName: null }, reason: 'missing_value', says: 'ParameterName' },
    { changes: { Latitude: 'NaN' }, reason: 'not_a_number', says: 'latitude' },
    { changes: { Longitude: 181 }, reason: 'out_of_range', says: 'longitude' },
    { changes: { AQI: 'high' }, reason: 'not_a_number', says: 'AQI' },
  ])('is invalid with $changes', ({ changes, reason, says }) => {
    const { records, invalid } = parseAirNow([{ ...row, ...changes }, row], redact);
    expect(records).toHaveLength(1);
    expect(invalid).toMatchObject([{ reason, message: expect.stringContaining(says) }]);
  });

  it('whatever stands in it, is a record or an invalid row', () => {
    const anyRow = fc.oneof(
      fc.jsonValue(),
      fc.record(
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())]),
        ),
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 20 }), (rows) => {
        const { records, invalid } = parseAirNow(rows, redact);
        expect(records.length + invalid.length).toBe(rows.length);
      }),
    );
  });
});

const zipCodes = ['90012', '93514'];
const source = resolvedSource({
  type: 'airnow',
  baseUrl: 'https://airnow.example',
  params: { apiKey: 'THE-KEY', zipCodes, distance: 30 },
});
const connector = createAirNow()(source);

describe('the poll', () => {
  it('asks for each ZIP code, with the key as what AirNow counts by', async () => {
    const http = createScriptedHttp(() => [row]);
    const { records, error } = await pollAll(connector, source, http);
    expect(error).toBeNull();
    expect(records).toHaveLength(2);
    expect(http.requests.map(({ url }) => url.href)).toEqual(
      zipCodes.map(
        (zipCode) =>
          `https://airnow.example/aq/observation/zipCode/current/?format=application%2Fjson&zipCode=${zipCode}&distance=30&API_KEY=THE-KEY`,
      ),
    );
    expect(http.requests.every(({ credential }) => credential === 'THE-KEY')).toBe(true);
  });

  it('where there is no monitor has no records and is no failure', async () => {
    const { records, error } = await pollAll(
      connector,
      source,
      createScriptedHttp(() => '[]'),
    );
    expect([records, error]).toEqual([[], null]);
  });

  it.each<{ name: string; answer: Scripted; code: string }>([
    {
      name: 'a wrong key',
      answer: statusError(401, '{"WebServiceError":[{"Message":"Invalid API key"}]}'),
      code: 'credentials_refused',
    },
    {
      name: 'a wrong key with 200',
      answer: { WebServiceError: [{ Message: 'Invalid API key THE-KEY' }] },
      code: 'credentials_refused',
    },
    {
      name: 'the limit of the hour with 200',
      answer: { WebServiceError: [{ Message: 'Web service request limit exceeded' }] },
      code: 'rate_limited',
    },
    { name: 'a 429', answer: statusError(429), code: 'rate_limited' },
    {
      name: 'another error with 200',
      answer: { WebServiceError: [{ Message: 'Database THE-KEY away' }] },
      code: 'response_unreadable',
    },
    { name: 'HTML', answer: '<html></html>', code: 'response_unreadable' },
    { name: 'an object', answer: { a: 1 }, code: 'response_unreadable' },
    { name: 'a 500', answer: statusError(500), code: 'fetch_status' },
  ])('fails as what it is: $name', async ({ answer, code }) => {
    const { records, error } = await pollAll(
      connector,
      source,
      createScriptedHttp(() => answer),
    );
    expect(records).toEqual([]);
    expect(codeOf(error)).toBe(code);
    expect(String(error)).not.toContain('THE-KEY');
  });

  it('parses a row again that was invalid', () => {
    const raw = JSON.stringify(row);
    expect(connector.parseRow({ raw, context: '' })).toEqual(parseAirNowRow(row));
    expect(connector.parseRow({ raw: '{', context: '' })).toMatchObject({ reason: 'unreadable', raw: '{' });
  });
});
