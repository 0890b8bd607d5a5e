import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpClient } from '../../src/http/http-client.ts';
import { createMetar, parseReports, splitAirports } from '../../src/sources/metar.ts';
import { humidityOf, parseReport } from '../../src/sources/metar-report.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll } from './scripted-http.ts';

const report = {
  icaoId: 'KLAX',
  receiptTime: '2025-01-04T20:56:12.000Z',
  obsTime: 1_736_024_000,
  reportTime: '2025-01-04T21:00:00.000Z',
  temp: 18.3,
  dewp: 7.2,
  wdir: 250,
  wspd: 10,
  wgst: null,
  visib: '10+',
  altim: 1018.3,
  slp: 1018.1,
  wxString: null,
  metarType: 'METAR',
  rawOb: 'METAR KLAX 042053Z 25010KT 10SM FEW020 18/07 A3007',
  lat: 33.9382,
  lon: -118.387,
  elev: 32,
  name: 'Los Angeles Intl, CA, US',
  clouds: [{ cover: 'FEW', base: 2000 }],
};
const one = (changes: Readonly<Record<string, unknown>> = {}): SourceRecord => {
  const { records, invalid } = parseReports([{ ...report, ...changes }]);
  expect(invalid).toEqual([]);
  return records[0]!;
};
const data = (changes: Readonly<Record<string, unknown>>) => one(changes).data;

