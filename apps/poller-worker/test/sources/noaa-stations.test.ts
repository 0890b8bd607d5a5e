import { codeOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import { createNoaaStations } from '../../src/sources/noaa-stations.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll, type Scripted, statusError, withReceipts } from './scripted-http.ts';

const base = 'https://nws.example';
const sourceOf = (params: Readonly<Record<string, unknown>>) =>
  resolvedSource({ type: 'noaa-stations', baseUrl: base, params });

const connector = createNoaaStations()(sourceOf({ stations: ['A1', 'A2', 'A3'] }));

const observation = (station: string) => ({
  properties: { station: `${base}/stations/${station}`, timestamp: '2025-01-04T09:53:00+00:00' },
});

const stationIn = (path: string): string => /^\/stations\/([^/]+)\/observations\/latest$/.exec(path)?.[1] ?? '';

/** Polls with an answer per station; the default is an observation. */
const poll = async (
  params: Readonly<Record<string, unknown>>,
  answers: (station: string, times: number) => Scripted | undefined = () => undefined,
  position: unknown = null,
) => {
  const source = sourceOf(params);
  const logged: unknown[] = [];
  const logger = { info: (fields: unknown) => logged.push(fields), warn: (fields: unknown) => logged.push(fields) };
  const times = new Map<string, number>();
  const http = createScriptedHttp((path) => {
    const station = stationIn(path);
    times.set(station, (times.get(station) ?? 0) + 1);
    return answers(station, times.get(station) ?? 0) ?? observation(station);
  });
  // A logger of two methods is all that the connector uses.
  const connector = createNoaaStations({ logger: logger as never })(source);
  const result = await pollAll(connector, source, http, position);
  const asked = http.requests.map((request) => stationIn(request.url.pathname));
  return {
    ...result,
    asked,
    requests: http.requests,
    logged,
    got: result.records.map((record) => record.partitionKey),
  };
};

describe('a list of stations', () => {
  it('is asked one by one, a page for each, in order, with the rest as the position', async () => {
    const { pages, got, error, requests } = await poll({ stations: ['KLAX', 'KSFO', 'KSAN'] });
    expect(error).toBeNull();
    expect(got).toEqual(['KLAX', 'KSFO', 'KSAN']);
    expect(pages.map((page) => page.position)).toEqual([
      { round: { rest: ['KSFO', 'KSAN'], again: [], answered: 1 } },
      { round: { rest: ['KSAN'], again: [], answered: 2 } },
      null,
    ]);
    expect(requests[0]).toMatchObject({ accept: 'application/geo+json', credential: null });
  });

  it('has pages in order whatever the order of the answers, at most four requests at a time', async () => {
    const stations = Array.from({ length: 12 }, (_, at) => `ST${at}`);
    let inFlight = 0;
    let most = 0;
    const source = sourceOf({ stations });
    const http = createScriptedHttp(async (path) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      // Later ones of a group answer first.
      for (let turn = 0; turn < 10 - (Number(stationIn(path).slice(2)) % 4) * 3; turn += 1) await Promise.resolve();
      inFlight -= 1;
      return observation(stationIn(path));
    });
    const { records } = await pollAll(createNoaaStations()(source), source, http);
    expect(records.map((record) => record.partitionKey)).toEqual(stations);
    expect(most).toBe(4);
  });

  it('goes on where an earlier run stopped, also through JSON', async () => {
    const first = await poll({ stations: ['A1', 'B1', 'C1'] });
    const position: unknown = JSON.parse(JSON.stringify(first.pages[0]?.position));
    const { asked } = await poll({ stations: ['A1', 'B1', 'C1'] }, undefined, position);
    expect(asked).toEqual(['B1', 'C1']);
  });

  it.each([
    { position: {} },
    { position: 'x' },
    { position: { round: { rest: [], again: [], answered: 0 } } },
    { position: { round: { rest: [5], again: [], answered: 0 } } },
    { position: { round: 7, listing: { next: 'no address', found: [] } } },
  ])('begins anew with a position that says nothing: $position', async ({ position }) => {
    expect((await poll({ stations: ['A1', 'B1'] }, undefined, position)).asked).toEqual(['A1', 'B1']);
  });
});

