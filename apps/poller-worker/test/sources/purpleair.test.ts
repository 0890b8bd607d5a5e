import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpClient } from '../../src/http/http-client.ts';
import { createRedactor } from '../../src/http/secrets.ts';
import { createPurpleAir, parseSensors } from '../../src/sources/purpleair.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll, type Scripted, statusError } from './scripted-http.ts';

const fields = [
  'sensor_index',
  'last_seen',
  'latitude',
  'longitude',
  'name',
  'altitude',
  'pm1.0',
  'pm2.5',
  'pm10.0',
  'temperature',
  'humidity',
  'pressure',
  'rssi',
  'confidence',
];
const row = [131_075, 1_735_981_320, 37.77, -122.42, 'Oak St', 533, 4.1, 8.5, 10.2, 58, 43, 1010.4, -61, 99];

const source = resolvedSource({
  type: 'purpleair',
  baseUrl: 'https://purpleair.example',
  params: { apiKey: 'THE-READ-KEY', bbox: [-124.48, 32.53, -114.13, 42.01], fields: ['pm2.5'] },
});
const connector = createPurpleAir(source);
const window = { sinceMs: null, untilMs: 1_735_981_400_000 };

const redact = createRedactor(['THE-READ-KEY']);
const answerWith = (data: readonly unknown[], names: readonly string[] = fields) => ({
  api_version: 'V1.2.0-1.1.45',
  time_stamp: 1_735_981_400,
  data_time_stamp: 1_735_981_390,
  fields: names,
  data,
});
const parse = (answer: unknown) => parseSensors(answer, redact);

/** The row with other values. */
const rowWith = (changes: Readonly<Record<string, unknown>>): unknown[] =>
  fields.map((name, at) => (Object.hasOwn(changes, name) ? changes[name] : row[at]));

const one = (data: readonly unknown[], names?: readonly string[]): SourceRecord => {
  const { records, invalid } = parse(answerWith([data], names));
  expect(invalid).toEqual([]);
  return records[0]!;
};

