import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapperOf } from './mapping-of.ts';

const at = '2025-07-04T18:00:00Z';
const atMs = Date.parse(at);

/** What a row becomes with `id` and `t`, and more of a mapping. */
const one = (mapping: Readonly<Record<string, unknown>>, row: unknown) =>
  mapperOf({ id: 'id', time: 't', ...mapping })(row);

/** `data.x` of a row whose field x is declared like this; the fault's reason and message if it is none. */
const field = (rule: unknown, value: unknown, more: Readonly<Record<string, unknown>> = {}): unknown => {
  const row = one({ fields: { x: rule }, ...more }, { id: 1, t: at, v: value });
  return 'reason' in row ? `${row.reason}: ${row.message}` : row.data['x'];
};

describe('a row', () => {
  it('becomes a record with the fields that are named', () => {
    const map = mapperOf({
      id: ['station.id', 't'],
      time: 't',
      latitude: 'where.lat',
      longitude: 'where.lon',
      elevation: { path: 'where.feet', unit: 'ft' },
      fields: {
        windSpeedMps: { path: 'wind.speed', unit: 'mi_h-1' },
        name: 'station.name',
        first: 'list[0]',
        last: 'list[-1]',
      },
    });
    const row = {
      t: at,
      station: { id: 'S|1', name: 'Summit' },
      where: { lat: 39.5, lon: -121.25, feet: 1000 },
      wind: { speed: 10 },
      list: [1, 2, 3],
    };
    expect(map(row)).toEqual({
      type: 'record',
      naturalKey: String.raw`S\|1|2025-07-04T18:00:00Z`,
      observedAtMs: atMs,
      location: { latitude: 39.5, longitude: -121.25, elevationM: 304.8 },
      data: { windSpeedMps: 4.4704, name: 'Summit', first: 1, last: 3 },
    });
  });

  it('keeps all that it has when no fields are named', () => {
    const row = { id: 7, t: at, snake_case: { deep: [1, null] }, reason: 'its own' };
    expect(one({}, row)).toMatchObject({ naturalKey: '7', data: row });
  });

  it('that is a GeoJSON feature gives its properties and its point', () => {
    const feature = {
      type: 'Feature',
      id: 'us1',
      geometry: { type: 'Point', coordinates: [-121, 39, 10] },
      properties: { t: at, mag: 2 },
    };
    expect(one({ time: 'properties.t' }, feature)).toEqual({
      type: 'record',
      naturalKey: 'us1',
      observedAtMs: atMs,
      location: { latitude: 39, longitude: -121 },
      data: { t: at, mag: 2 },
    });
    const area = {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 0],
        ],
      ],
    };
    const mapped = one({ time: 'properties.t' }, { ...feature, geometry: area });
    expect(mapped).toMatchObject({ data: { t: at, mag: 2, geometry: area } });
    expect(mapped).not.toHaveProperty('location');
    expect(one({ time: 'properties.t' }, { ...feature, geometry: null })).toMatchObject({ data: { t: at, mag: 2 } });
  });

  it('that is a list is mapped by places', () => {
    const map = mapperOf({ id: '[0]', time: '[1]', timeFormat: 'unix_s', fields: { callsign: '[2]' } });
    expect(map(['abc', 1_751_652_000, 'SWR1 '])).toMatchObject({
      naturalKey: 'abc',
      data: { callsign: 'SWR1 ' },
      observedAtMs: atMs,
    });
    expect(mapperOf({ id: '[0]', time: '[1]', timeFormat: 'unix_s' })(['abc', 1])).toMatchObject({
      reason: 'wrong_shape',
    });
  });

  it.each([
    { name: 'no object', row: 7, reason: 'wrong_shape', says: 'row: expected an object or a list, found 7' },
    { name: 'null', row: null, reason: 'wrong_shape', says: 'found null' },
    {
      name: 'no id',
      row: { t: at },
      reason: 'missing_value',
      says: 'id: expected an id: a text or a number, found null',
    },
    { name: 'an id that is blank', row: { id: ' ', t: at }, reason: 'missing_value', says: 'id: ' },
    { name: 'an id that is an object', row: { id: {}, t: at }, reason: 'wrong_shape', says: 'id: ' },
    {
      name: 'an id that has been rounded',
      row: { id: 2 ** 53 + 2, t: at },
      reason: 'out_of_range',
      says: 'up to 2^53',
    },
    {
      name: 'no time',
      row: { id: 1 },
      reason: 'missing_value',
      says: 't: expected a time such as 2025-01-04T09:02:00Z',
    },
    { name: 'another time', row: { id: 1, t: 'today' }, reason: 'bad_time', says: 'found "today"' },
    { name: 'a day that is none', row: { id: 1, t: '2025-02-30T00:00:00Z' }, reason: 'bad_time', says: 't: ' },
    {
      name: 'a time without offset',
      row: { id: 1, t: '2025-02-03T00:00:00' },
      reason: 'bad_time',
      says: 'with its offset',
    },
    { name: 'names of every object', row: Object.create({ id: 1, t: at }), reason: 'missing_value', says: 't: ' },
  ])('with $name is no record and says why', ({ row, reason, says }) => {
    const made = one({ fields: {} }, row);
    expect(made).toMatchObject({ reason, raw: JSON.stringify(row) });
    expect(made).toHaveProperty('message', expect.stringContaining(says));
  });

  it('that fails leaves no fault to the next one', () => {
    const map = mapperOf({ id: 'id', time: 't' });
    expect(map({ t: 'no' })).toHaveProperty('reason');
    expect(map({ id: 1, t: at })).not.toHaveProperty('reason');
  });

  it('reads its own fields only', () => {
    const row: unknown = JSON.parse(`{"id":1,"t":"${at}","__proto__":{"admin":true}}`);
    const fields = { a: 'constructor.name', b: 'toString', c: '__proto__.admin', d: 'id.constructor' };
    expect(one({ fields }, row)).toMatchObject({ data: { a: null, b: null, c: true, d: null } });
    expect(Object.getPrototypeOf({})).not.toHaveProperty('admin');
  });

  it('nested deeper than anything can print is a letter, and its neighbours are records', () => {
    const deep: unknown = JSON.parse(`{"id":5,"t":"${at}","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`);
    const map = mapperOf({ time: 't' });
    expect(map(deep)).toMatchObject({
      reason: 'unreadable',
      raw: JSON.stringify({ id: 5, t: at }),
      isIncomplete: true,
    });
    expect(map({ t: at })).toHaveProperty('naturalKey');
  });
});

