// Every connector, through the real HTTP client, against the simulated providers: what was served must be what was read,
// whatever goes wrong on the way. The providers' ledger is written from their own truth, not from what they sent.
import { codeOf } from '@stream-manager/shared/failures/errors';
import { after } from '@stream-manager/shared/ops/after';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { naturalKeyOf } from '@stream-manager/testkit/accounting/natural-key';
import type { FaultName, RouteKind } from '@stream-manager/testkit/providers/faults';
import { type ProviderOptions, startProviders } from '@stream-manager/testkit/providers/server';
import { describe, expect, it } from 'vitest';
import { createHostShares } from '../../src/http/host-share.ts';
import { createHttpClient } from '../../src/http/undici-client.ts';
import { createSourceRegistry } from '../../src/sources/registry.ts';
import { createOpenRateLimit } from '../http/open-rate-limit.ts';
import { resolvedSource } from './resolved-source.ts';
import { pollAll } from './scripted-http.ts';

const bbox = [-124.48, 32.53, -114.13, 42.01];
const sources = {
  firms: (keys: Keys) => ({ type: 'nasa-firms', params: { mapKey: keys.mapKey, bbox } }),
  modis: (keys: Keys) => ({ type: 'nasa-firms', params: { mapKey: keys.mapKey, dataset: 'MODIS_NRT', bbox } }),
  stations: () => ({ type: 'noaa-stations', params: { state: 'CA' } }),
  alerts: () => ({ type: 'noaa-alerts', params: { area: 'CA' } }),
  purpleair: (keys: Keys) => ({ type: 'purpleair', params: { apiKey: keys.apiKey, bbox } }),
};
type SourceName = keyof typeof sources;
type Keys = { readonly mapKey: string; readonly apiKey: string };

/** The route whose answers hold the rows. */
const routeOf: Readonly<Record<SourceName, RouteKind>> = {
  firms: 'firms',
  modis: 'firms',
  stations: 'observations',
  alerts: 'alerts',
  purpleair: 'purpleair',
};

const setup = async (name: SourceName, options: ProviderOptions = {}, keys: Partial<Keys> = {}) => {
  const providers = await startProviders({
    startAt: Date.parse('2025-07-04T18:00:00Z'),
    static: true,
    stations: { count: 12 },
    alerts: { backlog: 20 },
    ...options,
  });
  const entry = sources[name]({ mapKey: providers.mapKey, apiKey: providers.apiKey, ...keys });
  const source = resolvedSource({ ...entry, baseUrl: providers.url, timeoutSeconds: 5 });
  const clients = createHttpClient({
    rateLimit: createOpenRateLimit(),
    hostShares: createHostShares({ after }, { concurrency: 32 }),
    maxResponseBytes: 10_000_000,
    userAgent: 'test',
  });
  const connector = createSourceRegistry()(source.type)(source);
  return {
    providers,
    poll: () => pollAll(connector, source, clients.forPoll({ source, signal: new AbortController().signal })),
    [Symbol.asyncDispose]: async () => {
      await providers.stop();
      await clients.close();
    },
  };
};

/** Numbers to nine digits: what a conversion of units there and back leaves of them. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === 'number' ? Number(inner.toPrecision(9)) : inner,
  );

const readOf = (record: SourceRecord): unknown => {
  const observedAt = new Date(record.observedAtMs).toISOString();
  const { type, location, data } = record;
  return rounded({
    key: naturalKeyOf({ type, observedAt, location, data }),
    type,
    observedAt,
    location,
    data,
    kafkaKey: record.partitionKey,
  });
};

const servedOf = (expected: ExpectedRecord): unknown => {
  const { naturalKey: key, type, observedAt, location, data, kafkaKey } = expected;
  return rounded({ key, type, observedAt, location, data, kafkaKey });
};

const sorted = (rows: readonly unknown[]): readonly unknown[] =>
  rows.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));

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
    expect(sorted(records.map(readOf))).toEqual(sorted(served.map(servedOf)));
    expect(invalid.map((row) => row.raw).toSorted()).toEqual(
      ledger
        .malformed()
        .map((row) => row.raw)
        .toSorted(),
    );
    expect(invalid.length > 0).toBe(fault === 'malformed');
    expect(new Set(records.map((record) => record.naturalKey)).size).toBe(records.length);
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
  it.each<{ name: SourceName }>([{ name: 'firms' }, { name: 'purpleair' }])(
    'is refused as what it is: $name',
    async ({ name }) => {
      await using test = await setup(name, {}, { mapKey: 'wrong-key', apiKey: 'wrong-key' });
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
