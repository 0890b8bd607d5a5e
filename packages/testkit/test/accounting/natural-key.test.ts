import { airKey, fireKey, naturalKeyOf, stationKey } from '@stream-manager/testkit/accounting/natural-key';
import { expectedContent } from '@stream-manager/testkit/providers/expected-content';
import { createWorld } from '@stream-manager/testkit/providers/world';
import { describe, expect, it } from 'vitest';
import { servedRecords, storedCopy } from './stored-copy.ts';

const fire = {
  satellite: 'N',
  instrument: 'VIIRS',
  acquiredAtMs: Date.UTC(2025, 0, 4, 0, 5),
  latitude: 39.7596,
  longitude: -121.6219,
  scanKm: 0.39,
  trackKm: 0.36,
};

describe('the natural key', () => {
  it('of every served record is found again in its stored copy', () => {
    const served = servedRecords(50);
    expect(served.map((record, at) => naturalKeyOf(storedCopy(record, at).value as never))).toEqual(
      served.map((record) => record.naturalKey),
    );
    expect(new Set(served.map((record) => record.naturalKey)).size).toBe(200);
  });

  it('of served LANDSAT rows, forecasts, air of areas and weather reports too', () => {
    const startAt = Date.UTC(2025, 0, 4, 9);
    const world = createWorld({ seed: 11, startAt, firms: { backlog: 30 } });
    const served = [
      ...world.fires.visible('LANDSAT_NRT', startAt),
      ...world.forecasts.all.flatMap(({ id }) => world.forecasts.latest(id, startAt) ?? []),
      ...world.airAreas.all.flatMap(({ zipCodes }) => world.airAreas.latest(zipCodes[0]!, startAt)),
      ...world.airports.all.flatMap(({ id }) => world.airports.reports(id, startAt, startAt)),
      ...world.buoys.all.flatMap((id) => world.buoys.readings(id, startAt) ?? []),
    ].map((truth) => ({ ...expectedContent(truth), firstServedAt: startAt, lastServedAt: startAt, timesServed: 1 }));
    const keys = served.map((record, at) => naturalKeyOf(storedCopy(record, at).value as never));
    expect(keys).toEqual(served.map((record) => record.naturalKey));
    expect(new Set(keys).size).toBe(30 + 3 * 14 + 4 * 3 + 12 + 3 * 40);
  });

  it.each([
    { name: 'satellite', other: { satellite: 'N20' } },
    { name: 'instrument', other: { instrument: 'MODIS' } },
    { name: 'minute', other: { acquiredAtMs: fire.acquiredAtMs + 60_000 } },
    { name: 'latitude', other: { latitude: 39.75961 } },
    { name: 'longitude', other: { longitude: -121.62191 } },
    { name: 'scan', other: { scanKm: 0.4 } },
    { name: 'track', other: { trackKm: 0.37 } },
  ])('of a fire tells two of another $name apart', ({ other }) => {
    expect(fireKey({ ...fire, ...other })).not.toBe(fireKey(fire));
  });

  it('does not depend on trailing zeros of a printed number', () => {
    expect(fireKey({ ...fire, latitude: Number('39.75960') })).toBe(fireKey(fire));
    expect(fireKey(fire)).toBe('firms N VIIRS 2025-01-04T00:05 39.7596 -121.6219 0.39 0.36');
  });

  it('of stations and sensors is the id and the time', () => {
    expect(stationKey('KLAX', 0)).toBe('station KLAX 1970-01-01T00:00:00.000Z');
    expect(airKey(7, 1_700_000_000_999)).toBe('purpleair 7 1700000000');
  });

  it.each([
    { name: 'an unknown type', envelope: { type: 'record', observedAt: '2025-01-04T00:00:00Z', data: {} } },
    { name: 'no data', envelope: { type: 'weather-alert', observedAt: '2025-01-04T00:00:00Z', data: null } },
    { name: 'no time', envelope: { type: 'weather-observation', observedAt: null, data: { stationId: 'KLAX' } } },
    {
      name: 'no position',
      envelope: { type: 'fire-detection', observedAt: '2025-01-04T00:00:00Z', data: { ...fire } },
    },
    {
      name: 'an index as text',
      envelope: { type: 'air-quality', observedAt: '2025-01-04T00:00:00Z', data: { sensorIndex: '1' } },
    },
  ])('does not exist for an envelope with $name', ({ envelope }) => {
    expect(naturalKeyOf(envelope)).toBeNull();
  });
});
