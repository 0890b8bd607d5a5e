// Sources of type http, from config alone, through the real HTTP client against simulated APIs: what was served must be what
// was read, whatever goes wrong on the way, in every form and with every way of paging.
import { join } from 'node:path';
import { loadConfig } from '@stream-manager/shared/config/load';
import { type ResolvedSource, resolveSource } from '@stream-manager/shared/config/resolve-source';
import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import type { FaultName } from '@stream-manager/testkit/providers/faults';
import {
  type ReadingFormat,
  type ReadingPaging,
  readingFormats,
  readingPagings,
} from '@stream-manager/testkit/providers/readings-route';
import { type ProviderOptions, type Providers, startProviders } from '@stream-manager/testkit/providers/server';
import { describe, expect, it } from 'vitest';
import { createHttp } from '../../../src/sources/http.ts';
import type { PollContext } from '../../../src/sources/source.ts';
import { readOf, servedOf, sorted } from '../as-served.ts';
import { createRealHttp } from '../real-http.ts';
import { resolvedSource } from '../resolved-source.ts';
import { pollAll } from '../scripted-http.ts';

const startAt = Date.parse('2025-07-04T18:00:00Z');

const setup = async (makeSource: (providers: Providers) => ResolvedSource, options: ProviderOptions = {}) => {
  const providers = await startProviders({ startAt, static: true, ...options });
  const source = makeSource(providers);
  const clients = createRealHttp({ maxResponseBytes: 10_000_000 });
  const connector = createHttp()(source);
  return {
    providers,
    poll: (given: Partial<PollContext> = {}) => {
      const http = clients.forPoll({ source, signal: new AbortController().signal });
      return pollAll(connector, source, http, given.position ?? null, {
        window: { sinceMs: null, untilMs: startAt },
        ...given,
      });
    },
    [Symbol.asyncDispose]: async () => {
      await providers.stop();
      await clients.close();
    },
  };
};

const rawsOf = (rows: readonly { readonly raw: string }[]): readonly string[] => rows.map(({ raw }) => raw).toSorted();

/** The source of config/examples/usgs-earthquakes.yaml, at the simulated address. */
const earthquakes = await loadConfig({
  path: 'config/examples/usgs-earthquakes.yaml',
  cwd: join(import.meta.dirname, '../../../../..'),
  env: {},
  secrets: 'required',
});
const usgs = ({ urls }: Providers): ResolvedSource => ({
  ...resolveSource(earthquakes.config, 'usgs-earthquakes'),
  baseUrl: urls.usgs,
  timeoutMs: 5000,
});

const where: Readonly<Record<ReadingFormat, (name: string) => string>> = {
  json: (name) => name,
  ndjson: (name) => name,
  csv: (name) => name,
  geojson: (name) => (name === 'id' ? name : `properties.${name}`),
};

/** How each way of paging is described. */
const paginations: Readonly<Record<ReadingPaging, object>> = {
  none: { kind: 'none' },
  link: { kind: 'link', path: 'meta.link' },
  header: { kind: 'link' },
  cursor: { kind: 'cursor', path: 'meta.next', parameter: 'cursor' },
  page: { kind: 'page', parameter: 'page', size: 25, sizeParameter: 'size' },
  offset: { kind: 'offset', parameter: 'offset', sizeParameter: 'size', size: 25 },
};

/** The API that nobody knows, in one of its forms, with one of its ways of paging. */
const readings =
  (format: ReadingFormat, paging: ReadingPaging, more: Readonly<Record<string, unknown>> = {}) =>
  ({ urls }: Providers): ResolvedSource => {
    const at = where[format];
    const isPlaced = format === 'geojson' ? {} : { latitude: 'lat', longitude: 'lon' };
    return resolvedSource({
      type: 'http',
      baseUrl: urls.unknown,
      timeoutSeconds: 5,
      partitionKey: 'data.sensor',
      params: {
        request: { path: `/readings/${format}/${paging}` },
        format,
        ...(format === 'json' ? { records: 'data.items' } : {}),
        id: 'id',
        time: at('taken_at'),
        timeFormat: 'unix_s',
        ...isPlaced,
        fields: {
          readingNumber: { path: 'id', type: 'number' },
          sensor: at('sensor'),
          temperatureC: { path: at('temp_f'), unit: 'degF' },
          windSpeedMps: { path: at('wind_mph'), unit: 'mi_h-1' },
          isChecked: { path: at('checked'), type: 'boolean' },
          note: at('note'),
        },
        pagination: paginations[paging],
        ...more,
      },
    });
  };

