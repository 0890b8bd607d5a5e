import { describe, expect, it } from 'vitest';
import { json, type ProviderFixture, setup, startAt } from './provider-fixture.ts';

interface Sensors {
  readonly api_version: string;
  readonly time_stamp: number;
  readonly data_time_stamp: number;
  readonly fields: readonly string[];
  readonly data: readonly (readonly (number | string | null)[])[];
  readonly [more: string]: unknown;
}

const all =
  'name,last_seen,latitude,longitude,altitude,pm1.0,pm2.5,pm10.0,temperature,humidity,pressure,rssi,confidence';
/** Null, or a number that unit conversion may have moved in its last bits. */
const near = (wanted: number | null): unknown => (wanted === null ? null : expect.closeTo(wanted, 6));
const sensors = async (providers: ProviderFixture, query: string): Promise<Sensors> =>
  json(await providers.get(`/v1/sensors?${query}`, { 'x-api-key': providers.apiKey }));

describe('the PurpleAir sensors API', () => {
  it.each([
    { name: 'without a key', key: undefined, error: 'ApiKeyMissingError' },
    { name: 'with a wrong key', key: 'wrong', error: 'ApiKeyInvalidError' },
  ])('refuses a request $name as the API does', async ({ key, error }) => {
    await using providers = await setup();
    for (const path of ['/v1/sensors?fields=name', '/v1/keys']) {
      const reply = await providers.get(path, key === undefined ? {} : { 'x-api-key': key });
      expect(reply.status).toBe(403);
      expect(json(reply)).toMatchObject({ error, api_version: expect.any(String), time_stamp: 1735981350 });
    }
    expect(providers.ledger.served()).toEqual([]);
  });

  it('says whether a key is good', async () => {
    await using providers = await setup();
    const reply = await providers.get('/v1/keys', { 'x-api-key': providers.apiKey });
    expect([reply.status, json(reply)['api_key_type']]).toEqual([201, 'READ']);
  });

  it('names the columns once, sensor_index first, and only those asked for', async () => {
    await using providers = await setup();
    const answer = await sensors(providers, 'fields=pm2.5,last_seen,sensor_index,name&location_type=0');
    expect(answer.fields).toEqual(['sensor_index', 'pm2.5', 'last_seen', 'name']);
    expect(answer).toMatchObject({ location_type: 0, max_age: 604_800, firmware_default_version: '7.02' });
    expect(answer.time_stamp).toBe(Math.floor(startAt / 1000));
    expect(answer.data.length).toBeGreaterThan(20);
    for (const row of answer.data) expect(row).toHaveLength(4);
    expect(providers.ledger.served()[0]!.data).toMatchObject({ temperatureC: null, pressurePa: null, pm1UgM3: null });
    expect(providers.ledger.served()[0]).not.toHaveProperty('location');
  });

  it('is noted exactly as it stands in the answer, in the units of the contract', async () => {
    await using providers = await setup({ purpleair: { count: 200, nullShare: 0.2 } });
    const { fields, data } = await sensors(providers, `fields=${all}`);
    const served = providers.ledger.served();
    expect(served).toHaveLength(200);
    for (const [at, row] of data.entries()) {
      const record = served[at]!;
      const value = (name: string) => row[fields.indexOf(name)] as number | null;
      const { temperatureC, pressurePa, altitudeM } = record.data;
      const fahrenheit = value('temperature');
      const hectopascal = value('pressure');
      expect(fahrenheit).toEqual(fahrenheit && Math.round(fahrenheit));
      expect(temperatureC).toEqual(near(fahrenheit === null ? null : ((fahrenheit - 32) * 5) / 9));
      expect(pressurePa).toEqual(near(hectopascal === null ? null : hectopascal * 100));
      expect(altitudeM).toEqual(near(value('altitude')! * 0.3048));
      expect(record.location).toEqual({
        latitude: value('latitude'),
        longitude: value('longitude'),
        elevationM: altitudeM,
      });
      expect(record.data).toMatchObject({
        sensorIndex: row[0],
        name: row[fields.indexOf('name')],
        pm1UgM3: value('pm1.0'),
        pm25UgM3: value('pm2.5'),
        pm10UgM3: value('pm10.0'),
        relativeHumidityPercent: value('humidity'),
        rssiDbm: value('rssi'),
        confidencePercent: value('confidence'),
      });
      expect(record.kafkaKey).toBe(String(row[0]));
      expect(record.eventTimeMs).toBe(value('last_seen')! * 1000);
      expect(record.type).toBe('air-quality');
    }
  });

  it('gives only readings since modified_since, and each of them to whoever follows data_time_stamp', async () => {
    await using providers = await setup({ purpleair: { count: 30, intervalSeconds: 7 } });
    const follower = new Set<string>();
    const first = await sensors(providers, 'fields=last_seen');
    let since = first.data_time_stamp;
    for (const row of first.data) follower.add(row.join());
    const everything = new Set(follower);
    for (let second = 1; second < 40; second += 3) {
      providers.clock = startAt + second * 1000;
      for (const row of (await sensors(providers, 'fields=last_seen')).data) everything.add(row.join());
      const answer = await sensors(providers, `fields=last_seen&modified_since=${since}`);
      for (const row of answer.data) follower.add(row.join());
      // From the first second on, the readings of the start are older than what is asked for.
      expect(answer.data.length).toBeLessThan(second === 1 ? 31 : 30);
      since = answer.data_time_stamp;
    }
    expect(everything.size).toBeGreaterThan(100);
    expect(follower).toEqual(everything);
  });

  it('serves only sensors inside the box, and of the location type asked for', async () => {
    await using providers = await setup({ purpleair: { count: 200 } });
    const answer = await sensors(providers, 'fields=latitude,longitude&nwlng=-120&nwlat=38&selng=-117&selat=34');
    expect(answer.data.length).toBeGreaterThan(5);
    for (const [, latitude, longitude] of answer.data as [number, number, number][])
      expect(latitude >= 34 && latitude <= 38 && longitude >= -120 && longitude <= -117).toBe(true);
    const outside = await sensors(providers, 'fields=location_type&location_type=0');
    const inside = await sensors(providers, 'fields=location_type&location_type=1');
    expect(outside.data.length + inside.data.length).toBe(200);
    expect(new Set(inside.data.map((row) => row[1]))).toEqual(new Set([1]));
  });

  it.each([
    { query: '', error: 'MissingFieldsParamError' },
    { query: 'fields=name,pm99', error: 'InvalidFieldValueError' },
    { query: 'fields=name&nwlng=1', error: 'InvalidParameterValueError' },
    { query: 'fields=name&modified_since=yesterday', error: 'InvalidParameterValueError' },
  ])('refuses "$query" with $error', async ({ query, error }) => {
    await using providers = await setup();
    const reply = await providers.get(`/v1/sensors?${query}`, { 'x-api-key': providers.apiKey });
    expect([reply.status, json(reply)['error']]).toEqual([400, error]);
  });

  it('does not note rows without last_seen, which nobody could follow', async () => {
    await using providers = await setup();
    expect((await sensors(providers, 'fields=name,pm2.5')).data).toHaveLength(50);
    expect(providers.ledger.served()).toEqual([]);
  });
});
