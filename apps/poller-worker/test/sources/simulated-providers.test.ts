// Every connector, through the real HTTP client, against the simulated providers: what was served must be what was read,
// whatever goes wrong on the way. The providers' ledger is written from their own truth, not from what they sent.
import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import type { FaultName, RouteKind } from '@stream-manager/testkit/providers/faults';
import { type ProviderOptions, startProviders } from '@stream-manager/testkit/providers/server';
import type { World } from '@stream-manager/testkit/providers/world';
import { describe, expect, it } from 'vitest';
import { createSourceRegistry } from '../../src/sources/registry.ts';
import type { PollContext } from '../../src/sources/source.ts';
import { readOf as asRead, servedOf as asServed, sorted } from './as-served.ts';
import { createRealHttp } from './real-http.ts';
import { resolvedSource } from './resolved-source.ts';
import { pollAll } from './scripted-http.ts';

const bbox = [-124.48, 32.53, -114.13, 42.01];
const fires = (dataset: string) => (keys: Keys) => ({
  type: 'nasa-firms',
  params: { mapKey: keys.mapKey, dataset, bbox },
});
const sources = {
  firms: fires('VIIRS_SNPP_NRT'),
  modis: fires('MODIS_NRT'),
  landsat: fires('LANDSAT_NRT'),
  stations: () => ({ type: 'noaa-stations', params: { state: 'CA' } }),
  alerts: () => ({ type: 'noaa-alerts', params: { area: 'CA' } }),
  forecasts: (_keys: Keys, world: World) => ({
    type: 'noaa-forecasts',
    params: { gridpoints: world.forecasts.all.map(({ id }) => id) },
  }),
  purpleair: (keys: Keys) => ({ type: 'purpleair', params: { apiKey: keys.apiKey, bbox } }),
  airnow: (keys: Keys, world: World) => ({
    type: 'airnow',
    params: { apiKey: keys.airNowKey, zipCodes: world.airAreas.all.flatMap(({ zipCodes }) => zipCodes) },
  }),
  metar: (_keys: Keys, world: World) => ({
    type: 'metar',
    params: { stations: world.airports.all.map(({ id }) => id) },
  }),
} satisfies Record<string, (keys: Keys, world: World) => { type: string; params: unknown }>;
type SourceName = keyof typeof sources;
type Keys = { readonly mapKey: string; readonly apiKey: string; readonly airNowKey: string };

/** The route whose answers hold the rows. */
const routeOf: Readonly<Record<SourceName, RouteKind>> = {
  firms: 'firms',
  modis: 'firms',
  landsat: 'firms',
  stations: 'observations',
  alerts: 'alerts',
  forecasts: 'forecasts',
  purpleair: 'purpleair',
  airnow: 'airnow',
  metar: 'metar',
};

const setup = async (
  name: SourceName,
  options: ProviderOptions = {},
  keys: Partial<Keys> = {},
  more: Readonly<Record<string, unknown>> = {},
) => {
  const providers = await startProviders({
    startAt: Date.parse('2025-07-04T18:00:00Z'),
    static: true,
    stations: { count: 12 },
    alerts: { backlog: 20 },
    ...options,
  });
  const { mapKey, apiKey, airNowKey, world } = providers;
  const { type, params } = sources[name]({ mapKey, apiKey, airNowKey, ...keys }, world);
  const source = resolvedSource({
    type,
    params: { ...params, ...more },
    baseUrl: providers.url,
    timeoutSeconds: 5,
  });
  const clients = createRealHttp({ maxResponseBytes: 10_000_000 });
  const connector = createSourceRegistry()(source.type)(source);
  return {
    providers,
    poll: (given: Partial<PollContext> = {}) =>
      pollAll(connector, source, clients.forPoll({ source, signal: new AbortController().signal }), null, given),
    [Symbol.asyncDispose]: async () => {
      await providers.stop();
      await clients.close();
    },
  };
};

/** How often one poll reads a row: an area's air stands under each of its two ZIP codes. The id makes it one record. */
const repeated = (name: SourceName, fault: FaultName): number =>
  (name === 'airnow' ? 2 : 1) * (fault === 'duplicate' && name !== 'stations' ? 2 : 1);

/** With the Kafka key, which these types decide. */
const readOf = (record: SourceRecord): object => ({ ...asRead(record), kafkaKey: record.partitionKey });
const servedOf = (expected: ExpectedRecord): object => ({ ...asServed(expected), kafkaKey: expected.kafkaKey });