describe('a report', () => {
  it('becomes a record in the units of the contract, at the time of the observation', () => {
    expect(one()).toEqual({
      type: 'weather-observation',
      naturalKey: 'KLAX|2025-01-04T20:53:20.000Z',
      observedAtMs: 1_736_024_000_000,
      location: { latitude: 33.9382, longitude: -118.387, elevationM: 32 },
      data: {
        stationId: 'KLAX',
        stationName: 'Los Angeles Intl, CA, US',
        temperatureC: 18.3,
        dewpointC: 7.2,
        relativeHumidityPercent: expect.closeTo(48.4, 0),
        windDirectionDeg: 250,
        windSpeedMps: expect.closeTo(5.1444, 4),
        windGustMps: null,
        pressurePa: 101_830,
        seaLevelPressurePa: 101_810,
        visibilityM: 16_093.44,
        precipitationLastHourMm: null,
        heatIndexC: null,
        windChillC: null,
        cloudCoverPercent: 25,
        description: null,
        rawMetar: report.rawOb,
        quality: {},
      },
      partitionKey: 'KLAX',
    });
  });

  it.each([
    { name: 'a wind from everywhere', changes: { wdir: 'VRB' }, field: 'windDirectionDeg', value: null },
    { name: 'a direction as text', changes: { wdir: '070' }, field: 'windDirectionDeg', value: 70 },
    { name: 'a calm', changes: { wdir: 0, wspd: 0 }, field: 'windSpeedMps', value: 0 },
    { name: 'no wind', changes: { wspd: null }, field: 'windSpeedMps', value: null },
    { name: 'miles as a number', changes: { visib: 0.5 }, field: 'visibilityM', value: 804.672 },
    { name: 'six miles and more', changes: { visib: '6+' }, field: 'visibilityM', value: 9656.064 },
    { name: 'miles with a fraction', changes: { visib: '1 1/2' }, field: 'visibilityM', value: 2414.016 },
    { name: 'less than a quarter of a mile', changes: { visib: 'M1/4' }, field: 'visibilityM', value: 402.336 },
    { name: 'no visibility', changes: { visib: '' }, field: 'visibilityM', value: null },
    { name: 'rain in inches', changes: { precip: 0.1 }, field: 'precipitationLastHourMm', value: 2.54 },
    { name: 'no pressure', changes: { altim: null }, field: 'pressurePa', value: null },
    { name: 'a clear sky', changes: { clouds: [{ cover: 'CLR' }] }, field: 'cloudCoverPercent', value: 0 },
    {
      name: 'the word for the whole sky',
      changes: { clouds: [], cover: 'OVX' },
      field: 'cloudCoverPercent',
      value: 100,
    },
    {
      name: 'a word that says nothing of it',
      changes: { clouds: [], cover: 'CAVOK' },
      field: 'cloudCoverPercent',
      value: null,
    },
    { name: 'no clouds told', changes: { clouds: null }, field: 'cloudCoverPercent', value: null },
    {
      name: 'layers',
      changes: { clouds: [{ cover: 'FEW' }, { cover: 'BKN' }] },
      field: 'cloudCoverPercent',
      value: 75,
    },
    { name: 'weather', changes: { wxString: '-RA BR' }, field: 'description', value: '-RA BR' },
  ])('may have $name', ({ changes, field, value }) => {
    const found = data(changes)[field];
    expect(typeof found === 'number' ? Number(found.toFixed(6)) : found).toBe(value);
  });

  it('has its pressure in hectopascals, and in inches of mercury only where it can be nothing else', () => {
    expect(data({ altim: 1013.25 })['pressurePa']).toBe(101_325);
    expect(data({ altim: 29.92 })['pressurePa']).toBeCloseTo(101_320.8, 0);
  });

  it('may tell its time in ISO 8601', () => {
    expect(one({ obsTime: '2025-01-04T20:53:20.000Z' })).toEqual(one());
  });

  it('may come without a place', () => {
    expect(one({ lat: null, lon: null })).not.toHaveProperty('location');
  });

  it.each([
    { changes: { obsTime: undefined }, reason: 'missing_value', says: 'obsTime' },
    { changes: { obsTime: 'yesterday' }, reason: 'bad_time', says: 'obsTime' },
    { changes: { obsTime: -1 }, reason: 'bad_time', says: 'obsTime' },
    { changes: { icaoId: null }, reason: 'missing_value', says: 'icaoId' },
    { changes: { lat: 'NaN' }, reason: 'not_a_number', says: 'latitude' },
    { changes: { lon: 200 }, reason: 'out_of_range', says: 'longitude' },
    { changes: { temp: 'warm' }, reason: 'not_a_number', says: 'temp' },
    { changes: { wdir: 'N' }, reason: 'not_a_number', says: 'wdir' },
    { changes: { wdir: 361 }, reason: 'out_of_range', says: 'wdir' },
    { changes: { visib: 'far' }, reason: 'not_a_number', says: 'visib' },
    { changes: { altim: 400 }, reason: 'out_of_range', says: 'altim' },
    { changes: { clouds: 'FEW' }, reason: 'wrong_shape', says: 'clouds' },
  ])('is invalid with $changes', ({ changes, reason, says }) => {
    const { records, invalid } = parseReports([{ ...report, ...changes }, report]);
    expect(records).toHaveLength(1);
    expect(invalid).toMatchObject([{ reason, message: expect.stringContaining(says) }]);
  });

  it('whatever stands in it, is a record or an invalid row', () => {
    const anyReport = fc.oneof(
      fc.jsonValue(),
      fc.record(
        Object.fromEntries(
          Object.entries(report).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())]),
        ),
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(anyReport, { maxLength: 20 }), (reports) => {
        const { records, invalid } = parseReports(reports);
        expect(records.length + invalid.length).toBe(reports.length);
      }),
    );
  });
});

describe('humidity', () => {
  it.each([
    { temperature: 20, dewpoint: 20, percent: 100 },
    // As the dew point is rounded by itself, it may come out above the temperature.
    { temperature: 20, dewpoint: 20.1, percent: 100 },
    { temperature: 30, dewpoint: 10, percent: 28.9 },
    { temperature: -10, dewpoint: -15, percent: 67.0 },
  ])('of $temperature °C with a dew point of $dewpoint °C is $percent %', ({ temperature, dewpoint, percent }) => {
    expect(humidityOf(temperature, dewpoint)).toBeCloseTo(percent, 0);
  });

  it('is not known without both', () => {
    expect([humidityOf(null, 1), humidityOf(1, null), humidityOf(-243.04, 1)]).toEqual([null, null, null]);
  });
});

