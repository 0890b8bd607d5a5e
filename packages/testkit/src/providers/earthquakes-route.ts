// USGS: GET /earthquakes/feed/v1.0/summary/all_hour.geojson, the earthquakes of the last hour, written again and again. The
// third coordinate is the depth in kilometres, and times are milliseconds since 1970.
import { type Answer, bareAnswer, faultyRows, type RouteRequest } from './answer.ts';
import type { Earthquake } from './earthquakes.ts';
import type { MalformedKind } from './faults.ts';

/** A broken earthquake has no usable position, time or id. */
const breakable: readonly MalformedKind[] = [
  'not-a-number',
  'nan',
  'latitude-out-of-range',
  'unparsable-date',
  'missing-column',
];

interface Feature {
  readonly type: 'Feature';
  readonly properties: Record<string, unknown>;
  readonly geometry: { readonly type: 'Point'; readonly coordinates: unknown[] };
  readonly id: string;
}

/** Answers with the earthquakes of the last hour. */
export const createEarthquakesRoute =
  (options: { readonly hasValidators: boolean }) =>
  (request: RouteRequest): Answer => {
    const { world, atMs, fault } = request;
    const found = world.earthquakes.lastHour(atMs);
    const more = fault.name === 'extra-column' ? { somethingNew: 1 } : {};
    const { rows, truths, broken } = faultyRows(found, request, {
      kind: 'earthquake',
      breakable,
      render: (row) => featureOf(row, more),
      breakRow: breakFeature,
    });
    const metadata = { generated: atMs, title: 'USGS All Earthquakes, Past Hour', status: 200, count: found.length };
    return {
      ...bareAnswer(
        200,
        'application/json; charset=utf-8',
        JSON.stringify({ type: 'FeatureCollection', metadata, features: rows }),
      ),
      truths,
      broken,
      hasValidators: options.hasValidators,
    };
  };

const featureOf = (row: Earthquake, more: object): Feature => ({
  type: 'Feature',
  properties: {
    mag: row.magnitude,
    place: row.place,
    time: row.happenedAtMs,
    updated: row.updatedAtMs,
    tz: null,
    url: `https://earthquake.usgs.gov/earthquakes/eventpage/${row.eventId}`,
    felt: null,
    status: row.status,
    tsunami: row.hasTsunami ? 1 : 0,
    magType: 'ml',
    type: 'earthquake',
    ...more,
  },
  geometry: { type: 'Point', coordinates: [row.longitude, row.latitude, row.depthKm] },
  id: row.eventId,
});

const breakFeature = (feature: Feature, kind: MalformedKind): Feature => {
  const { properties, geometry } = feature;
  switch (kind) {
    case 'missing-column':
      delete properties['time'];
      break;
    case 'unparsable-date':
      properties['time'] = 'yesterday';
      break;
    case 'latitude-out-of-range':
      geometry.coordinates[1] = 139.5;
      break;
    case 'nan':
      geometry.coordinates[1] = 'NaN';
      break;
    case 'not-a-number':
    case 'surplus-column':
      geometry.coordinates[0] = 'abc';
  }
  return feature;
};
