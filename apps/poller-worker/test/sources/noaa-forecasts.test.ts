import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseForecast, parsePeriodAgain } from '../../src/sources/noaa-forecast-periods.ts';
import { createNoaaForecasts } from '../../src/sources/noaa-forecasts.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll, statusError } from './scripted-http.ts';

const period = {
  number: 1,
  name: 'Tonight',
  startTime: '2025-01-04T18:00:00-08:00',
  endTime: '2025-01-05T06:00:00-08:00',
  isDaytime: false,
  temperature: 50,
  temperatureUnit: 'F',
  temperatureTrend: '',
  probabilityOfPrecipitation: { unitCode: 'wmoUnit:percent', value: 20 },
  windSpeed: '5 to 10 mph',
  windDirection: 'NW',
  shortForecast: 'Mostly Clear',
  detailedForecast: 'Mostly clear, with a low around 50.',
};
const cell = [
  [-118.26, 34.04],
  [-118.26, 34.06],
  [-118.24, 34.06],
  [-118.24, 34.04],
  [-118.26, 34.04],
];
const forecast = (periods: readonly unknown[], more: Readonly<Record<string, unknown>> = {}) => ({
  type: 'Feature',
  geometry: { type: 'Polygon', coordinates: [cell] },
  properties: {
    units: 'us',
    generatedAt: '2025-01-05T01:12:13+00:00',
    updateTime: '2025-01-04T23:30:00+00:00',
    elevation: { unitCode: 'wmoUnit:m', value: 89 },
    periods,
    ...more,
  },
});

const parse = (answer: unknown) => parseForecast('LOX/154,45', answer);
const one = (changes: Readonly<Record<string, unknown>> = {}): SourceRecord => {
  const { records, invalid } = parse(forecast([{ ...period, ...changes }]));
  expect(invalid).toEqual([]);
  return records[0]!;
};

describe('a period', () => {
  it('becomes a record of the issue, in the units of the contract, in the middle of its cell', () => {
    expect(one()).toEqual({
      type: 'weather-forecast',
      naturalKey: 'LOX/154,45|2025-01-04T23:30:00.000Z|2025-01-05T02:00:00.000Z',
      observedAtMs: Date.parse('2025-01-04T23:30:00Z'),
      location: { latitude: 34.05, longitude: -118.25, elevationM: 89 },
      data: {
        gridpoint: 'LOX/154,45',
        validFrom: '2025-01-05T02:00:00.000Z',
        validTo: '2025-01-05T14:00:00.000Z',
        temperatureC: 10,
        windSpeedMps: { low: 5 * 0.44704, high: 10 * 0.44704 },
        windDirection: 'NW',
        precipitationPercent: 20,
        shortForecast: 'Mostly Clear',
        detailedForecast: 'Mostly clear, with a low around 50.',
      },
      partitionKey: 'LOX/154,45',
    });
  });

  it('of another issue is another record', () => {
    const { records } = parse(forecast([period], { updateTime: '2025-01-05T00:30:00+00:00' }));
    expect(records[0]?.naturalKey).not.toBe(one().naturalKey);
  });

  it('is the same record, whenever the answer was generated', () => {
    expect(parse(forecast([period], { generatedAt: '2025-01-05T02:00:00+00:00' })).records).toEqual([one()]);
  });

  it.each([
    { name: 'one speed', windSpeed: '10 mph', low: 4.4704, high: 4.4704 },
    { name: 'none', windSpeed: '0 mph', low: 0, high: 0 },
    { name: 'a calm', windSpeed: 'Calm', low: 0, high: 0 },
    { name: 'words around it', windSpeed: 'Around 5 mph', low: 2.2352, high: 2.2352 },
    { name: 'kilometres', windSpeed: '18 to 36 km/h', low: 5, high: 10 },
    { name: 'a quantity', windSpeed: { unitCode: 'wmoUnit:km_h-1', value: 36 }, low: 10, high: 10 },
    {
      name: 'a quantity with two ends',
      windSpeed: { unitCode: 'wmoUnit:km_h-1', minValue: 18, maxValue: 36 },
      low: 5,
      high: 10,
    },
  ])('tells its wind in $name', ({ windSpeed, low, high }) => {
    const wind = one({ windSpeed }).data['windSpeedMps'];
    expect(wind).toEqual({ low: expect.closeTo(low, 9), high: expect.closeTo(high, 9) });
  });

  it.each([{ windSpeed: '' }, { windSpeed: null }, { windSpeed: { unitCode: 'wmoUnit:km_h-1', value: null } }])(
    'may tell no wind: $windSpeed',
    ({ windSpeed }) => {
      expect(one({ windSpeed }).data['windSpeedMps']).toBeNull();
    },
  );

  it.each([
    { name: 'Fahrenheit', changes: { temperature: 212 }, celsius: 100 },
    { name: 'Celsius', changes: { temperature: 21, temperatureUnit: 'C' }, celsius: 21 },
    { name: 'a quantity', changes: { temperature: { unitCode: 'wmoUnit:degC', value: 7 } }, celsius: 7 },
    { name: 'nothing', changes: { temperature: null }, celsius: null },
  ])('tells its temperature in $name', ({ changes, celsius }) => {
    expect(one(changes).data['temperatureC']).toBe(celsius);
  });

  it('has nulls where the forecast says nothing', () => {
    const { validTo, windDirection, precipitationPercent, shortForecast } = one({
      endTime: null,
      windDirection: '',
      probabilityOfPrecipitation: { unitCode: 'wmoUnit:percent', value: null },
      shortForecast: null,
    }).data;
    expect([validTo, windDirection, precipitationPercent, shortForecast]).toEqual([null, null, null, null]);
  });

  it.each([
    { changes: { startTime: undefined }, reason: 'missing_value', says: 'startTime' },
    { changes: { startTime: '2025-02-30T18:00:00-08:00' }, reason: 'bad_time', says: 'startTime' },
    { changes: { temperature: 'NaN' }, reason: 'not_a_number', says: 'temperature' },
    { changes: { temperatureUnit: 'R' }, reason: 'unknown_unit', says: 'temperatureUnit' },
    { changes: { windSpeed: '5 furlongs' }, reason: 'unknown_unit', says: 'windSpeed' },
    { changes: { windSpeed: 5 }, reason: 'wrong_shape', says: 'windSpeed' },
    { changes: { probabilityOfPrecipitation: 20 }, reason: 'wrong_shape', says: 'probabilityOfPrecipitation' },
  ])('is invalid with $changes', ({ changes, reason, says }) => {
    const { records, invalid } = parse(forecast([{ ...period, ...changes }, period]));
    expect(records).toHaveLength(1);
    expect(invalid).toMatchObject([{ reason, message: expect.stringContaining(says) }]);
  });

  it('that is broken in the same words at two gridpoints is two rows', () => {
    const answer = forecast([{ ...period, temperature: 'abc' }]);
    const rows = ['LOX/1,1', 'LOX/1,2'].flatMap((gridpoint) => parseForecast(gridpoint, answer).invalid);
    expect(new Set(rows.map(({ raw }) => raw)).size).toBe(1);
    expect(new Set(rows.map(({ identity }) => identity)).size).toBe(2);
  });

  it('that is parsed again is the record that its answer would have given', () => {
    const { invalid } = parse(forecast([{ ...period, temperature: 'abc' }]));
    const { raw = '', context = '' } = invalid[0] ?? {};
    expect(parsePeriodAgain(raw, context)).toMatchObject({ raw, reason: 'not_a_number', context });
    expect(parsePeriodAgain(JSON.stringify(period), context)).toEqual(one());
    expect(parsePeriodAgain(raw, 'no context')).toMatchObject({ reason: 'unreadable' });
    expect(parsePeriodAgain('no JSON', context)).toMatchObject({ reason: 'unreadable' });
  });
});

