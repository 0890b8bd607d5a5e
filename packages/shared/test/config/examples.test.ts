// The configs that the repository ships, loaded as they are.
import { join } from 'node:path';
import { loadConfig } from '@stream-manager/shared/config/load';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../../..');
const keys = { FIRMS_MAP_KEY: 'a-map-key', PURPLEAIR_API_KEY: 'an-api-key' };
const load = async (path: string, env = {}) => loadConfig({ path, env, cwd: root, secrets: 'required' });

const topics = {
  'firms-california': 'wildfire-nasa-firms',
  'firms-modis-california': 'wildfire-nasa-firms',
  'noaa-stations-california': 'wildfire-weather-data',
  'noaa-alerts-california': 'wildfire-weather-alerts',
  'purpleair-california': 'wildfire-iot-sensors',
};

describe('config/stream.example.yaml', () => {
  it('needs two keys and nothing else', async () => {
    const { config, warnings } = await load('config/stream.example.yaml', keys);
    expect(warnings).toEqual([]);
    expect(Object.fromEntries(Object.entries(config.sources).map(([id, source]) => [id, source.topic]))).toEqual(
      topics,
    );
    await expect(load('config/stream.example.yaml')).rejects.toMatchObject({
      issues: [
        { path: 'sources.firms-california.params.mapKey' },
        { path: 'sources.firms-modis-california.params.mapKey' },
        { path: 'sources.purpleair-california.params.apiKey' },
      ],
    });
  });

  it('polls the real addresses', async () => {
    const { config } = await load('config/stream.example.yaml', keys);
    const sources = Object.values(config.sources);
    expect(new Set(sources.map(({ baseUrl }) => baseUrl))).toEqual(
      new Set(['https://firms.modaps.eosdis.nasa.gov', 'https://api.weather.gov', 'https://api.purpleair.com']),
    );
    expect(config.sources['firms-california']).toMatchObject({ params: { dataset: 'VIIRS_SNPP_NRT' } });
    expect(config.sources['firms-modis-california']).toMatchObject({ params: { dataset: 'MODIS_NRT' } });
  });

  it('names a contact to the National Weather Service', async () => {
    const { config } = await load('config/stream.example.yaml', keys);
    const agents = ['noaa-stations-california', 'noaa-alerts-california'].map(
      (id) => config.sources[id]?.headers['User-Agent'],
    );
    expect(agents).toEqual([expect.stringMatching(/\S+@\S+/), expect.stringMatching(/\S+@\S+/)]);
  });
});

describe('config/demo.yaml', () => {
  const env = {
    ...keys,
    DEMO_PROVIDERS_URL: 'http://127.0.0.1:4000',
    REDIS_URL: 'redis://127.0.0.1:7000',
    KAFKA_BROKERS: '127.0.0.1:9999',
  };

  it('polls the simulated providers with short periods, in all modes', async () => {
    const { config, warnings } = await load('config/demo.yaml', env);
    expect(warnings).toEqual([]);
    const sources = Object.keys(config.sources).map((id) => resolveSource(config, id));
    expect(Object.fromEntries(sources.map(({ id, topic }) => [id, topic]))).toEqual(topics);
    expect(new Set(sources.map(({ mode }) => mode))).toEqual(new Set(['batch', 'real-time', 'continuous']));
    for (const source of sources) {
      expect(source).toMatchObject({ baseUrl: 'http://127.0.0.1:4000', rateLimitPerMinute: 600 });
      expect(source.periodMs).toBeGreaterThanOrEqual(2_000);
      expect(source.periodMs).toBeLessThanOrEqual(5_000);
    }
  });

  it('loads without secrets where nothing is polled', async () => {
    const { config } = await loadConfig({ path: 'config/demo.yaml', env: {}, cwd: root, secrets: 'optional' });
    expect(config.sources['firms-california']).toMatchObject({ params: { mapKey: '${FIRMS_MAP_KEY}' } });
  });
});

describe('config/examples/usgs-earthquakes.yaml', () => {
  it('needs nothing, and describes an API that nobody here knew', async () => {
    const { config, warnings } = await load('config/examples/usgs-earthquakes.yaml');
    expect(warnings).toEqual([]);
    expect(config.sources['usgs-earthquakes']).toMatchObject({
      type: 'http',
      baseUrl: 'https://earthquake.usgs.gov',
      corrections: 'publish',
      params: { format: 'geojson', id: ['id'], time: ['properties.time'], pagination: { kind: 'none' } },
    });
  });
});