describe('answers of stations', () => {
  it('are used up one by one, and one without news costs its request only', async () => {
    const source = sourceOf({ stations: ['A1', 'A2', 'A3'] });
    const address = (station: string): string => `/stations/${station}/observations/latest`;
    const http = createScriptedHttp((path) => observation(stationIn(path)));
    const { pages, error } = await pollAll(connector, source, withReceipts(http, [address('A2')]));
    expect(error).toBeNull();
    expect(pages).toMatchObject([
      {
        records: [{ partitionKey: 'A1' }],
        receipts: [{ request: address('A1') }],
        position: { round: { answered: 1 } },
      },
      { records: [], unchanged: 'not_modified', position: { round: { rest: ['A3'], answered: 2 } } },
      { records: [{ partitionKey: 'A3' }], receipts: [{ request: address('A3') }], position: null },
    ]);
  });

  it('do not include the list of a state: one that counted as used up would come without its stations', async () => {
    const source = sourceOf({ state: 'CA' });
    const http = createScriptedHttp((path) =>
      path.startsWith('/stations?')
        ? { features: [{ properties: { stationIdentifier: 'A1' } }] }
        : observation(stationIn(path)),
    );
    const { pages } = await pollAll(createNoaaStations()(source), source, withReceipts(http));
    expect(pages.flatMap(({ receipts = [] }) => receipts.map(({ request }) => request))).toEqual([
      '/stations/A1/observations/latest',
    ]);
  });
});

describe('one station', () => {
  it('without an observation (404) is passed over, and said once per poll', async () => {
    const { got, error, invalid, logged, pages } = await poll({ stations: ['A1', 'B1', 'C1'] }, (station) =>
      station === 'B1' ? statusError(404) : undefined,
    );
    expect(error).toBeNull();
    expect(got).toEqual(['A1', 'C1']);
    expect(invalid).toEqual([]);
    expect(pages).toHaveLength(3);
    expect(logged).toEqual([{ sourceId: 'a-source', count: 1, stations: ['B1'] }]);
  });

  it.each([
    { name: 'no JSON', answer: '<html>sorry</html>', raw: '<html>sorry</html>', reason: 'unreadable' },
    { name: 'JSON of something else', answer: '[1, 2]', raw: '[1, 2]', reason: 'wrong_shape' },
    { name: 'nothing', answer: '', raw: '', reason: 'unreadable' },
    {
      name: 'far too much',
      answer: new StreamManagerError('response_too_large', 'too large'),
      raw: 'B1',
      reason: 'unreadable',
    },
  ])('that answers $name costs that station only', async ({ answer, raw, reason }) => {
    const { got, invalid, error } = await poll({ stations: ['A1', 'B1', 'C1'] }, (station) =>
      station === 'B1' ? answer : undefined,
    );
    expect(error).toBeNull();
    expect(got).toEqual(['A1', 'C1']);
    expect(invalid).toMatchObject([{ raw, reason, context: 'B1' }]);
    // Of an answer that was too large nothing is kept that could be parsed again.
    const isKept = !(answer instanceof Error);
    expect(invalid[0]?.isIncomplete).toBe(isKept ? undefined : true);
    expect(isKept ? connector.parseRow({ raw, context: 'B1' }) : invalid[0]).toEqual(invalid[0]);
  });

  it('that answers the same nonsense as another is a row of its own', async () => {
    const { invalid } = await poll({ stations: ['A1', 'B1'] }, () => '<html>sorry</html>');
    expect(invalid.map(({ raw }) => raw)).toEqual(['<html>sorry</html>', '<html>sorry</html>']);
    expect(new Set(invalid.map(({ identity }) => identity)).size).toBe(2);
  });

  it('is the record that its answer would have given, when its row is parsed again', async () => {
    const { records } = await poll({ stations: ['A1'] });
    expect(connector.parseRow({ raw: JSON.stringify(observation('A1')), context: 'A1' })).toEqual(records[0]);
  });

  it.each([
    { error: statusError(500) },
    { error: new StreamManagerError('fetch_timeout', 'slow') },
    { error: new StreamManagerError('fetch_network', 'cut') },
    { error: new StreamManagerError('fetch_redirect', 'away') },
  ])('that fails once ($error.code) is asked again after the others', async ({ error }) => {
    const result = await poll({ stations: ['A1', 'B1', 'C1'] }, (station, times) =>
      station === 'B1' && times === 1 ? error : undefined,
    );
    expect(result.error).toBeNull();
    expect(result.got).toEqual(['A1', 'C1', 'B1']);
  });

  it('that fails twice is left out with a warning, and holds up nobody', async () => {
    const { got, error, logged } = await poll({ stations: ['A1', 'B1', 'C1'] }, (station) =>
      station === 'B1' ? statusError(500) : undefined,
    );
    expect(error).toBeNull();
    expect(got).toEqual(['A1', 'C1']);
    expect(logged).toMatchObject([{ station: 'B1', error: expect.stringContaining('500') }]);
  });
});

