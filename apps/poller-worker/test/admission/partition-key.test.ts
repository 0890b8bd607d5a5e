import { describe, expect, it } from 'vitest';
import { createKeyReader } from '../../src/admission/partition-key.ts';

const record = {
  type: 'weather-observation',
  location: { latitude: 39.76, longitude: -0 },
  data: { stationId: 'KSFO', quality: { wind: 'V' }, code: 7, isAutomatic: false, none: null, empty: '', list: [1] },
};

describe('the operator’s partition key', () => {
  it.each([
    { name: 'a text', path: 'data.stationId', key: 'KSFO' },
    { name: 'a number', path: 'data.code', key: '7' },
    { name: 'a boolean', path: 'data.isAutomatic', key: 'false' },
    { name: 'a nested field', path: 'data.quality.wind', key: 'V' },
    { name: 'the type', path: 'type', key: 'weather-observation' },
    { name: 'a part of the location', path: 'location.latitude', key: '39.76' },
    { name: 'zero without its sign', path: 'location.longitude', key: '0' },
    { name: 'null', path: 'data.none', key: undefined },
    { name: 'an empty text', path: 'data.empty', key: undefined },
    { name: 'an object', path: 'data.quality', key: undefined },
    { name: 'a list', path: 'data.list', key: undefined },
    { name: 'nothing', path: 'data.absent.deeper', key: undefined },
    { name: 'what every object inherits', path: 'data.constructor.name', key: undefined },
    { name: 'the time of ingestion, which differs from run to run', path: 'ingestedAt', key: undefined },
  ])('reads $name', ({ path, key }) => {
    expect(createKeyReader(path)(record)).toBe(key);
  });
});