describe('a reading without an id', () => {
  const map = mapperOf({ time: 't' });
  const keyOf = (row: unknown): unknown => {
    const made = map(row);
    return 'naturalKey' in made ? made.naturalKey : made;
  };

  it('is known by its whole content, in whatever order', () => {
    expect(keyOf({ t: at, a: 1, b: { c: [1, 2], d: null } })).toBe(keyOf({ b: { d: null, c: [1, 2] }, a: 1, t: at }));
    expect(keyOf({ t: at, a: 1 })).toMatch(/^[\w-]{43}$/);
  });

  it.each([
    { name: 'another value', row: { t: at, a: 2 } },
    { name: 'another kind of value', row: { t: at, a: '1' } },
    { name: 'a field more', row: { t: at, a: 1, b: null } },
    { name: 'another time', row: { t: '2025-07-04T18:00:01Z', a: 1 } },
  ])('is another one with $name', ({ row }) => {
    expect(keyOf(row)).not.toBe(keyOf({ t: at, a: 1 }));
  });

  it('takes the time that it was received at when it has none', () => {
    expect(mapperOf({ id: 'id' })({ id: 1 }, atMs)).toMatchObject({ observedAtMs: atMs });
    expect(mapperOf({ id: 'id' })({ id: 1 })).toMatchObject({ reason: 'missing_value' });
  });
});