describe('airports in requests', () => {
  it('are each asked for once, in addresses that are short enough, for no more reports than an answer holds', () => {
    const ids = fc.array(fc.stringMatching(/^[A-Z0-9]{4,40}$/), { maxLength: 300 });
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 24 }), (stations, hours) => {
        const requests = splitAirports(stations, hours);
        expect(requests.flatMap((request) => request.ids)).toEqual([...new Set(stations)]);
        for (const request of requests) {
          expect(request.ids.length * hours * 4).toBeLessThanOrEqual(400);
          expect(encodeURIComponent(request.ids.join(',')).length).toBeLessThanOrEqual(1000);
        }
      }),
    );
  });

  it('are the same in small letters', () => {
    expect(splitAirports(['klax', 'KLAX'], 2)).toEqual([{ ids: ['KLAX'], hours: 2 }]);
  });
});

describe('the poll', () => {
  const stations = Array.from({ length: 60 }, (_, at) => `K${String(at).padStart(3, '0')}`);
  const source = resolvedSource({ type: 'metar', baseUrl: 'https://aviation.example', params: { stations } });
  const connector = createMetar(source);
  const hour = 3_600_000;

  it('asks for two hours, and goes on at the request where it was cut off', async () => {
    const http = createScriptedHttp(() => [report]);
    const { pages } = await pollAll(connector, source, http);
    expect(http.requests.map(({ url }) => url.searchParams.get('hours'))).toEqual(['2', '2']);
    expect(http.requests[0]?.url.searchParams.get('ids')).toBe(stations.slice(0, 50).join(','));
    expect(pages.map(({ position }) => position)).toEqual([{ id: 'K050' }, null]);
    const rest = createScriptedHttp(() => [report]);
    await pollAll(connector, source, rest, { id: 'K050' });
    expect(rest.requests.map(({ url }) => url.searchParams.get('ids'))).toEqual([stations.slice(50).join(',')]);
  });

  it.each([
    { name: 'a minute ago', sinceMs: 100 * hour - 60_000, hours: '2' },
    { name: 'five hours ago', sinceMs: 95 * hour, hours: '6' },
    { name: 'four days ago', sinceMs: 0, hours: '24' },
  ])('after a pass $name looks back $hours hours', async ({ sinceMs, hours }) => {
    const http = createScriptedHttp(() => [report]);
    await pollAll(connector, source, http, null, { window: { sinceMs, untilMs: 100 * hour } });
    expect(new Set(http.requests.map(({ url }) => url.searchParams.get('hours')))).toEqual(new Set([hours]));
  });

  it('of the past names its end', async () => {
    const http = createScriptedHttp(() => [report]);
    const window = { sinceMs: Date.parse('2025-01-01T00:00:00Z'), untilMs: Date.parse('2025-01-01T06:00:00Z') };
    await pollAll(connector, source, http, null, { window, isBackfill: true });
    const query = http.requests[0]?.url.searchParams;
    expect([query?.get('hours'), query?.get('date')]).toEqual(['6', '2025-01-01T00:00:00.000Z'.replace('T00', 'T06')]);
  });

  it('has no records where there are none, told with status 204', async () => {
    const http: HttpClient = {
      fetch: async (request) => ({ ...(await createScriptedHttp(() => '').fetch(request)), status: 204 }),
    };
    const { pages, error } = await pollAll(connector, source, http);
    expect(error).toBeNull();
    expect(pages.map(({ records }) => records)).toEqual([[], []]);
  });

  it.each(['', '<html></html>', '{"status":"error"}', 'null'])('fails for what is no list: %s', async (text) => {
    const { error } = await pollAll(
      connector,
      source,
      createScriptedHttp(() => text),
    );
    expect(codeOf(error)).toBe('response_unreadable');
  });

  it('parses a report again that was invalid', () => {
    expect(connector.parseRow({ raw: JSON.stringify(report), context: '' })).toEqual(parseReport(report));
    expect(connector.parseRow({ raw: '[', context: '' })).toMatchObject({ reason: 'unreadable', raw: '[' });
  });
});