describe('the provider', () => {
  it.each([
    { name: 'our budget is used up', error: new StreamManagerError('budget_exhausted', 'no', { retryAfterMs: 5000 }) },
    { name: 'it answers 429', error: statusError(429) },
    { name: 'it refuses us', error: statusError(403) },
    { name: 'the process stops', error: new StreamManagerError('stopped', 'stop') },
    { name: 'there is a mistake in our code', error: new TypeError('a mistake') },
  ])('ends the run when $name; what was answered is kept, and the rest comes next time', async ({ error }) => {
    const stations = ['A1', 'B1', 'C1', 'D1', 'E1', 'F1', 'G1'];
    const first = await poll({ stations }, (station) => (station === 'B1' ? error : undefined));
    expect(first.error).toBe(error);
    // C1, D1 and E1 were under way together with B1: their answers count.
    expect(first.got).toEqual(['A1', 'C1', 'D1', 'E1']);
    const second = await poll({ stations }, undefined, first.pages.at(-1)?.position);
    expect(second.got).toEqual(['B1', 'F1', 'G1']);
    expect(second.error).toBeNull();
  });

  it('that is down ends the run after three failures, and is not asked for every station', async () => {
    const stations = Array.from({ length: 30 }, (_, at) => `ST${at}`);
    const { error, asked, records } = await poll({ stations }, () => statusError(503));
    expect(error).toMatchObject({ code: 'fetch_status', status: 503 });
    expect(records).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(7);
  });

  it('that has no observation of any station is no success', async () => {
    expect((await poll({ stations: ['A1', 'B1'] }, () => statusError(404))).error).toMatchObject({ status: 404 });
  });
});

describe('the stations of a state', () => {
  const listPage = (ids: readonly unknown[], next?: unknown) => ({
    features: ids.map((id) => ({ properties: { stationIdentifier: id } })),
    ...(next === undefined ? {} : { pagination: { next } }),
  });

  const pollState = async (lists: Readonly<Record<string, Scripted>>, position: unknown = null) => {
    const source = sourceOf({ state: 'CA' });
    const http = createScriptedHttp((path) => lists[path] ?? observation(stationIn(path)));
    const result = await pollAll(createNoaaStations()(source), source, http, position);
    return { ...result, paths: http.requests.map(({ url }) => `${url.pathname}${url.search}`) };
  };

  const first = '/stations?state=CA&limit=500';

  it('are found over all pages of the list, then asked', async () => {
    const { records, error, paths, pages } = await pollState({
      [first]: listPage(['A1', 'B1'], `${base}/stations?state=CA&limit=500&cursor=x`),
      [`${first}&cursor=x`]: listPage(['B1', 'C1'], `${base}/stations?state=CA&limit=500&cursor=y`),
      [`${first}&cursor=y`]: listPage([]),
    });
    expect(error).toBeNull();
    expect(records.map((record) => record.partitionKey)).toEqual(['A1', 'B1', 'C1']);
    expect(paths.slice(0, 3)).toEqual([first, `${first}&cursor=x`, `${first}&cursor=y`]);
    expect(pages[0]).toMatchObject({ records: [], position: { listing: { found: ['A1', 'B1'] } } });
  });

  it('are listed on where an earlier run stopped', async () => {
    const position = { listing: { next: `${base}${first}&cursor=x`, found: ['A1'] } };
    const { records, paths } = await pollState({ [`${first}&cursor=x`]: listPage(['B1']) }, position);
    expect(paths[0]).toBe(`${first}&cursor=x`);
    expect(records.map((record) => record.partitionKey)).toEqual(['A1', 'B1']);
  });

  it('end with a page that brings nothing new, so that a link in a circle ends too', async () => {
    const { paths, error } = await pollState({ [first]: listPage(['A1'], `${base}${first}`) });
    expect(error).toBeNull();
    expect(paths.filter((path) => path === first)).toHaveLength(2);
  });

  it('with unusable ids are passed over', async () => {
    const { records } = await pollState({ [first]: listPage(['A1', '', 5, null, '../x', 'B1']) });
    expect(records.map((record) => record.partitionKey)).toEqual(['A1', 'B1']);
  });

  it.each([
    { name: 'a link to another host', list: listPage(['A1'], 'https://elsewhere.example/stations') },
    { name: 'a link that is none', list: listPage(['A1'], 5) },
    { name: 'no list', list: { title: 'nothing' } },
    { name: 'no JSON', list: '<html>' },
    { name: 'no station at all', list: listPage([]) },
  ])('fail the poll when the list has $name', async ({ list }) => {
    const { error, records } = await pollState({ [first]: list });
    expect(codeOf(error)).toBe('response_unreadable');
    expect(records).toEqual([]);
  });
});