describe('a sensor', () => {
  it('becomes a record in the units of the contract, at the time it was last seen', () => {
    expect(one(row)).toEqual({
      type: 'air-quality',
      naturalKey: '131075|1735981320',
      observedAtMs: 1_735_981_320_000,
      location: { latitude: 37.77, longitude: -122.42, elevationM: 533 * 0.3048 },
      partitionKey: '131075',
      data: {
        sensorIndex: 131_075,
        name: 'Oak St',
        pm1UgM3: 4.1,
        pm25UgM3: 8.5,
        pm10UgM3: 10.2,
        temperatureC: ((58 - 32) * 5) / 9,
        relativeHumidityPercent: 43,
        pressurePa: 101_040,
        altitudeM: 533 * 0.3048,
        rssiDbm: -61,
        confidencePercent: 99,
      },
    });
  });

  it('is found by the names of the columns, in any order', () => {
    const names = [...fields, 'voc'].reverse();
    expect(one([...row, null].reverse(), names)).toEqual(one(row));
  });

  it('has every name of the contract with the fewest fields', () => {
    const bare = one([7, 1_735_981_320], ['sensor_index', 'last_seen']);
    expect(Object.keys(bare.data)).toEqual(Object.keys(one(row).data));
    expect(Object.values(bare.data).filter((value) => value !== null)).toEqual([7]);
    expect(bare).not.toHaveProperty('location');
  });

  it('has nulls where the sensor gives none, and no location without a position', () => {
    const nulls = rowWith(Object.fromEntries(fields.slice(2).map((name) => [name, null])));
    expect(one(nulls).data).toMatchObject({ name: null, pm25UgM3: null, temperatureC: null, altitudeM: null });
    expect(one(nulls)).not.toHaveProperty('location');
    expect(one(rowWith({ altitude: null })).location).toEqual({ latitude: 37.77, longitude: -122.42 });
  });

  it('may give its particles under their long names', () => {
    const names = ['sensor_index', 'last_seen', 'pm2.5_atm'];
    expect(one([7, 1_735_981_320, 8.5], names).data).toMatchObject({ pm25UgM3: 8.5 });
  });

  it.each([
    { name: 'too few values', bad: row.slice(0, -1), reason: 'column_count', says: '14 values' },
    { name: 'too many values', bad: [...row, 1], reason: 'column_count', says: 'found 15' },
    { name: 'an object', bad: { sensor_index: 1 }, reason: 'wrong_shape', says: 'a list' },
    { name: 'null', bad: null, reason: 'wrong_shape', says: 'a list' },
    { name: 'no index', bad: rowWith({ sensor_index: null }), reason: 'missing_value', says: 'sensor_index' },
    {
      name: 'an index that is no number',
      bad: rowWith({ sensor_index: '7' }),
      reason: 'not_a_number',
      says: 'sensor_index',
    },
    {
      name: 'an index with a fraction',
      bad: rowWith({ sensor_index: 7.5 }),
      reason: 'not_a_number',
      says: 'sensor_index',
    },
    { name: 'no time', bad: rowWith({ last_seen: null }), reason: 'missing_value', says: 'last_seen' },
    { name: 'a word for a time', bad: rowWith({ last_seen: 'yesterday' }), reason: 'not_a_number', says: 'last_seen' },
    {
      name: 'a time in milliseconds',
      bad: rowWith({ last_seen: 1_735_981_320_000 }),
      reason: 'bad_time',
      says: 'last_seen',
    },
    { name: 'a time before 1970', bad: rowWith({ last_seen: -1 }), reason: 'not_a_number', says: 'last_seen' },
    { name: 'a latitude in words', bad: rowWith({ latitude: 'abc' }), reason: 'not_a_number', says: 'latitude' },
    { name: 'half a position', bad: rowWith({ longitude: null }), reason: 'not_a_number', says: 'longitude' },
    {
      name: 'a latitude beyond the pole',
      bad: rowWith({ latitude: 137.77 }),
      reason: 'out_of_range',
      says: 'latitude',
    },
    { name: 'a measurement in words', bad: rowWith({ 'pm2.5': 'high' }), reason: 'not_a_number', says: 'pm2.5' },
    { name: 'a name that is no text', bad: rowWith({ name: 5 }), reason: 'wrong_shape', says: 'name' },
  ])('as $name is invalid, and harms no other', ({ bad, reason, says }) => {
    const { records, invalid } = parse(answerWith([row, bad, row]));
    expect(records).toHaveLength(2);
    const message: unknown = expect.stringContaining(says);
    const context = JSON.stringify(fields);
    expect(invalid).toEqual([{ raw: JSON.stringify(bad), reason, message, context }]);
    expect(connector.parseRow({ raw: JSON.stringify(bad), context })).toEqual(invalid[0]);
  });

  it('that is parsed again is the record that its answer would have given', () => {
    const kept = { raw: JSON.stringify(row), context: JSON.stringify(fields) };
    expect(connector.parseRow(kept)).toEqual(parse(answerWith([row])).records[0]);
    for (const context of ['', '{}', 'no JSON'])
      expect(connector.parseRow({ ...kept, context })).toMatchObject({ reason: 'unreadable' });
    expect(connector.parseRow({ ...kept, raw: 'no JSON' })).toMatchObject({ reason: 'wrong_shape' });
  });
});

describe('an answer', () => {
  it('without sensors is one', () => {
    expect(parse(answerWith([]))).toEqual({ records: [], invalid: [] });
  });

  it.each([
    { name: 'null', answer: null, code: 'response_unreadable' },
    { name: 'a list', answer: [], code: 'response_unreadable' },
    { name: 'rows without names', answer: { data: [] }, code: 'response_unreadable' },
    { name: 'names without rows', answer: { fields }, code: 'response_unreadable' },
    { name: 'rows without a time', answer: answerWith([[1]], ['sensor_index']), code: 'response_unreadable' },
    {
      name: 'a refused key',
      answer: { error: 'ApiKeyInvalidError', description: 'THE-READ-KEY is wrong' },
      code: 'credentials_refused',
    },
    { name: 'a limit', answer: { error: 'RateLimitExceededError', description: 'slow down' }, code: 'rate_limited' },
    {
      name: 'another error',
      answer: { error: 'InvalidFieldValueError', description: 'no such field' },
      code: 'response_unreadable',
    },
  ])('that is $name fails as $code', ({ answer, code }) => {
    let error: unknown;
    try {
      parse(answer);
    } catch (thrown) {
      error = thrown;
    }
    expect(codeOf(error)).toBe(code);
    expect(String(error)).not.toContain('THE-READ-KEY');
  });

  it('whatever stands in it, has as many rows as it had', () => {
    const value = fc.oneof(fc.constantFrom<unknown>(...row, null, 'NaN', -1, 1e12), fc.jsonValue());
    const anyRow = fc.oneof(fc.jsonValue(), fc.array(value, { minLength: fields.length, maxLength: fields.length }));
    fc.assert(
      fc.property(fc.array(anyRow), (rows) => {
        const { records, invalid } = parse(answerWith(rows));
        expect(records.length + invalid.length).toBe(rows.length);
        for (const record of records) expect(Number.isSafeInteger(record.observedAtMs)).toBe(true);
      }),
    );
  });
});

