import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseObservation } from '../../src/sources/noaa-observation.ts';

const measurement = (value: number | null, unit: string, code = 'V') => ({
  unitCode: `wmoUnit:${unit}`,
  value,
  qualityControl: `qc:${code}`,
});

/** As api.weather.gov answers for KLAX, shortened to what the record needs and a little more. */
const observation = (
  changes: Readonly<Record<string, unknown>> = {},
  feature: Readonly<Record<string, unknown>> = {},
) => ({
  '@context': ['https://geojson.org/geojson-ld/geojson-context.jsonld'],
  id: 'https://api.weather.gov/stations/KLAX/observations/2025-01-04T09:53:00+00:00',
  type: 'Feature',
  geometry: { type: 'Point', coordinates: [-118.38, 33.93] },
  properties: {
    elevation: { unitCode: 'wmoUnit:m', value: 38 },
    station: 'https://api.weather.gov/stations/KLAX',
    timestamp: '2025-01-04T09:53:00+00:00',
    rawMessage: 'KLAX 040953Z 35006KT 10SM SCT250 14/03 A2984',
    textDescription: 'Mostly Clear',
    icon: null,
    presentWeather: [],
    temperature: measurement(14.4, 'degC'),
    dewpoint: measurement(2.8, 'degC'),
    windDirection: measurement(350, 'degree_(angle)'),
    windSpeed: measurement(12, 'km_h-1', 'C'),
    windGust: measurement(null, 'km_h-1', 'Z'),
    barometricPressure: measurement(101_040, 'Pa'),
    seaLevelPressure: measurement(1010.6, 'hPa'),
    visibility: measurement(16_093, 'm', 'C'),
    relativeHumidity: measurement(42.8, 'percent'),
    precipitationLastHour: { unitCode: 'wmoUnit:mm', value: null },
    windChill: measurement(null, 'degC'),
    heatIndex: null,
    cloudLayers: [
      { base: { unitCode: 'wmoUnit:m', value: 7620 }, amount: 'SCT' },
      { base: { unitCode: 'wmoUnit:m', value: 300 }, amount: 'FEW' },
    ],
    ...changes,
  },
  ...feature,
});

const parse = (answer: unknown, station = 'KLAX') => parseObservation(station, answer, JSON.stringify(answer) ?? '');
const record = (answer: unknown): SourceRecord => {
  const row = parse(answer);
  expect(row).toHaveProperty('naturalKey');
  return row as SourceRecord;
};