describe('a forecast', () => {
  it('without a polygon has no place', () => {
    const { records } = parse({ ...forecast([period]), geometry: null });
    expect(records[0]).not.toHaveProperty('location');
  });

  it.each([
    { name: 'a sentence', answer: 'gone' },
    { name: 'no periods', answer: { properties: {} } },
    { name: 'no time of issue', answer: forecast([period], { updateTime: null }) },
    { name: 'an impossible time of issue', answer: forecast([period], { updateTime: '2025-13-45T00:00:00Z' }) },
    { name: 'an elevation in an unknown unit', answer: forecast([], { elevation: { unitCode: 'ell', value: 3 } }) },
    {
      name: 'a cell that is none',
      answer: { ...forecast([period]), geometry: { type: 'Polygon', coordinates: [['a']] } },
    },
  ])('that is none is unreadable: $name', ({ answer }) => {
    let thrown: unknown;
    try {
      parse(answer);
    } catch (error) {
      thrown = error;
    }
    expect(codeOf(thrown)).toBe('response_unreadable');
  });

  it('has as many rows as it has periods, whatever stands in them', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.jsonValue(),
            fc.record(
              Object.fromEntries(
                Object.entries(period).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())]),
              ),
              { requiredKeys: [] },
            ),
          ),
          { maxLength: 20 },
        ),
        (periods) => {
          const { records, invalid } = parse(forecast(periods));
          expect(records.length + invalid.length).toBe(periods.length);
        },
      ),
    );
  });
});

describe('the poll', () => {
  const source = resolvedSource({
    type: 'noaa-forecasts',
    baseUrl: 'https://nws.example',
    params: { gridpoints: ['LOX/154,45', 'MTR/85,105', 'SGX/55,15'] },
  });
  const connector = createNoaaForecasts()(source);

  it('asks for each gridpoint, and goes on where it was', async () => {
    const http = createScriptedHttp(() => forecast([period]));
    const { pages, records } = await pollAll(connector, source, http);
    expect(http.requests.map(({ url }) => url.pathname).toSorted()).toEqual([
      '/gridpoints/LOX/154,45/forecast',
      '/gridpoints/MTR/85,105/forecast',
      '/gridpoints/SGX/55,15/forecast',
    ]);
    expect(records.map(({ partitionKey }) => partitionKey)).toEqual(['LOX/154,45', 'MTR/85,105', 'SGX/55,15']);
    expect(pages.at(-1)?.position).toBeNull();
    const rest = createScriptedHttp(() => forecast([period]));
    const again = await pollAll(connector, source, rest, pages[1]?.position);
    expect(again.records.map(({ partitionKey }) => partitionKey)).toEqual(['SGX/55,15']);
  });

  it('passes over a gridpoint that NWS does not know or cannot forecast, and says so', async () => {
    const http = createScriptedHttp((path) =>
      path.includes('MTR') ? statusError(500) : path.includes('LOX') ? statusError(404) : forecast([period]),
    );
    const { records, error } = await pollAll(connector, source, http);
    expect(error).toBeNull();
    expect(records.map(({ partitionKey }) => partitionKey)).toEqual(['SGX/55,15']);
  });

  it('of answers that are none is a failure', async () => {
    const http = createScriptedHttp(() => '<html>Maintenance</html>');
    const { records, invalid, error } = await pollAll(connector, source, http);
    expect([...records, ...invalid]).toEqual([]);
    expect(codeOf(error)).toBe('response_unreadable');
  });
});
