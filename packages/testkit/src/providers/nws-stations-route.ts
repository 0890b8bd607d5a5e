// NWS: GET /stations?state=CA&limit=… (paged GeoJSON) and GET /stations/{id}/observations/latest (one GeoJSON feature).
import { type Answer, chooseBroken, type RouteRequest } from './answer.ts';
import type { MalformedKind } from './faults.ts';
import { geoJson, nwsContext, nwsProblem } from './nws-answer.ts';
import type { CloudLayer, Measurement, StationObservation, WeatherStation } from './weather-stations.ts';

export interface ObservationRouteOptions {
  readonly hasValidators: boolean;
  /** How quality codes are written (see `StationOptions`). */
  readonly qualityForm: 'plain' | 'qc';
}

/** How each measurement stands in the answer: its name there, its unit code, and its value in that unit. */
const rendered: Readonly<Record<Measurement, { name: string; unit: string; render?: (value: number) => number }>> = {
  temperatureC: { name: 'temperature', unit: 'wmoUnit:degC' },
  dewpointC: { name: 'dewpoint', unit: 'wmoUnit:degC' },
  windDirectionDeg: { name: 'windDirection', unit: 'wmoUnit:degree_(angle)' },
  windSpeedMps: { name: 'windSpeed', unit: 'wmoUnit:km_h-1', render: (mps) => Number((mps * 3.6).toFixed(3)) },
  windGustMps: { name: 'windGust', unit: 'wmoUnit:km_h-1', render: (mps) => Number((mps * 3.6).toFixed(3)) },
  pressurePa: { name: 'barometricPressure', unit: 'wmoUnit:Pa' },
  seaLevelPressurePa: { name: 'seaLevelPressure', unit: 'wmoUnit:Pa' },
  visibilityM: { name: 'visibility', unit: 'wmoUnit:m' },
  relativeHumidityPercent: { name: 'relativeHumidity', unit: 'wmoUnit:percent' },
  windChillC: { name: 'windChill', unit: 'wmoUnit:degC' },
  heatIndexC: { name: 'heatIndex', unit: 'wmoUnit:degC' },
  precipitationLastHourMm: { name: 'precipitationLastHour', unit: 'wmoUnit:mm' },
};

const breakable: readonly MalformedKind[] = [
  'missing-column',
  'not-a-number',
  'nan',
  'latitude-out-of-range',
  'unparsable-date',
];

/** The list of stations; `state` other than CA has none. */
export const answerStations = ({ url, world, baseUrl }: RouteRequest): Answer => {
  const limitText = url.searchParams.get('limit') ?? '500';
  const limit = Number(limitText);
  if (!/^\d+$/.test(limitText) || limit < 1 || limit > 500)
    return nwsProblem(400, 'Bad Request', 'Query parameter "limit" must be between 1 and 500');
  const states = url.searchParams.get('state')?.toUpperCase().split(',');
  const ids = url.searchParams.get('id')?.split(',');
  const found = world.stations.all.filter(
    (station) => (!states || states.includes('CA')) && (!ids || ids.includes(station.id)),
  );
  const from = offsetOf(url.searchParams.get('cursor'));
  if (from === null) return nwsProblem(400, 'Bad Request', 'Query parameter "cursor" is invalid');
  const page = found.slice(from, from + limit);
  const next = new URL(`/stations${url.search}`, baseUrl);
  next.searchParams.set('cursor', cursorAt(from + limit));
  next.searchParams.set('limit', String(limit));
  return geoJson({
    '@context': nwsContext,
    type: 'FeatureCollection',
    features: page.map((station) => stationFeature(station, baseUrl)),
    observationStations: page.map((station) => `${baseUrl}/stations/${station.id}`),
    // As the real one: a full page names a next one, which may turn out empty.
    ...(page.length === limit ? { pagination: { next: next.href } } : {}),
  });
};

const cursorAt = (offset: number): string => Buffer.from(JSON.stringify({ s: offset })).toString('base64url');

const offsetOf = (cursor: string | null): number | null => {
  if (cursor === null) return 0;
  const found = /^\{"s":(\d+)\}$/.exec(Buffer.from(cursor, 'base64url').toString());
  return found ? Number(found[1]) : null;
};