const all = Object.keys(sources) as SourceName[];

describe.each(all)('%s', (name) => {
  it.each<{ fault: FaultName }>([
    { fault: 'none' },
    { fault: 'malformed' },
    { fault: 'extra-column' },
    { fault: 'bom' },
    { fault: 'crlf' },
    { fault: 'wrong-type' },
    { fault: 'slow-headers' },
    { fault: 'slow-body' },
    { fault: 'quoted' },
    { fault: 'duplicate' },
  ])('reads exactly what was served, and each broken row as it stood: $fault', async ({ fault }) => {
    // The fault of this name breaks at least one row of every answer: an answer of a station has only one.
    const broken = { malformedShare: 0.3 };
    const route = fault === 'malformed' ? broken : { chance: { [fault]: 1 }, slowMs: 40 };
    await using test = await setup(name, { faults: { [routeOf[name]]: route } });
    const { records, invalid, error } = await test.poll();
    expect(error).toBeNull();
    const { ledger } = test.providers;
    const served = fault === 'wrong-type' ? ledger.offered() : ledger.served();
    expect(records.length).toBeGreaterThan(5);
    const copies = Array.from({ length: repeated(name, fault) }, () => served.map(servedOf)).flat();
    expect(sorted(records.map(readOf))).toEqual(sorted(copies));
    expect(invalid.map((row) => row.raw).toSorted()).toEqual(
      ledger
        .malformed()
        .flatMap((row) => Array.from({ length: repeated(name, fault) }, () => row.raw))
        .toSorted(),
    );
    expect(invalid.length > 0).toBe(fault === 'malformed');
    expect(new Set(records.map((record) => record.naturalKey)).size).toBe(records.length / repeated(name, fault));
  });

  it.each<{ fault: FaultName; code: string }>([
    { fault: '429', code: 'rate_limited' },
    { fault: '429-date', code: 'rate_limited' },
    { fault: '500', code: 'fetch_status' },
    { fault: '503', code: 'fetch_status' },
    { fault: 'cut-length', code: 'fetch_network' },
    { fault: 'cut-chunked', code: 'fetch_network' },
  ])('fails as $code, without a row, on $fault', async ({ fault, code }) => {
    await using test = await setup(name, { faults: { [routeOf[name]]: { chance: { [fault]: 1 } } } });
    const { records, invalid, error } = await test.poll();
    expect(codeOf(error)).toBe(code);
    expect([...records, ...invalid]).toEqual([]);
  });

  it('takes nothing from an answer that is larger than allowed', async () => {
    await using test = await setup(name, {
      faults: { [routeOf[name]]: { chance: { huge: 1 }, hugeBytes: 11_000_000 } },
    });
    const { records, invalid, error } = await test.poll();
    expect(records).toEqual([]);
    // Of a station such an answer is one bad row; of the others it ends the poll.
    const [rows, code] = name === 'stations' ? [12, null] : [0, 'response_too_large'];
    expect(invalid).toHaveLength(rows);
    expect(codeOf(error)).toBe(code);
  });

  it.each<{ fault: FaultName }>([{ fault: 'html' }, { fault: 'empty' }])(
    'finds no record in what is none: $fault',
    async ({ fault }) => {
      await using test = await setup(name, { faults: { [routeOf[name]]: { chance: { [fault]: 1 } } } });
      const { records, invalid, error } = await test.poll();
      expect(records).toEqual([]);
      // Of a station such an answer is one bad row; of the others it is the whole answer.
      const [rows, code] = name === 'stations' ? [12, null] : [0, 'response_unreadable'];
      expect(invalid).toHaveLength(rows);
      expect(codeOf(error)).toBe(code);
    },
  );
});

describe('a wrong key', () => {
  it.each<{ name: SourceName }>([{ name: 'firms' }, { name: 'purpleair' }, { name: 'airnow' }])(
    'is refused as what it is: $name',
    async ({ name }) => {
      await using test = await setup(
        name,
        {},
        {
          mapKey: 'wrong-key',
          apiKey: 'wrong-key',
          airNowKey: 'wrong-key',
        },
      );
      const { error } = await test.poll();
      expect(codeOf(error)).toBe('credentials_refused');
      expect(String(error)).not.toContain('wrong-key');
    },
  );
});

