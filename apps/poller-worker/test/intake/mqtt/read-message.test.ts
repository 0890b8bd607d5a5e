import { mqttParams } from '@stream-manager/shared/config/source-params/mqtt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aliasesOf, nameMeasurement } from '../../../src/intake/mqtt/measurement-names.ts';
import { allQuantities, unitOf } from '../../../src/intake/mqtt/measurement-units.ts';
import { createMessageReader, type MessageReader } from '../../../src/intake/mqtt/read-message.ts';
import { createTopicReader } from '../../../src/intake/mqtt/topics.ts';
import { createMapper } from '../../../src/mapping/mapper.ts';

const filters = [
  'weather/+/temperature',
  'weather/+/pressure',
  'weather/+/data',
  'air_quality/+/data',
  'wildfire/weather/+',
  'soil/+/temperature',
  'sensors/weather/+/+',
];
const reader = (more: Partial<Parameters<typeof createMessageReader>[0]> = {}): MessageReader =>
  createMessageReader({ readTopic: createTopicReader({ layouts: [], filters }), maxBytes: 10_000, ...more });

const receivedAtMs = Date.UTC(2026, 0, 4, 9);
const read = (topic: string, payload: unknown, by = reader()) =>
  by.read({
    topic,
    payload: Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    receivedAtMs,
    mark: '0.7',
  });
const only = (topic: string, payload: unknown, by = reader()) => {
  const { records, invalid } = read(topic, payload, by);
  expect(invalid).toEqual([]);
  expect(records).toHaveLength(1);
  return records[0]!;
};

const time = '2026-01-04T08:59:30Z';

const deep = (open: string, close: string, inside = ''): string => open.repeat(50_000) + inside + close.repeat(50_000);

describe('the shapes of payloads', () => {
  it.each([
    { name: 'a number', topic: 'weather/st-1/temperature', payload: '27.4', data: { temperatureC: 27.4 } },
    {
      name: 'a number with its unit',
      topic: 'weather/st-1/temperature',
      payload: '27.4degC',
      data: { temperatureC: 27.4 },
    },
    {
      name: 'a number in another unit',
      topic: 'weather/st-1/temperature',
      payload: '80.6 °F',
      data: { temperatureC: 27 },
    },
    {
      name: 'an object with value',
      topic: 'weather/st-1/temperature',
      payload: { timestamp: time, value: 27.4 },
      data: { temperatureC: 27.4 },
    },
    {
      name: 'an object with value and unit',
      topic: 'weather/st-1/temperature',
      payload: { timestamp: time, value: 300.15, unit: 'K' },
      data: { temperatureC: 27 },
    },
    {
      name: 'named measurements',
      topic: 'air_quality/st-1/data',
      payload: { timestamp: time, pm25: 8.5, pm10: 15.2, wind_speed_mph: 10, pressure_hpa: 1010.4 },
      data: { pm25UgM3: 8.5, pm10UgM3: 15.2, windSpeedMps: 4.4704, pressurePa: 101_040 },
    },
    {
      name: 'measurements in inner objects',
      topic: 'wildfire/weather/st-1',
      payload: {
        timestamp: time,
        measurements: { temperature: { value: 80.6, unit: 'F' }, humidity: { value: 41, unit: '%' } },
        readings: [{ type: 'wind_speed', value: 10, unit: 'km/h' }],
        metadata: { battery: 87, isOutdoor: true },
      },
      data: {
        temperatureC: 27,
        relativeHumidityPercent: 41,
        windSpeedMps: 2.777778,
        batteryPercent: 87,
        isOutdoor: true,
      },
    },
    {
      name: 'a pressure without a unit, in hectopascals by its size',
      topic: 'weather/st-1/pressure',
      payload: '1013.25',
      data: { pressurePa: 101_325 },
    },
    {
      name: 'a pressure without a unit, in pascals by its size',
      topic: 'weather/st-1/pressure',
      payload: '101325',
      data: { pressurePa: 101_325 },
    },
    {
      name: 'a probe in the ground',
      topic: 'soil/st-1/temperature',
      payload: '11.5',
      data: { soilTemperatureC: 11.5 },
    },
    {
      name: 'units by name',
      topic: 'weather/st-1/data',
      payload: { temp: 80.6, units: { temp: 'F' }, time },
      data: { temperatureC: 27 },
    },
    {
      name: 'no value, said so',
      topic: 'weather/st-1/data',
      payload: { temperature: null, humidity: 40 },
      data: { temperatureC: null, relativeHumidityPercent: 40 },
    },
    {
      name: 'names that nobody knew',
      topic: 'weather/st-1/data',
      payload: { fuel_moisture_10h: 8, status: 'ok' },
      data: { fuelMoisture10h: 8, status: 'ok' },
    },
    { name: 'a gas without a unit', topic: 'weather/st-1/data', payload: { o3: 0.04 }, data: { ozone: 0.04 } },
    { name: 'a gas in ppm', topic: 'weather/st-1/data', payload: { o3_ppm: 0.04 }, data: { ozonePpb: 40 } },
  ])('$name', ({ topic, payload, data }) => {
    const record = only(topic, payload);
    expect(record.type).toBe('sensor-reading');
    expect(record.data).toEqual({ deviceId: 'st-1', sensorType: expect.any(String), topic, ...data });
    expect(record.partitionKey).toBe('st-1');
  });

  it('have time, place and device wherever they put them', () => {
    const record = only('sensors/weather/x/data', {
      deviceId: 'st-9',
      ts: 1_767_517_170,
      location: { lat: 38.5, lng: -121.5, altitude: 12 },
      temp: 20,
    });
    expect(record.observedAtMs).toBe(Date.parse(time));
    expect(record.location).toEqual({ latitude: 38.5, longitude: -121.5, elevationM: 12 });
    expect(record.data['deviceId']).toBe('st-9');
    const flat = only('sensors/weather/x/data', {
      latitude: 38.5,
      longitude: '-121.5',
      temp: 20,
      time: '2026-01-04 08:59:30',
    });
    expect(flat.location).toEqual({ latitude: 38.5, longitude: -121.5 });
    expect(flat.observedAtMs).toBe(Date.parse(time));
  });

  it('are several readings in an array, and one that is none harms no other', () => {
    const { records, invalid } = read('weather/st-1/data', [{ temp: 1, time }, { temp: 'warm' }, { temp: 2 }]);
    expect(records.map((record) => record.data['temperatureC'])).toEqual([1, 2]);
    expect(invalid.map((row) => [row.raw, row.reason])).toEqual([['{"temp":"warm"}', 'not_a_number']]);
  });

  it('keep every measurement of lists in them, and of names that become one', () => {
    const listed = only('weather/st-1/data', { battery: 90, readings: [{ temperature: 20 }, { humidity: 44 }] });
    expect(listed.data).toMatchObject({ batteryPercent: 90, temperatureC: 20, relativeHumidityPercent: 44 });
    const { data } = only('weather/st-1/data', { 'a-b': 1, a_b: 2, 'a.b': 3 });
    expect(Object.values(data)).toEqual(expect.arrayContaining([1, 2, 3]));
  });

  it('may be texts of JSON, and have their time under any spelling', () => {
    expect(only('weather/st-1/temperature', '"27.4 ℃"').data).toMatchObject({ temperatureC: 27.4 });
    expect(only('weather/st-1/data', { Time: time, temp: 1 }).observedAtMs).toBe(Date.parse(time));
  });
});

