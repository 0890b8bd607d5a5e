import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@stream-manager/shared/config/load';
import { sourceStarter } from '@stream-manager/shared/config/reference/source-starter';
import { startProviders } from '@stream-manager/testkit/providers/server';
import { describe, expect, it } from 'vitest';
import { differencesOf, expectedOf, type Fixture, readFixture } from '../../src/preview/fixture.ts';
import { type Look, lookAtSource, replayFixture } from '../../src/preview/look-at-source.ts';

const mapKey = 'a-map-key-that-nobody-may-see';

const fixtureOf = ({ fixture }: Look): Fixture => {
  if (typeof fixture === 'string') throw new Error(fixture);
  return fixture;
};

const setup = async () => {
  const providers = await startProviders({
    startAt: Date.parse('2025-07-04T18:00:00Z'),
    static: true,
    mapKeys: [mapKey],
    stations: { count: 12 },
  });
  const directory = await mkdtemp(join(tmpdir(), 'look-'));
  const file = join(directory, 'stream.yaml');
  const env = { FIRMS_MAP_KEY: mapKey };
  await writeFile(
    file,
    `sources:
  firms-california:
    type: nasa-firms
    baseUrl: ${providers.url}
    topic: wildfire-nasa-firms
    params: { mapKey: '\${FIRMS_MAP_KEY}', bbox: [-124.48, 32.53, -114.13, 42.01] }
  noaa_stations:
    type: noaa-stations
    baseUrl: ${providers.url}
    params: { state: CA }
`,
  );
  const load = async (variables: Readonly<Record<string, string>>) =>
    (await loadConfig({ path: file, env: variables, cwd: directory, secrets: 'optional' })).config;
  const look = async (sourceId: string, variables: Readonly<Record<string, string>> = env) =>
    lookAtSource({
      config: await load(variables),
      sourceId,
      env: variables,
      signal: new AbortController().signal,
    });
  return {
    providers,
    load,
    look,
    [Symbol.asyncDispose]: async () => {
      await providers.stop();
      await rm(directory, { recursive: true });
    },
  };
};

describe('a look at a source', () => {
  it('gives every record with topic, key and priority, and what was asked', async () => {
    await using bundle = await setup();
    const { preview, exchanges } = await bundle.look('firms-california');
    expect(preview.records).toHaveLength(bundle.providers.ledger.served().length);
    expect(preview.records.length).toBeGreaterThan(10);
    expect(preview).toMatchObject({ invalid: [], repeated: 0, error: null, isCutShort: false });
    for (const record of preview.records)
      expect(record).toMatchObject({
        topic: 'wildfire-nasa-firms',
        rule: 'source',
        key: expect.stringMatching(/^-?\d/),
      });
    expect(exchanges).toMatchObject([{ method: 'GET', status: 200, error: null }]);
  });

  it('reads five pages at most, and says so', async () => {
    await using bundle = await setup();
    const { preview } = await bundle.look('noaa_stations');
    expect(preview).toMatchObject({ isCutShort: true, pages: 5 });
    expect(preview.records.map(({ topic }) => topic)).toEqual(Array(5).fill('wildfire-weather-stations'));
  });

  it('names the reason of every row that is no record', async () => {
    await using bundle = await setup();
    bundle.providers.setFaults({ firms: { next: ['malformed'] } });
    const { preview } = await bundle.look('firms-california');
    expect(preview.invalid.length).toBeGreaterThan(0);
    for (const row of preview.invalid) expect(row.message).not.toBe('');
  });

  it('says how the poll would have failed', async () => {
    await using bundle = await setup();
    bundle.providers.setFaults({ firms: { next: ['html'] } });
    const { preview } = await bundle.look('firms-california');
    expect(preview).toMatchObject({ records: [], error: { code: 'response_unreadable' } });
  });

  it('refuses a source whose secret is missing, by the name of its variable', async () => {
    await using bundle = await setup();
    await expect(bundle.look('firms-california', {})).rejects.toThrow(/FIRMS_MAP_KEY/);
    await expect(bundle.look('firms')).rejects.toThrow(/no source "firms" \(it has firms-california, noaa_stations\)/);
  });
});

describe('a fixture', () => {
  it('holds no secret and is polled again without network and without the key', async () => {
    await using bundle = await setup();
    const json = JSON.stringify(fixtureOf(await bundle.look('firms-california')));
    expect(json).not.toContain(mapKey);
    await bundle.providers.stop();
    const read = readFixture(json);
    if (typeof read === 'string') throw new Error(read);
    const config = await bundle.load({});
    const found = await replayFixture({ config, sourceId: 'firms-california', fixture: read });
    expect(found.recordCount).toBeGreaterThan(10);
    expect(differencesOf(read.expected, found)).toEqual([]);
  });

  it('tells what is different', async () => {
    await using bundle = await setup();
    const look = await bundle.look('firms-california');
    const { preview } = look;
    const [first, ...others] = preview.records;
    const changed = {
      ...preview,
      records: [{ ...first!, topic: 'elsewhere' }, ...others.slice(1)],
    };
    expect(differencesOf(fixtureOf(look).expected, expectedOf(changed))).toEqual([
      expect.stringMatching(/^\d+ records, expected \d+$/),
      expect.stringMatching(/topic is "elsewhere", expected "wildfire-nasa-firms"/),
      expect.stringMatching(/is gone$/),
    ]);
  });

  it.each([
    ['no JSON', 'x'],
    ['another version', '{"version":9}'],
    ['no exchanges', '{"version":1}'],
  ])('that is none is refused: %s', (_name, json) => {
    expect(typeof readFixture(json)).toBe('string');
  });
});

describe('the starter of type http', () => {
  it('is a source that can be polled as it is', async () => {
    const providers = await startProviders({ startAt: Date.parse('2025-07-04T18:00:00Z'), static: true });
    const directory = await mkdtemp(join(tmpdir(), 'starter-'));
    try {
      const path = join(directory, 'stream.yaml');
      await writeFile(path, sourceStarter('http', { all: false }));
      const env = { STREAM__SOURCES__MY_HTTP__BASE_URL: providers.url };
      const { config } = await loadConfig({ path, env, cwd: directory, secrets: 'required' });
      const { signal } = new AbortController();
      const { preview } = await lookAtSource({ config, sourceId: 'my-http', env, signal });
      expect(preview).toMatchObject({ error: null, invalid: [] });
      expect(preview.records[0]).toMatchObject({ observedAt: expect.stringMatching(/^2025-07-04T1[78]/) });
    } finally {
      await providers.stop();
      await rm(directory, { recursive: true });
    }
  });
});
