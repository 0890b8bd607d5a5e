// USGS: GET /earthquakes/feed/v1.0/summary/all_hour.geojson, the earthquakes of the last hour, written again and again. The
// third coordinate is the depth in kilometres, and times are milliseconds since 1970.
import { type Answer, bareAnswer, chooseBroken, type RouteRequest, withRepeats } from './answer.ts';
import type { Earthquake } from './earthquakes.ts';
import type { MalformedKind } from './faults.ts';
import type { BrokenRow } from './ledger.ts';

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
    const rows = world.earthquakes.lastHour(atMs);
    const kinds = chooseBroken(rows, request, breakable);
    const broken: BrokenRow[] = [];
    const features = withRepeats(rows, fault).map((row) => {
      const feature = featureOf(row);
      if (fault.name === 'extra-column') feature.properties['somethingNew'] = 1;
      const kind = kinds.get(row);
      if (kind) {
        breakFeature(feature, kind);
        broken.push({ kind: 'earthquake', raw: JSON.stringify(feature), reason: kind });
      }
      return feature;
    });
    const metadata = { generated: atMs, title: 'USGS All Earthquakes, Past Hour', status: 200, count: rows.length };
    return {
      ...bareAnswer(
        200,
        'application/json; charset=utf-8',
        JSON.stringify({ type: 'FeatureCollection', metadata, features }),
      ),
      truths: rows.filter((row) => !kinds.has(row)),
      broken,
      hasValidators: options.hasValidators,
    };
  };

const featureOf = (row: Earthquake): Feature => ({
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
  },
  geometry: { type: 'Point', coordinates: [row.longitude, row.latitude, row.depthKm] },
  id: row.eventId,
});

const breakFeature = ({ properties, geometry }: Feature, kind: MalformedKind): void => {
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
};