const isPossible = (format: ReadingFormat, paging: ReadingPaging): boolean =>
  format === 'json' || format === 'geojson' || (paging !== 'link' && paging !== 'cursor');
const ways = readingFormats.flatMap((format) =>
  readingPagings.filter((paging) => isPossible(format, paging)).map((paging) => ({ format, paging })),
);

const apis = [
  { name: 'USGS earthquakes', route: 'earthquakes', source: usgs },
  ...readingFormats.map(
    (format) =>
      ({
        name: `readings as ${format}`,
        route: 'readings',
        source: readings(format, format === 'ndjson' ? 'header' : 'page'),
      }) as const,
  ),
] as const;

describe.each(apis)('$name', ({ route, source }) => {
  it.each<{ fault: FaultName }>([
    { fault: 'none' },
    { fault: 'malformed' },
    { fault: 'extra-column' },
    { fault: 'bom' },
    { fault: 'crlf' },
    { fault: 'wrong-type' },
    { fault: 'slow-body' },
  ])('reads exactly what was served, and each broken row as it stood: $fault', async ({ fault }) => {
    const faults = { [route]: { chance: { [fault]: 1 }, malformedShare: fault === 'malformed' ? 0.3 : 0, slowMs: 40 } };
    await using test = await setup(source, { faults });
    const { records, invalid, error } = await test.poll();
    expect(error).toBeNull();
    const { ledger } = test.providers;
    const served = fault === 'wrong-type' ? ledger.offered() : ledger.served();
    expect(served.length).toBeGreaterThan(15);
    // A line break inside a quoted value is sent as CR LF, too.
    const asSent =
      fault === 'crlf'
        ? (row: unknown) => JSON.parse(JSON.stringify(row).replaceAll(String.raw`\r\n`, String.raw`\n`)) as unknown
        : (row: unknown) => row;
    expect(sorted(records.map(readOf).map(asSent))).toEqual(sorted(served.map(servedOf)));
    expect(rawsOf(invalid)).toEqual(rawsOf(ledger.malformed()));
    expect(invalid.length > 0).toBe(fault === 'malformed');
  });

  it('gives a row that stands twice in an answer twice, under one id', async () => {
    await using test = await setup(source, { faults: { [route]: { chance: { duplicate: 1 } } } });
    const { records, error } = await test.poll();
    const served = test.providers.ledger.served().map(servedOf);
    expect(error).toBeNull();
    expect(sorted(records.map(readOf))).toEqual(sorted([...served, ...served]));
    expect(new Set(records.map(({ naturalKey }) => naturalKey)).size).toBe(served.length);
  });

  it.each<{ fault: FaultName; code: string }>([
    { fault: '429', code: 'rate_limited' },
    { fault: '429-date', code: 'rate_limited' },
    { fault: '500', code: 'fetch_status' },
    { fault: '503', code: 'fetch_status' },
    { fault: 'cut-length', code: 'fetch_network' },
    { fault: 'cut-chunked', code: 'fetch_network' },
    { fault: 'html', code: 'response_unreadable' },
    { fault: 'empty', code: 'response_unreadable' },
    { fault: 'huge', code: 'response_too_large' },
  ])('fails as $code, without a row, on $fault', async ({ fault, code }) => {
    await using test = await setup(source, { faults: { [route]: { chance: { [fault]: 1 }, hugeBytes: 12_000_000 } } });
    const { records, invalid, error } = await test.poll();
    expect(codeOf(error)).toBe(code);
    expect([...records, ...invalid]).toEqual([]);
  });
});