describe('what is no reading', () => {
  it.each([
    { name: 'text', payload: 'out of order', reason: 'not_a_number' },
    { name: 'nothing', payload: '', reason: 'not_a_number' },
    { name: 'NaN', payload: 'NaN', reason: 'not_a_number' },
    { name: 'cut off', payload: '{"temp": 1', reason: 'not_a_number' },
    { name: 'an unknown unit', payload: '27 furlongs', reason: 'unknown_unit' },
    { name: 'no measurement', payload: '{"status":"online"}', reason: 'missing_value' },
    { name: 'a time that is none', payload: '{"temp":1,"time":"yesterday"}', reason: 'bad_time' },
    { name: 'the uptime of a device without a clock', payload: '{"temp":1,"time":1234}', reason: 'bad_time' },
    { name: 'a place that is none', payload: '{"temp":1,"lat":95,"lon":0}', reason: 'out_of_range' },
    { name: 'bytes', payload: Buffer.from([0xff, 0xfe, 0x00]), reason: 'unreadable' },
    { name: 'too much', payload: `{"temp":1,"more":"${'x'.repeat(10_000)}"}`, reason: 'wrong_shape' },
    { name: 'an empty array', payload: '[]', reason: 'missing_value' },
    { name: 'an array in an array', payload: '[[27.4]]', reason: 'wrong_shape' },
    { name: 'arrays too deep to be walked', payload: deep('[', ']'), reason: 'wrong_shape' },
    { name: 'objects too deep to be walked', payload: deep('{"a":', '}', '1'), reason: 'wrong_shape' },
    { name: 'an item too deep to be walked', payload: `[{"a":${deep('[', ']')}}]`, reason: 'missing_value' },
  ])('$name', ({ payload, reason }) => {
    const by = payload.length > 100_000 ? reader({ maxBytes: 1_000_000 }) : reader();
    const { records, invalid } = read('weather/st-1/temperature', payload, by);
    expect(records).toEqual([]);
    expect(invalid.map((row) => row.reason)).toEqual([reason]);
  });

  it('is one letter for each topic, and parsed again with its topic and time', () => {
    const [row] = read('weather/st-1/temperature', '27.4 furlongs').invalid;
    const [other] = read('weather/st-2/temperature', '27.4 furlongs').invalid;
    expect(row!.identity).not.toBe(other!.identity);
    const again = reader().reread({ raw: '27.4 degC', context: row!.context! });
    expect(again).toEqual(only('weather/st-1/temperature', '27.4 degC'));
    expect(reader().reread({ raw: '27.4', context: '' })).toMatchObject({ reason: 'unreadable' });
  });
});