describe('many stations', () => {
  it('are found over the pages of the list', async () => {
    await using test = await setup('stations', { stations: { count: 620 } });
    const { records, error } = await test.poll();
    expect(error).toBeNull();
    expect(records).toHaveLength(620);
  });
});

describe('a large answer', () => {
  it('comes in pages and is whole', async () => {
    await using test = await setup('firms', { firms: { bulk: { rows: 12_000 } }, ledger: 'off' });
    const { pages, records, error } = await test.poll();
    expect(error).toBeNull();
    expect(pages.map((page) => page.records.length)).toEqual([5000, 5000, 2000]);
    expect(new Set(records.map((record) => record.naturalKey)).size).toBe(12_000);
  });
});

describe('ranges of FIRMS', () => {
  const until = (text: string) => ({ window: { sinceMs: null, untilMs: Date.parse(text) } });

  it('longer than a request are read whole, each row once', async () => {
    await using test = await setup('firms', { firms: { backlog: 300 } }, {}, { dayRange: 8 });
    const { records, pages, error } = await test.poll(until('2025-07-04T18:00:00Z'));
    expect(error).toBeNull();
    expect(pages).toHaveLength(2);
    expect(sorted(records.map(readOf))).toEqual(sorted(test.providers.ledger.served().map(servedOf)));
    expect(records).toHaveLength(300);
  });

  it('of the past are whole days, refused where the data set has none', async () => {
    await using test = await setup('firms', { firms: { backlog: 300 } });
    const past = (from: string, to: string) => ({
      isBackfill: true,
      window: { sinceMs: Date.parse(from), untilMs: Date.parse(to) },
    });
    const found = await test.poll(past('2025-07-01T00:00:00Z', '2025-07-05T00:00:00Z'));
    expect(found.error).toBeNull();
    expect(found.records).toHaveLength(300);
    const older = await test.poll(past('2025-01-01T00:00:00Z', '2025-01-05T00:00:00Z'));
    expect(codeOf(older.error)).toBe('range_unavailable');
    expect(older.records).toEqual([]);
  });

  it('of a standard product end where it ends', async () => {
    // The simulated world has rows of its first day only: the product's last day is found, and holds none of them.
    await using test = await setup('firms', {}, {}, { dataset: 'VIIRS_SNPP_SP' });
    const { pages, error } = await test.poll(until('2025-07-04T18:00:00Z'));
    expect(error).toBeNull();
    expect(pages).toMatchObject([{ records: [], cursor: '2025-05-05' }]);
  });
});

describe('PurpleAir with a cursor', () => {
  it('reads over several polls what was served, and in none of them all again', async () => {
    let now = Date.parse('2025-07-04T18:05:00Z');
    await using test = await setup('purpleair', {
      static: false,
      now: () => now,
      purpleair: { count: 40, intervalSeconds: 120 },
    });
    const seen = new Set<string>();
    const counts: number[] = [];
    let cursor: unknown = null;
    for (let poll = 0; poll < 5; poll += 1) {
      const { pages, records, error } = await test.poll({ cursor, window: { sinceMs: null, untilMs: now } });
      expect(error).toBeNull();
      cursor = pages.at(-1)?.cursor;
      for (const record of records) seen.add(record.naturalKey);
      counts.push(records.length);
      now += 60_000;
    }
    expect(seen.size).toBe(test.providers.ledger.served().length);
    expect(counts.slice(1).every((count) => count < (counts[0] ?? 0))).toBe(true);
    expect(seen.size).toBeGreaterThan(counts[0] ?? 0);
  });
});

describe('METAR', () => {
  it('of many airports takes several requests, and reads every report once', async () => {
    await using test = await setup('metar', { metar: { count: 120 } });
    const { records, pages, error } = await test.poll();
    expect(error).toBeNull();
    expect(pages.map((page) => page.records.length)).toEqual([50, 50, 20]);
    expect(sorted(records.map(readOf))).toEqual(sorted(test.providers.ledger.served().map(servedOf)));
  });

  it('makes up for what was missed', async () => {
    let now = Date.parse('2025-07-04T18:00:00Z');
    await using test = await setup('metar', { static: false, now: () => now, metar: { count: 3 } });
    const sinceMs = now;
    now += 5 * 3_600_000;
    const { records } = await test.poll({ window: { sinceMs, untilMs: now } });
    // Six an hour, and the one at the beginning.
    expect(records).toHaveLength(3 * 31);
  });
});