describe('an API that nobody knows', () => {
  it.each(ways)(
    'is read whole over its pages, with faults between them, each row once: $format, $paging',
    async ({ format, paging }) => {
      const next: readonly FaultName[] = [
        'none',
        '429',
        'none',
        '500',
        'cut-length',
        'none',
        'html',
        'none',
        'empty',
        'none',
      ];
      await using test = await setup(readings(format, paging), { faults: { readings: { next } } });
      const read: SourceRecord[] = [];
      let position: unknown = null;
      let runs = 0;
      for (; runs < 20; runs += 1) {
        const { pages, records, error } = await test.poll({ position });
        read.push(...records);
        position = pages.length === 0 ? position : pages.at(-1)?.position;
        if (error === null) break;
      }
      const served = test.providers.ledger.served();
      expect(sorted(read.map(readOf))).toEqual(sorted(served.map(servedOf)));
      expect(read).toHaveLength(120);
      expect(runs > 0).toBe(paging !== 'none');
    },
  );

  it.each<{ paging: ReadingPaging; order: string }>([
    { paging: 'page', order: 'newest' },
    { paging: 'cursor', order: 'oldest' },
    { paging: 'link', order: 'newest' },
  ])('is asked for news only, whatever it begins with: $paging, $order first', async ({ paging, order }) => {
    let now = startAt;
    const more = {
      request: { path: `/readings/json/${paging}`, query: { order } },
      cursor: { max: 'id', parameter: 'after' },
    };
    await using test = await setup(readings('json', paging, more), { static: false, now: () => now });
    const read: string[] = [];
    let cursor: unknown = null;
    for (const stepMs of [0, 60_000, 1000, 600_000]) {
      now += stepMs;
      const { pages, records, error } = await test.poll({ cursor });
      expect(error).toBeNull();
      cursor = pages.at(-1)?.cursor;
      read.push(...records.map(({ naturalKey }) => naturalKey));
    }
    // 120 before the start, then one every ten seconds; none of them twice.
    expect(read).toHaveLength(120 + 66);
    expect(new Set(read).size).toBe(read.length);
  });

  it('is asked for a window of time, with an overlap, by a POST', async () => {
    const body = { since: '{{since:unix}}', until: '{{until:unix}}', page: '{{page}}' };
    const more = {
      request: { path: '/readings/csv/page', method: 'POST', body },
      pagination: { kind: 'page' },
      overlap: '1m',
      lookBack: '5m',
    };
    await using test = await setup(readings('csv', 'page', more));
    const of = async (sinceMs: number | null, untilMs: number) => {
      const { records, error } = await test.poll({ window: { sinceMs, untilMs } });
      expect(error).toBeNull();
      return records.map(({ observedAtMs }) => (observedAtMs - startAt) / 1000);
    };
    expect(Math.min(...(await of(null, startAt)))).toBe(-300);
    expect((await of(startAt - 60_000, startAt)).toSorted((one, other) => one - other)).toEqual([
      -120, -110, -100, -90, -80, -70, -60, -50, -40, -30, -20, -10, 0,
    ]);
  });
});

describe('USGS earthquakes', () => {
  it('that are corrected come again under the id that they had', async () => {
    let now = startAt;
    await using test = await setup(usgs, {
      static: false,
      now: () => now,
      earthquakes: { backlog: 10, intervalSeconds: 300 },
    });
    const first = await test.poll();
    now += 15 * 60_000;
    const second = await test.poll();
    const before = new Map(first.records.map((record) => [record.naturalKey, record]));
    const again = second.records.filter(({ naturalKey }) => before.has(naturalKey));
    const corrected = again.filter(
      ({ naturalKey, data }) => data['updatedAt'] !== before.get(naturalKey)?.data['updatedAt'],
    );
    expect(corrected.length).toBeGreaterThan(0);
    for (const { naturalKey, data, observedAtMs } of corrected) {
      expect(data).toMatchObject({ eventId: naturalKey, status: 'reviewed' });
      expect(data['magnitude']).not.toBe(before.get(naturalKey)?.data['magnitude']);
      expect(observedAtMs).toBe(before.get(naturalKey)?.observedAtMs);
    }
    expect(
      sorted(
        [...first.records, ...corrected, ...second.records.filter(({ naturalKey }) => !before.has(naturalKey))].map(
          readOf,
        ),
      ),
    ).toEqual(sorted(test.providers.ledger.served().map(servedOf)));
  });
});