describe('an observation', () => {
  it('becomes a record in the units of the contract', () => {
    expect(record(observation())).toEqual({
      type: 'weather-observation',
      naturalKey: 'KLAX|2025-01-04T09:53:00.000Z',
      observedAtMs: Date.parse('2025-01-04T09:53:00Z'),
      location: { latitude: 33.93, longitude: -118.38, elevationM: 38 },
      partitionKey: 'KLAX',
      data: {
        stationId: 'KLAX',
        stationName: null,
        temperatureC: 14.4,
        dewpointC: 2.8,
        relativeHumidityPercent: 42.8,
        windDirectionDeg: 350,
        windSpeedMps: 12 / 3.6,
        windGustMps: null,
        pressurePa: 101_040,
        seaLevelPressurePa: 101_060,
        visibilityM: 16_093,
        precipitationLastHourMm: null,
        heatIndexC: null,
        windChillC: null,
        cloudCoverPercent: 50,
        description: 'Mostly Clear',
        rawMetar: 'KLAX 040953Z 35006KT 10SM SCT250 14/03 A2984',
        quality: {
          temperatureC: 'V',
          dewpointC: 'V',
          windDirectionDeg: 'V',
          windSpeedMps: 'C',
          windGustMps: 'Z',
          pressurePa: 'V',
          seaLevelPressurePa: 'V',
          visibilityM: 'C',
          relativeHumidityPercent: 'V',
          windChillC: 'V',
        },
      },
    });
  });

  it.each([
    {
      name: 'the name, where there is one',
      changes: { stationName: 'Los Angeles' },
      data: { stationName: 'Los Angeles' },
    },
    {
      name: 'no text as null',
      changes: { rawMessage: '', textDescription: '' },
      data: { rawMetar: null, description: null },
    },
    { name: 'no station address by the id asked for', changes: { station: null }, data: { stationId: 'KLAX' } },
    {
      name: 'a value of null whatever its unit',
      changes: { windSpeed: measurement(null, 'furlong') },
      data: { windSpeedMps: null },
    },
    { name: 'no cloud layers as null', changes: { cloudLayers: [] }, data: { cloudCoverPercent: null } },
    { name: 'cloud layers of null as null', changes: { cloudLayers: null }, data: { cloudCoverPercent: null } },
    { name: 'a clear sky as 0', changes: { cloudLayers: [{ amount: 'CLR' }] }, data: { cloudCoverPercent: 0 } },
    {
      name: 'a sky that cannot be seen as 100',
      changes: { cloudLayers: [{ amount: 'VV' }] },
      data: { cloudCoverPercent: 100 },
    },
    {
      name: 'the densest of three layers',
      changes: { cloudLayers: [{ amount: 'BKN' }, { amount: 'OVC' }, { amount: 'SKC' }] },
      data: { cloudCoverPercent: 100 },
    },
    {
      name: 'an unknown word for clouds as null',
      changes: { cloudLayers: [{ amount: 'LOTS' }, 'x', null] },
      data: { cloudCoverPercent: null },
    },
  ])('reads $name', ({ changes, data }) => {
    expect(record(observation(changes)).data).toMatchObject(data);
  });

  it('has every name of the contract even when NWS gives none of them', () => {
    const bare = { properties: { timestamp: '2025-01-04T09:53:00+00:00' } };
    const full = record(observation());
    const empty = record(bare);
    expect(Object.keys(empty.data)).toEqual(Object.keys(full.data));
    expect(Object.values(empty.data).filter((value) => value !== null)).toEqual(['KLAX', {}]);
    expect(empty).not.toHaveProperty('location');
  });

  it('is the same reading in any spelling of its time', () => {
    const other = observation({ timestamp: '2025-01-04T01:53:00-08:00' });
    expect(record(other).naturalKey).toBe(record(observation()).naturalKey);
  });

  it.each([
    {
      name: 'an unknown unit',
      changes: { windSpeed: measurement(12, 'furlong') },
      reason: 'unknown_unit',
      says: 'windSpeed.unitCode',
    },
    {
      name: 'a value without a unit',
      changes: { temperature: { value: 12 } },
      reason: 'unknown_unit',
      says: 'temperature.unitCode',
    },
    {
      name: 'a word for a number',
      changes: { temperature: { unitCode: 'wmoUnit:degC', value: 'abc' } },
      reason: 'not_a_number',
      says: 'temperature.value',
    },
    { name: 'a bare number', changes: { temperature: 14 }, reason: 'wrong_shape', says: 'temperature' },
    { name: 'no time', changes: { timestamp: null }, reason: 'missing_value', says: 'timestamp' },
    { name: 'a time that is none', changes: { timestamp: 'noon' }, reason: 'bad_time', says: 'timestamp' },
    { name: 'clouds that are no list', changes: { cloudLayers: 'many' }, reason: 'wrong_shape', says: 'cloudLayers' },
    { name: 'a name that is no text', changes: { stationName: 5 }, reason: 'wrong_shape', says: 'stationName' },
  ])('with $name is invalid, and kept as it came', ({ changes, reason, says }) => {
    const answer = observation(changes);
    const message: unknown = expect.stringContaining(says);
    expect(parse(answer)).toEqual({ raw: JSON.stringify(answer), reason, message, context: 'KLAX' });
  });

  it.each([
    { name: 'beyond the pole', coordinates: [-118, 91], reason: 'out_of_range' },
    { name: 'in words', coordinates: ['west', 33], reason: 'not_a_number' },
    { name: 'without a latitude', coordinates: [-118], reason: 'not_a_number' },
    { name: 'that is no list', coordinates: 'here', reason: 'wrong_shape' },
  ])('with a position $name is invalid', ({ coordinates, reason }) => {
    expect(parse(observation({}, { geometry: { type: 'Point', coordinates } }))).toMatchObject({ reason });
  });

  it.each([[null], [[]], ['text'], [5], [{}], [{ properties: [] }], [undefined]])('that is %j is invalid', (answer) => {
    expect(parse(answer)).toMatchObject({ reason: 'wrong_shape' });
  });

  it('whatever comes, is a record or an invalid row', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(observation().properties)), (value, name) => {
        for (const answer of [
          value,
          { properties: value },
          observation({ [name]: value }),
          observation({}, { geometry: value }),
        ]) {
          const row = parse(answer);
          const isSound = 'reason' in row ? row.message !== '' : Number.isSafeInteger(row.observedAtMs);
          expect(isSound).toBe(true);
        }
      }),
    );
  });
});