const stationFeature = (station: WeatherStation, baseUrl: string): unknown => ({
  id: `${baseUrl}/stations/${station.id}`,
  type: 'Feature',
  geometry: { type: 'Point', coordinates: [station.longitude, station.latitude] },
  properties: {
    '@id': `${baseUrl}/stations/${station.id}`,
    '@type': 'wx:ObservationStation',
    elevation: { unitCode: 'wmoUnit:m', value: station.elevationM },
    stationIdentifier: station.id,
    name: station.name,
    timeZone: 'America/Los_Angeles',
    forecast: `${baseUrl}/zones/forecast/CAZ088`,
    county: `${baseUrl}/zones/county/CAC037`,
    fireWeatherZone: `${baseUrl}/zones/fire/CAZ288`,
  },
});

/** The newest observation of one station. */
export const answerLatestObservation = (
  request: RouteRequest,
  stationId: string,
  options: ObservationRouteOptions,
): Answer => {
  const observation = request.world.stations.latest(stationId, request.atMs);
  if (!observation) return nwsProblem(404, 'Not Found', 'Not Found');
  const kind = chooseBroken([observation], request, breakable).get(observation);
  const feature = observationFeature(observation, request, options.qualityForm);
  if (kind) breakFeature(feature, kind);
  const answer = geoJson({ '@context': nwsContext, ...feature });
  return {
    ...answer,
    truths: kind ? [] : [observation],
    broken: kind ? [{ kind: 'station', raw: answer.body, reason: kind }] : [],
    hasValidators: options.hasValidators,
  };
};

interface ObservationFeature {
  id: string;
  type: 'Feature';
  geometry: { type: 'Point'; coordinates: (number | string)[] };
  properties: Record<string, unknown>;
}

const observationFeature = (
  observation: StationObservation,
  { baseUrl, fault }: RouteRequest,
  qualityForm: 'plain' | 'qc',
): ObservationFeature => {
  const { station, measured, quality } = observation;
  const timestamp = new Date(observation.observedAtMs).toISOString().replace('.000Z', '+00:00');
  const id = `${baseUrl}/stations/${station.id}/observations/${timestamp}`;
  const values: Record<string, unknown> = {};
  for (const [measurement, { name, unit, render }] of entriesOf(rendered)) {
    const value = measured[measurement];
    const code = quality[measurement];
    values[name] = {
      unitCode: unit,
      value: value === null || !render ? value : render(value),
      ...(code === undefined ? {} : { qualityControl: qualityForm === 'qc' ? `qc:${code}` : code }),
    };
  }
  return {
    id,
    type: 'Feature',
    geometry: { type: 'Point', coordinates: [station.longitude, station.latitude] },
    properties: {
      '@id': id,
      '@type': 'wx:ObservationStation',
      elevation: { unitCode: 'wmoUnit:m', value: station.elevationM },
      station: `${baseUrl}/stations/${station.id}`,
      stationId: station.id,
      ...(observation.named ? { stationName: station.name } : {}),
      timestamp,
      rawMessage: observation.rawMetar ?? '',
      textDescription: observation.description,
      icon: 'https://api.weather.gov/icons/land/day/few?size=medium',
      presentWeather:
        observation.description === 'Smoke' || observation.description === 'Haze'
          ? [{ intensity: null, modifier: null, weather: observation.description.toLowerCase(), rawString: 'FU' }]
          : [],
      ...values,
      precipitationLast3Hours: { unitCode: 'wmoUnit:mm', value: null, qualityControl: 'Z' },
      maxTemperatureLast24Hours: { unitCode: 'wmoUnit:degC', value: null },
      minTemperatureLast24Hours: { unitCode: 'wmoUnit:degC', value: null },
      cloudLayers: observation.cloudLayers.map(cloudLayer),
      ...(fault.name === 'extra-column' ? { somethingNew: { value: 1 } } : {}),
    },
  };
};

const entriesOf = <K extends string, V>(table: Readonly<Record<K, V>>): readonly [K, V][] =>
  // Object.entries forgets the names of the keys; a table of own literals has no others.
  Object.entries(table) as [K, V][];

const cloudLayer = ({ amount, baseM }: CloudLayer): unknown => ({
  base: { unitCode: 'wmoUnit:m', value: baseM },
  amount,
});

const breakFeature = ({ geometry, properties }: ObservationFeature, kind: MalformedKind): void => {
  const latitude = geometry.coordinates[1];
  if (kind === 'missing-column') delete properties['timestamp'];
  if (kind === 'unparsable-date') properties['timestamp'] = '2025-13-45T25:61:00+00:00';
  if (kind === 'not-a-number') geometry.coordinates[1] = 'abc';
  if (kind === 'nan') geometry.coordinates[0] = 'NaN';
  if (kind === 'latitude-out-of-range') geometry.coordinates[1] = Number(`1${latitude}`);
};
