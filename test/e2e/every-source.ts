// A system with sources of every type at once: what its config says, and which source must publish which record.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { parse } from 'yaml';
import { deviceTopics } from './devices.ts';
import { pushParams, pushToken } from './pushed-rows.ts';
import type { SystemPlan } from './system.ts';

const root = join(import.meta.dirname, '../..');
const bbox = [-124.48, 32.53, -114.13, 42.01];

/** Sources by the kind of their records. Of fires, each has those of its satellites. */
const sourcesOf = {
  station: ['stations'],
  alert: ['alerts'],
  forecast: ['forecasts'],
  purpleair: ['sensors'],
  airnow: ['air'],
  metar: ['airports'],
  earthquake: ['usgs-earthquakes'],
  reading: ['readings-json', 'readings-lines'],
  buoy: ['buoys'],
  device: ['devices'],
  pushed: ['pushed'],
} as const;

const firesOf: Readonly<Record<string, string>> = {
  N: 'firms-snpp',
  Terra: 'firms-modis',
  Aqua: 'firms-modis',
  L8: 'firms-landsat',
  L9: 'firms-landsat',
};

type Kind = 'firms' | keyof typeof sourcesOf;
const kinds: readonly Kind[] = ['firms', ...(Object.keys(sourcesOf) as (keyof typeof sourcesOf)[])];

/** The sources that fetch a record. */
const sourceIdsOf = (record: ExpectedRecord): readonly string[] => {
  if (record.kind !== 'firms') return sourcesOf[record.kind];
  const source = firesOf[String(record.data['satellite'])];
  return source === undefined ? [] : [source];
};

/** The mapping of the API that nobody knows; the accounting expects these names. */
const readingParams = {
  id: 'id',
  time: 'taken_at',
  timeFormat: 'unix_s',
  latitude: 'lat',
  longitude: 'lon',
  fields: {
    readingNumber: { path: 'id', type: 'number' },
    sensor: 'sensor',
    temperatureC: { path: 'temp_f', unit: 'degF' },
    windSpeedMps: { path: 'wind_mph', unit: 'mi_h-1' },
    isChecked: { path: 'checked', type: 'boolean' },
    note: 'note',
  },
};

/** What the sources of every type need besides the providers. */
export interface EverySourceOptions {
  /** Of the MQTT broker. */
  readonly brokerUrl: string;
  /** Records that the test itself has published and pushed. */
  readonly sent: () => readonly ExpectedRecord[];
}

/** The plan. Reads the example of the earthquakes as a user would copy it. */
export const everySource = async (options: EverySourceOptions): Promise<SystemPlan<Kind>> => {
  const example = parse(await readFile(join(root, 'config/examples/usgs-earthquakes.yaml'), 'utf8'));
  return {
    topics: (name) => Object.fromEntries(kinds.map((kind) => [kind, `e2e-${name}-${kind}`])) as Record<Kind, string>,
    sourceIdsOf,
    priorities: {
      firms: 'high',
      station: 'normal',
      alert: 'high',
      forecast: 'low',
      purpleair: 'normal',
      airnow: 'normal',
      metar: 'normal',
      earthquake: 'normal',
      reading: 'low',
      buoy: 'normal',
      device: 'normal',
      pushed: 'normal',
    },
    sent: options.sent,
    env: { TEST_PUSH_TOKEN: pushToken },
    sources: ({ urls, world, airNowKey }, topics) => {
      const polled = { mode: 'real-time', every: '1s', rateLimitPerMinute: 6_000 };
      const firms = (dataset: string) => ({
        ...polled,
        type: 'nasa-firms',
        mode: 'batch',
        every: '2s',
        priority: 'high',
        topic: topics.firms,
        baseUrl: urls.firms,
        params: { mapKey: '${TEST_MAP_KEY}', dataset, bbox, dayRange: 1 },
      });
      const readings = (format: string, paging: string, more: Readonly<Record<string, unknown>>) => ({
        ...polled,
        type: 'http',
        priority: 'low',
        topic: topics.reading,
        baseUrl: urls.unknown,
        partitionKey: 'data.sensor',
        params: { ...readingParams, format, request: { path: `/readings/${format}/${paging}` }, ...more },
      });
      return {
        'firms-snpp': firms('VIIRS_SNPP_NRT'),
        'firms-modis': firms('MODIS_NRT'),
        'firms-landsat': firms('LANDSAT_NRT'),
        // The standard product ends two months ago, where this world has no fires: answers with a header only.
        'firms-standard': firms('VIIRS_SNPP_SP'),
        stations: {
          ...polled,
          type: 'noaa-stations',
          every: '2s',
          topic: topics.station,
          baseUrl: urls.nws,
          params: { state: 'CA' },
        },
        alerts: {
          ...polled,
          type: 'noaa-alerts',
          priority: 'high',
          topic: topics.alert,
          baseUrl: urls.nws,
          params: { area: 'CA' },
        },
        forecasts: {
          ...polled,
          type: 'noaa-forecasts',
          every: '2s',
          priority: 'low',
          topic: topics.forecast,
          baseUrl: urls.nws,
          params: { gridpoints: world.forecasts.all.map(({ id }) => id) },
        },
        sensors: {
          ...polled,
          type: 'purpleair',
          mode: 'continuous',
          topic: topics.purpleair,
          baseUrl: urls.purpleair,
          params: { apiKey: '${TEST_API_KEY}', bbox },
        },
        air: {
          ...polled,
          type: 'airnow',
          every: '2s',
          topic: topics.airnow,
          baseUrl: urls.airnow,
          params: { apiKey: airNowKey, zipCodes: world.airAreas.all.flatMap(({ zipCodes }) => zipCodes) },
        },
        airports: {
          ...polled,
          type: 'metar',
          topic: topics.metar,
          baseUrl: urls.aviation,
          params: { stations: world.airports.all.map(({ id }) => id) },
        },
        'usgs-earthquakes': {
          ...example.sources['usgs-earthquakes'],
          ...polled,
          topic: topics.earthquake,
          baseUrl: urls.usgs,
        },
        'readings-json': readings('json', 'link', {
          records: 'data.items',
          pagination: { kind: 'link', path: 'meta.link' },
        }),
        'readings-lines': readings('ndjson', 'offset', {
          pagination: { kind: 'offset', parameter: 'offset', sizeParameter: 'size', size: 25 },
        }),
        buoys: {
          ...polled,
          type: 'custom',
          every: '2s',
          topic: topics.buoy,
          baseUrl: urls.ndbc,
          params: { module: join(root, 'config/examples/buoys.ts'), options: { stations: world.buoys.all } },
        },
        devices: {
          type: 'mqtt',
          topic: topics.device,
          params: { url: options.brokerUrl, topics: deviceTopics },
        },
        pushed: { type: 'push', topic: topics.pushed, partitionKey: 'data.gauge', params: pushParams },
      };
    },
  };
};