describe('the poll', () => {
  const poll = async (answer: Scripted) => {
    const http = createScriptedHttp(() => answer);
    return { ...(await pollAll(connector, source, http)), request: http.requests[0]! };
  };

  it('asks for outdoor sensors in the box, with the key in the header only', async () => {
    const { records, error, request } = await poll(answerWith([row]));
    expect(error).toBeNull();
    expect(records).toHaveLength(1);
    expect(Object.fromEntries(request.url.searchParams)).toEqual({
      fields: 'last_seen,latitude,longitude,pm2.5',
      location_type: '0',
      nwlng: '-124.48',
      nwlat: '42.01',
      selng: '-114.13',
      selat: '32.53',
    });
    expect(request).toMatchObject({ credential: 'THE-READ-KEY', headers: { 'X-API-Key': 'THE-READ-KEY' } });
    expect(request.url.href).not.toContain('THE-READ-KEY');
  });

  it.each([
    {
      name: 'a status about the key',
      answer: statusError(400, '{"error":"ApiKeyTypeMismatchError"}'),
      code: 'credentials_refused',
    },
    {
      name: 'a status about the limit',
      answer: statusError(400, '{"error":"RateLimitExceededError"}'),
      code: 'rate_limited',
    },
    { name: 'another status', answer: statusError(400, '{"error":"InvalidFieldValueError"}'), code: 'fetch_status' },
    { name: '429', answer: statusError(429), code: 'rate_limited' },
    { name: 'no JSON', answer: '<html>', code: 'response_unreadable' },
  ])('fails with $code on $name', async ({ answer, code }) => {
    expect(codeOf((await poll(answer)).error)).toBe(code);
  });

  it('asks for what was heard since the last answer, and says up to when this one is current', async () => {
    const http = createScriptedHttp(() => answerWith([row]));
    const charges: number[] = [];
    const charged: HttpClient = {
      fetch: async (request) => ({
        ...(await http.fetch(request)),
        charge: async (cost) => void charges.push(cost),
      }),
    };
    const fresh = createPurpleAir(source);
    const first = await pollAll(fresh, source, charged, null, { window });
    const next = await pollAll(fresh, source, charged, null, { cursor: first.pages[0]?.cursor, window });
    expect(first.pages.map(({ cursor }) => cursor)).toEqual([1_735_981_390]);
    expect(next.pages.map(({ cursor }) => cursor)).toEqual([1_735_981_390]);
    const since = http.requests.map(({ url }) => url.searchParams.get('modified_since'));
    expect(since).toEqual([null, '1735981380']);
    // An address with a time in it is asked for once.
    expect(http.requests.map(({ isRepeatable }) => isRepeatable)).toEqual([true, false]);
    // Four fields: pm2.5 and those that are always asked for. Before the first answer only the request is known.
    expect(http.requests.map(({ cost }) => cost)).toEqual([5, 13]);
    expect(charges).toEqual([13, 13]);
  });

  it.each([
    { name: 'after a reset', cursor: null },
    { name: 'with a cursor that is no time', cursor: 'yesterday' },
    { name: 'with a cursor of a day to come', cursor: 1_735_981_390 + 2 * 86_400 },
  ])('asks for the whole box $name', async ({ cursor }) => {
    const http = createScriptedHttp(() => answerWith([row]));
    await pollAll(connector, source, http, null, { cursor, window });
    expect(http.requests[0]?.url.searchParams.has('modified_since')).toBe(false);
  });

  it('asks from the time that an operator has set, ten minutes before it for the sake of clocks', async () => {
    const http = createScriptedHttp(() => answerWith([row]));
    const sinceMs = 1_735_900_000_000;
    await pollAll(connector, source, http, null, { cursor: null, window: { ...window, sinceMs } });
    expect(http.requests[0]?.url.searchParams.get('modified_since')).toBe(String(sinceMs / 1000 - 610));
  });

  it.each([
    { name: 'the answer does not say how current it is', stamp: null },
    { name: 'the answer is of a day to come', stamp: 1_735_981_390 + 2 * 86_400 },
    { name: 'the answer counts milliseconds', stamp: 1_735_981_390_000 },
  ])('leaves the cursor where it was when $name', async ({ stamp }) => {
    const http = createScriptedHttp(() => ({ ...answerWith([row]), data_time_stamp: stamp }));
    const { pages } = await pollAll(connector, source, http, null, { cursor: 1_735_981_000, window });
    expect(pages.map((page) => 'cursor' in page)).toEqual([false]);
    expect(http.requests[0]?.url.searchParams.get('modified_since')).toBe('1735980990');
  });
});
