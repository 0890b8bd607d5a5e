// Whatever a provider answers, a poll of any type ends: with pages in which no row is lost, or with an error of ours.
import { isDeepStrictEqual } from 'node:util';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSourceRegistry } from '../../src/sources/registry.ts';
import type { Page } from '../../src/sources/source.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll, type Scripted } from './scripted-http.ts';

const bbox = [-124, 32, -114, 42];
/** How the rows of each type stand in an answer; one row each that is a record. */
const types: Readonly<
  Record<
    string,
    { params: Readonly<Record<string, unknown>>; row: unknown; answer: (rows: readonly unknown[]) => Scripted }
  >
> = {
  'noaa-alerts': {
    params: { area: 'CA' },
    row: { properties: { id: 'urn:1', sent: '2025-01-04T09:00:00Z', event: 'Wind Advisory' }, geometry: null },
    answer: (features) => ({ features }),
  },
  'noaa-forecasts': {
    params: { gridpoints: ['LOX/154,45'] },
    row: { startTime: '2025-01-04T18:00:00-08:00', temperature: 50, temperatureUnit: 'F', windSpeed: '5 mph' },
    answer: (periods) => ({ properties: { updateTime: '2025-01-04T23:30:00Z', periods } }),
  },
  purpleair: {
    params: { apiKey: 'KEY', bbox, fields: ['pm2.5'] },
    row: [131_075, 1_735_981_320, 37.77, -122.42, 8.5],
    answer: (data) => ({
      data_time_stamp: 1_735_981_390,
      fields: ['sensor_index', 'last_seen', 'latitude', 'longitude', 'pm2.5'],
      data,
    }),
  },
  airnow: {
    params: { apiKey: 'KEY', zipCodes: ['90012'] },
    row: {
      DateObserved: '2025-01-04 ',
      HourObserved: 14,
      LocalTimeZone: 'PST',
      ReportingArea: 'Oakland',
      Latitude: 37.8,
      Longitude: -122.3,
      ParameterName: 'O3',
      AQI: 30,
    },
    answer: (rows) => rows,
  },
  metar: {
    params: { stations: ['KLAX'] },
    row: { icaoId: 'KLAX', obsTime: 1_736_024_000, lat: 33.9, lon: -118.4, altim: 1018 },
    answer: (reports) => reports,
  },
};
const registry = createSourceRegistry();

const poll = async (type: string, params: unknown, answer: Scripted) => {
  const source = resolvedSource({ type, params });
  const http = createScriptedHttp(() => answer);
  const { pages, error } = await pollAll(registry(type)(source), source, http);
  return { pages, isOurs: error === null || error instanceof StreamManagerError, error };
};

const rowsIn = (pages: readonly Page[]): number =>
  pages.reduce((sum, page) => sum + page.records.length + page.invalid.length, 0);

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc.string().map((text) => Buffer.from(text)),
);

describe.each(Object.entries(types))('%s', (type, { params, row, answer }) => {
  it('reads the row of this test as a record', async () => {
    const { pages } = await poll(type, params, answer([row]));
    expect(pages.flatMap((page) => page.records)).toHaveLength(1);
  });

  it('never breaks on bytes, and takes no record from what is no answer', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => {
        const { pages, isOurs } = await poll(type, params, bytes);
        expect(isOurs).toBe(true);
        expect(pages.flatMap((page) => page.records)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('loses no row among any others', async () => {
    const rows = fc.array(fc.oneof(fc.constant(row), fc.jsonValue({ maxDepth: 3 })), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const { pages, error } = await poll(type, params, answer(given));
        expect(error).toBeNull();
        expect(rowsIn(pages)).toBe(given.length);
        const good = given.filter((one) => isDeepStrictEqual(one, row)).length;
        expect(pages.flatMap((page) => page.records).length).toBeGreaterThanOrEqual(good);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps its neighbours when one row is nested deeper than anything can walk', async () => {
    const depth = 20_000;
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const text = JSON.stringify(answer([row, 'the deep one', row])).replace('"the deep one"', deep);
    const { pages, error } = await poll(type, params, text);
    expect(error).toBeNull();
    expect(pages.flatMap((page) => page.records)).toHaveLength(2);
    expect(pages.flatMap((page) => page.invalid)).toMatchObject([{ isIncomplete: true }]);
  });
});

describe('noaa-stations', () => {
  it('makes one row of each answer, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => {
        const { pages, error } = await poll('noaa-stations', { stations: ['KLAX', 'KSFO'] }, bytes);
        expect(error).toBeNull();
        expect(rowsIn(pages)).toBe(2);
      }),
      { numRuns: 200 },
    );
  });
});

describe('nasa-firms', () => {
  it('never breaks on bytes', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => {
        const { pages, isOurs } = await poll('nasa-firms', { mapKey: 'KEY', bbox }, bytes);
        expect([isOurs, rowsIn(pages)]).toEqual([true, 0]);
      }),
      { numRuns: 200 },
    );
  });

  it('makes a record or an invalid row of every line under its header, and of no other one anything', async () => {
    const header =
      'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight';
    const good = '39.7596,-121.6219,328.4,0.39,0.36,2025-01-04,902,N,VIIRS,n,2.0NRT,298.2,4.53,D';
    const line = fc.oneof(fc.constant(good), fc.constant(header), fc.string({ unit: 'binary-ascii' }).map(oneLine));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), async (lines) => {
        const { pages, error } = await poll('nasa-firms', { mapKey: 'KEY', bbox }, [header, ...lines].join('\n'));
        expect(error).toBeNull();
        const rows = lines.filter((text) => text.trim() !== '' && text !== header);
        expect(rowsIn(pages)).toBe(rows.length);
        expect(pages.flatMap((page) => page.records)).toHaveLength(lines.filter((text) => text === good).length);
      }),
      { numRuns: 200 },
    );
  });
});

const oneLine = (text: string): string => text.replaceAll(/[\n\r]/g, ' ');