describe('a field', () => {
  it.each([
    { name: 'as it stands', rule: 'v', value: '12', becomes: '12' },
    { name: 'a number of a text', rule: { path: 'v', type: 'number' }, value: ' 12.50 ', becomes: 12.5 },
    { name: 'a number', rule: { path: 'v', type: 'number' }, value: -3, becomes: -3 },
    {
      name: 'no number',
      rule: { path: 'v', type: 'number' },
      value: '0x10',
      becomes: expect.stringContaining('not_a_number: x (v)'),
    },
    {
      name: 'NaN as a text',
      rule: { path: 'v', type: 'number' },
      value: 'NaN',
      becomes: expect.stringContaining('not_a_number'),
    },
    { name: 'text of a number', rule: { path: 'v', type: 'text' }, value: 12.5, becomes: '12.5' },
    { name: 'no text', rule: { path: 'v', type: 'text' }, value: [1], becomes: expect.stringContaining('wrong_shape') },
    { name: 'yes', rule: { path: 'v', type: 'boolean' }, value: 'YES', becomes: true },
    { name: '0', rule: { path: 'v', type: 'boolean' }, value: 0, becomes: false },
    {
      name: 'no truth',
      rule: { path: 'v', type: 'boolean' },
      value: 'perhaps',
      becomes: expect.stringContaining('expected true or false'),
    },
    {
      name: 'a time',
      rule: { path: 'v', type: 'time' },
      value: '2025-07-04T20:00:00+02:00',
      becomes: '2025-07-04T18:00:00.000Z',
    },
    {
      name: 'a time in a form of its own',
      rule: { path: 'v', type: 'time', timeFormat: 'unix_ms' },
      value: atMs,
      becomes: '2025-07-04T18:00:00.000Z',
    },
    { name: 'no time', rule: { path: 'v', type: 'time' }, value: atMs, becomes: expect.stringContaining('bad_time') },
    { name: 'Fahrenheit', rule: { path: 'v', unit: 'degF' }, value: '212', becomes: 100 },
    { name: 'acres', rule: { path: 'v', unit: 'acre' }, value: 2, becomes: 8093.7128448 },
    {
      name: 'a unit of no number',
      rule: { path: 'v', unit: 'kt' },
      value: 'calm',
      becomes: expect.stringContaining('not_a_number'),
    },
    { name: 'null', rule: { path: 'v', unit: 'kt' }, value: null, becomes: null },
    { name: 'blank', rule: { path: 'v', type: 'number' }, value: '', becomes: null },
    { name: 'missing', rule: 'w', value: 1, becomes: null },
    {
      name: 'missing and needed',
      rule: { path: 'w', optional: false },
      value: 1,
      becomes: 'missing_value: x (w): expected a value, found null',
    },
  ])('is $name', ({ rule, value, becomes }) => {
    expect(field(rule, value)).toEqual(becomes);
  });

  it.each([
    { value: 'NA', becomes: null },
    { value: '-9999', becomes: null },
    { value: -9999, becomes: null },
    { value: '-999', becomes: -999 },
  ])('has no value where the provider says so: $value', ({ value, becomes }) => {
    expect(field({ path: 'v', type: 'number' }, value, { nullValues: ['NA', '-9999'] })).toBe(becomes);
  });
});

describe('a position', () => {
  const place = (latitude: unknown, longitude: unknown) =>
    mapperOf({ id: 'id', time: 't', latitude: 'lat', longitude: 'lon', fields: {} })({
      id: 1,
      t: at,
      lat: latitude,
      lon: longitude,
    });

  it.each([
    { lat: 39, lon: -121, is: { location: { latitude: 39, longitude: -121 } } },
    { lat: '39.5', lon: '-121', is: { location: { latitude: 39.5, longitude: -121 } } },
    { lat: 91, lon: 0, is: { reason: 'out_of_range' } },
    { lat: 0, lon: 181, is: { reason: 'out_of_range' } },
    { lat: 'north', lon: 0, is: { reason: 'not_a_number' } },
    { lat: null, lon: 0, is: { reason: 'missing_value' } },
    { lat: 0, lon: '', is: { reason: 'missing_value' } },
  ])('$lat, $lon is read or refused', ({ lat, lon, is }) => {
    expect(place(lat, lon)).toMatchObject(is);
  });

  it('may be missing', () => {
    expect(place(null, null)).toEqual({ type: 'record', naturalKey: '1', observedAtMs: atMs, data: {} });
  });
});

describe('any row that JSON can hold', () => {
  it('becomes a record or says why it is none, and never the other row', () => {
    const map = mapperOf({
      time: 't',
      latitude: 'a',
      longitude: 'b',
      fields: { x: { path: 'c', type: 'number' }, y: 'd[0].e' },
    });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (row) => {
        const made = map(row);
        expect('reason' in made ? made.message.length > 0 : made.observedAtMs >= 0).toBe(true);
      }),
    );
    const whole = mapperOf({ time: 't' });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
        const row = { ...fields, t: at };
        expect(whole(row)).toMatchObject({ observedAtMs: atMs, data: row });
      }),
    );
  });
});