describe('what a reading is known by', () => {
  it('is device, topic, time and what is measured where it has a time', () => {
    const { records, isTimeless } = read('weather/st-1/temperature', { value: 1, timestamp: time });
    expect(records[0]!.naturalKey).toBe('st-1|weather/st-1/temperature|2026-01-04T08:59:30.000Z|temperatureC');
    expect(isTimeless).toBe(false);
  });

  it('differs for a temperature and a humidity of one moment, and not for a correction', () => {
    const { records } = read('weather/st-1/data', [
      { type: 'temperature', value: 20, time },
      { type: 'humidity', value: 50, time },
      { type: 'humidity', value: 51, time },
    ]);
    const keys = records.map((record) => record.naturalKey);
    expect(keys[0]).not.toBe(keys[1]);
    expect(keys[1]).toBe(keys[2]);
  });

  it('is the delivery where it has none', () => {
    const { records, isTimeless } = read('weather/st-1/temperature', '1');
    expect(records[0]!.naturalKey).toBe('st-1|weather/st-1/temperature|2026-01-04T09:00:00.000Z|temperatureC|0.7');
    expect(records[0]!.observedAtMs).toBe(receivedAtMs);
    expect(isTimeless).toBe(true);
  });
});

describe('a mapping of the config', () => {
  it('decides what stands in a payload', () => {
    const params = mqttParams.parse({
      url: 'mqtt://broker',
      topics: ['a/+'],
      time: 'at',
      timeFormat: 'unix_s',
      fields: { temperatureC: { path: 'v.t', unit: 'degF' } },
    });
    const map = createMapper({ ...params, recordType: 'sensor-reading' });
    const by = reader({ mapping: { map, hasId: false, hasTime: true } });
    const record = only('weather/st-1/data', { at: 1_767_517_170, v: { t: 50 } }, by);
    expect(record.data).toEqual({ deviceId: 'st-1', sensorType: 'data', topic: 'weather/st-1/data', temperatureC: 10 });
    expect(record.naturalKey).toBe('st-1|weather/st-1/data|2026-01-04T08:59:30.000Z|data');
  });

  it('tells ids beyond 2^53 apart', () => {
    const params = mqttParams.parse({ url: 'mqtt://broker', topics: ['a/+'], id: 'id', fields: { level: 'level' } });
    const map = createMapper({ ...params, recordType: 'sensor-reading' });
    const by = reader({ mapping: { map, hasId: true, hasTime: false } });
    const { records } = read('a/b', '[{"id":9007199254740992,"level":1},{"id":9007199254740993,"level":1}]', by);
    expect(new Set(records.map(({ naturalKey }) => naturalKey)).size).toBe(2);
  });
});

describe('names and units', () => {
  it('of the contract mean themselves, so that a device may use them', () => {
    for (const [name, { field }] of allQuantities) {
      expect(nameMeasurement(field).field).toBe(field);
      for (const alias of aliasesOf(name)) expect(nameMeasurement(alias).field).toBe(field);
    }
  });

  it.each([
    ['°C', 'c'],
    ['deg C', 'c'],
    ['W/m^2', 'w/m2'],
    ['µg/m³', 'ugm3'],
    ['km/h', 'kmh'],
  ])('reads %s', (text, unit) => {
    expect(unitOf(text)).toBe(unitOf(unit));
  });
});

describe('any payload', () => {
  it('is records or dead letters, and never a crash', () => {
    const by = reader();
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.json(), fc.string(), fc.uint8Array()), (topic, payload) => {
        const bytes = typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload);
        const { records, invalid } = read(topic, bytes, by);
        const parsed: unknown = ((): unknown => {
          try {
            return JSON.parse(bytes.toString());
          } catch {
            return null;
          }
        })();
        const rows = Array.isArray(parsed) ? Math.max(1, parsed.length) : 1;
        expect(records.length + invalid.length).toBe(rows);
        for (const row of invalid)
          if (row.isIncomplete !== true) by.reread({ raw: row.raw, context: row.context ?? '' });
      }),
      { numRuns: 500 },
    );
  });
});
