import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statusError } from '../scripted-http.ts';
import { type Answers, anApi, idsOf, rowsFrom, tickMs } from './an-api.ts';

const hourMs = 3_600_000;
const saying =
  (body: string | object, headers: Readonly<Record<string, string>> = {}): Answers =>
  () => ({ body, headers });

/** Outcome of a poll in a word. */
const outcome = ({ error }: { readonly error: unknown }): string =>
  error === null ? 'ok' : `${codeOf(error)}: ${messageOf(error)}`;

describe('a request', () => {
  it('is composed of templates, with the times of the tick', async () => {
    const api = anApi({
      request: {
        path: '/v1/{{since:date}}/readings?fixed=1',
        query: {
          from: '{{since}}',
          to: '{{until:unix}}',
          list: ['a b', 2, true],
          form: '{{until:YYYY-MM-DDTHH:mm}}',
          short: '{{until:YYMMDD}}',
        },
        headers: { 'X-Until': '{{until:iso_ms}}' },
      },
      overlap: '30m',
    });
    const { requests } = await api.poll(saying([]), { window: { sinceMs: tickMs - hourMs, untilMs: tickMs } });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.url.href).toBe(
      'https://api.example.org/v1/2025-07-04/readings?fixed=1&from=2025-07-04T16%3A30%3A00Z&to=1751652000&list=a+b&list=2&list=true&form=2025-07-04T18%3A00&short=250704',
    );
    expect(requests[0]).toMatchObject({
      method: 'GET',
      headers: { 'X-Until': '2025-07-04T18:00:00.000Z' },
      isRepeatable: false,
      credential: null,
    });
  });

  it('looks back from its tick before there was a poll, and exactly at its slice in a backfill', async () => {
    const api = anApi({
      request: { query: { from: '{{since}}', to: '{{until}}' } },
      lookBack: '6h',
      overlap: '1h',
      backfill: { slice: '2h' },
    });
    const fromOf = async (context: object) =>
      (await api.poll(saying([]), context)).requests[0]?.url.searchParams.get('from');
    expect(await fromOf({})).toBe('2025-07-04T12:00:00Z');
    expect(await fromOf({ isBackfill: true, window: { sinceMs: tickMs - 2 * hourMs, untilMs: tickMs } })).toBe(
      '2025-07-04T16:00:00Z',
    );
    expect(api.connector.backfill).toEqual({ sliceMs: 2 * hourMs });
    expect(anApi().connector.backfill).toBeUndefined();
  });

  it('has a body whose templates cannot end it', async () => {
    const body = {
      query: { from: '{{since:unix}}', after: '{{next}}', text: 'since {{cursor}}' },
      list: ['{{until:unix_ms}}', 7, null],
    };
    const params = {
      request: { method: 'POST', body },
      records: 'rows',
      pagination: { kind: 'cursor', path: 'next' },
      cursor: { max: 'id', initial: '"}' },
    };
    const { requests } = await anApi(params).poll((_request, number) => ({
      body: { rows: rowsFrom(number, 1), next: number === 1 ? 'x"y' : null },
    }));
    const bodies = requests.map((request) => JSON.parse(request.body ?? '') as unknown);
    const query = { from: tickMs / 1000 - 86_400, text: 'since "}' };
    expect(bodies).toEqual([
      { query: { ...query, after: null }, list: [tickMs, 7, null] },
      { query: { ...query, after: 'x"y' }, list: [tickMs, 7, null] },
    ]);
    expect(requests[0]).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } });

    const text = {
      request: {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"a":"{{cursor}}","b":{{since:unix}}}',
      },
      cursor: { max: 'id', initial: '"}' },
    };
    const asText = await anApi(text).poll(saying([]));
    expect(JSON.parse(asText.requests[0]?.body ?? '')).toEqual({ a: '"}', b: tickMs / 1000 - 86_400 });
  });

  it('counts by the key that it carries', async () => {
    const query = await anApi({ request: { query: { api_key: 'the-key', a: 'b' } } }).poll(saying([]));
    expect(query.requests[0]?.credential).toBe('the-key');
    const header = await anApi({}, { headers: { 'X-Api-Key': 'another', Accept: 'x' } }).poll(saying([]));
    expect(header.requests[0]?.credential).toBe('another');
  });

  it('never leaves its origin by what an answer put into its path', async () => {
    const api = anApi({
      request: { path: '/a/{{cursor}}' },
      cursor: { max: 'id', initial: '//evil.example.org/../x' },
    });
    expect((await api.poll(saying([]))).requests[0]?.url.href).toBe(
      'https://api.example.org/a/%2F%2Fevil.example.org%2F..%2Fx',
    );
  });
});

describe('an answer', () => {
  const rows = rowsFrom(1, 3);
  const lines = rows.map((row) => JSON.stringify(row)).join('\n');
  const table = `id,t,name\n${rows.map(({ id, t }) => `${id},${t},n`).join('\n')}\n`;
  const features = {
    type: 'FeatureCollection',
    features: rows.map((properties) => ({ type: 'Feature', geometry: null, properties })),
  };
  const ofFeature = { id: 'properties.id', time: 'properties.t' };

  it.each([
    { name: 'a list', params: {}, body: rows },
    { name: 'a list somewhere', params: { records: 'a["b.c"][0]' }, body: { a: { 'b.c': [rows] } } },
    { name: 'GeoJSON', params: { format: 'geojson', ...ofFeature }, body: features },
    { name: 'GeoJSON that is asked for as JSON', params: ofFeature, body: features },
    { name: 'NDJSON', params: { format: 'ndjson' }, body: lines },
    {
      name: 'NDJSON with CR LF, blank lines and a byte order mark',
      params: { format: 'ndjson' },
      body: `\uFEFF${lines.replaceAll('\n', '\r\n\r\n')}\r\n`,
    },
    { name: 'CSV', params: { format: 'csv' }, body: table },
    {
      name: 'CSV with a byte order mark and CR LF',
      params: { format: 'csv' },
      body: `\uFEFF${table.replaceAll('\n', '\r\n')}`,
    },
    {
      name: 'CSV without a header',
      params: { format: 'csv', csv: { header: ['id', 't', 'name'] } },
      body: table.slice(table.indexOf('\n') + 1),
    },
    {
      name: 'CSV without any names',
      params: { format: 'csv', csv: { header: false }, id: 'column_1', time: 'column_2' },
      body: table.slice(table.indexOf('\n') + 1),
    },
    {
      name: 'CSV in other signs',
      params: { format: 'csv', csv: { delimiter: 'tab', quote: 'single' } },
      body: table.replaceAll(',', '\t').replaceAll('n\n', "'a\n\t'\n"),
    },
    {
      name: 'columns',
      params: { records: 'hourly', layout: 'columns' },
      body: { hourly: { id: rows.map(({ id }) => id), t: rows.map(({ t }) => t), unit: 'x' } },
    },
    {
      name: 'JSON by its content type',
      params: { format: 'auto' },
      body: rows,
      type: 'application/json; charset=utf-8',
    },
    {
      name: 'GeoJSON by its content type',
      params: { format: 'auto', ...ofFeature },
      body: features,
      type: 'application/geo+json',
    },
    { name: 'NDJSON by its content type', params: { format: 'auto' }, body: lines, type: 'application/x-ndjson' },
    { name: 'CSV by its content type', params: { format: 'auto' }, body: table, type: 'text/csv' },
    {
      name: 'what it was said to be, whatever its content type',
      params: { format: 'csv' },
      body: table,
      type: 'application/json',
    },
  ])('is read: $name', async ({ params, body, type }) => {
    const polled = await anApi(params).poll(saying(body, type === undefined ? {} : { 'content-type': type }));
    expect([outcome(polled), polled.invalid, idsOf(polled)]).toEqual(['ok', [], [1, 2, 3]]);
  });

  it.each([
    { name: 'an empty list', params: {}, body: '[]' },
    { name: 'a list that is null', params: { records: 'a' }, body: '{"a":null}' },
    { name: 'no features', params: { format: 'geojson' }, body: '{"type":"FeatureCollection","features":[]}' },
    { name: 'a header alone', params: { format: 'csv' }, body: 'id,t\n' },
    { name: 'nothing, where that is a way to say so', params: { format: 'ndjson', allowEmpty: true }, body: '' },
    { name: 'status 204', params: {}, body: '', status: 204 },
  ])('without records is one: $name', async ({ params, body, status = 200 }) => {
    const polled = await anApi(params).poll(() => ({ body, status }));
    expect([outcome(polled), polled.records, polled.invalid, polled.pages.length]).toEqual(['ok', [], [], 1]);
  });

  const html = '<!DOCTYPE html>\n<html><body>We will be back</body></html>\n';
  it.each([
    { name: 'HTML for JSON', params: {}, body: html, says: 'no JSON' },
    { name: 'HTML for CSV', params: { format: 'csv' }, body: html, says: 'a page in HTML' },
    {
      name: 'HTML for CSV without a header',
      params: { format: 'csv', csv: { header: ['id'] } },
      body: `\uFEFF \n${html}`,
      says: 'a page in HTML',
    },
    { name: 'HTML for NDJSON', params: { format: 'ndjson' }, body: html, says: 'a page in HTML' },
    { name: 'no byte of CSV', params: { format: 'csv' }, body: '', says: 'no byte' },
    { name: 'no byte of NDJSON', params: { format: 'ndjson' }, body: ' \n', says: 'no byte' },
    { name: 'no byte of JSON', params: {}, body: '', says: 'no byte' },
    {
      name: 'an error with status 200',
      params: { records: 'data' },
      body: { error: 'quota used up', detail: {} },
      says: 'expected a list of records at data, found { error: "quota used up", detail: … }',
    },
    { name: 'an object for a list', params: {}, body: { message: 'no' }, says: 'params.records' },
    { name: 'a number for a list', params: { records: 'a' }, body: { a: 7 }, says: 'at a' },
    { name: 'NaN in JSON', params: {}, body: '[{"id":1,"t":NaN}]', says: 'no JSON' },
    {
      name: 'CSV without a column that the mapping needs',
      params: { format: 'csv' },
      body: 'id,x\n1,2\n',
      says: 'CSV with the columns t, found "id,x"',
    },
    {
      name: 'columns of two lengths',
      params: { layout: 'columns', records: 'a' },
      body: { a: { id: [1], t: [1, 2] } },
      says: 'lists of one length',
    },
    { name: 'a content type that says nothing', params: { format: 'auto' }, body: rows, says: 'params.format' },
  ])('is refused as a whole: $name', async ({ params, body, says }) => {
    const polled = await anApi(params).poll(saying(body));
    expect(outcome(polled)).toContain('response_unreadable');
    expect(outcome(polled)).toContain(says);
    expect(polled.pages).toEqual([]);
  });

  it.each([
    { name: 'values that are no rows', params: {}, body: [1, null, 'x', [], { id: 1, t: 2 }], bad: 4 },
    {
      name: 'a line that is no JSON',
      params: { format: 'ndjson' },
      body: '{"id":1,"t":2}\n{"id":2,"t":NaN}\n{\n',
      bad: 2,
    },
    { name: 'a list on a line', params: { format: 'ndjson' }, body: '[{"id":1}]\n{"id":1,"t":2}\n', bad: 1 },
    { name: 'missing and extra values', params: { format: 'csv' }, body: 'id,t\n1\n1,2\n1,2,3\n', bad: 2 },
    { name: 'quotes that are none', params: { format: 'csv' }, body: 'id,t\n1,2\n"1"x,2\n', bad: 1 },
    { name: 'ids that have been rounded', params: {}, body: '[{"id":1e19,"t":1},{"id":1,"t":2}]', bad: 1 },
    { name: 'ids beyond any number', params: {}, body: '[{"id":1e400,"t":1},{"id":1,"t":2}]', bad: 1 },
  ])('keeps its good rows beside $name', async ({ params, body, bad }) => {
    const polled = await anApi(params).poll(saying(body));
    expect([outcome(polled), idsOf(polled), polled.invalid.length]).toEqual(['ok', [1], bad]);
  });

  it('names columns so that they can be told apart', async () => {
    const polled = await anApi({ format: 'csv', id: 'id' }).poll(saying('id,v,v,, t ,__proto__\n1,a,b,c,2,d\n'));
    expect(polled.records[0]?.data).toEqual({ id: '1', v: 'a', v_2: 'b', column_4: 'c', t: '2', column_6: 'd' });
  });

  it('of many rows comes in parts of 5,000, and what is ahead can be read once more', async () => {
    const text = `id,t\n${rowsFrom(0, 12_001)
      .map(({ id, t }) => `${id},${t}`)
      .join('\n')}\n`;
    for (const [format, body] of [
      ['csv', text],
      ['json', rowsFrom(0, 12_001)],
    ] as const) {
      const polled = await anApi({ format }).poll(saying(body));
      expect(
        polled.pages.map(({ records, position, isPart, receipts }) => [
          records.length,
          position === null,
          isPart,
          receipts?.length,
        ]),
      ).toEqual([
        [5000, false, true, undefined],
        [5000, false, true, undefined],
        [2001, true, true, 1],
      ]);
      const ahead = await Array.fromAsync(polled.pages[0]?.ahead?.() ?? []);
      expect(ahead.map(({ records }) => records.length)).toEqual([5000, 2001]);
      // Cut off in the middle, the answer is read from its beginning.
      const again = await anApi({ format }).poll(saying(body), { position: polled.pages[0]?.position });
      expect(idsOf(again)).toHaveLength(12_001);
    }
  });

  it('of many rows, most of which are none, is another format', async () => {
    const rowsOf = (bad: number) => [...rowsFrom(0, 6000 - bad), ...Array.from({ length: bad }, () => ({ no: 'id' }))];
    expect(outcome(await anApi().poll(saying(rowsOf(3001))))).toContain('format_changed: 3001 of 6000 rows');
    const polled = await anApi().poll(saying(rowsOf(3000)));
    expect([outcome(polled), polled.records.length, polled.invalid.length]).toEqual(['ok', 3000, 3000]);
  });

  it('that is used up already is no news', async () => {
    const api = anApi({ cursor: { max: 'id', parameter: 'after' } });
    const polled = await api.poll(() => ({ body: '', unchanged: 'not_modified' }), { cursor: 7 });
    expect(polled.pages).toEqual([{ records: [], invalid: [], position: null, unchanged: 'not_modified', cursor: 7 }]);
    expect(polled.requests[0]?.isRepeatable).toBe(true);
  });
});

describe('an id', () => {
  it.each(['json', 'ndjson'])('keeps all its digits: %s', async (format) => {
    const row = '{"id":9007199254740993,"t":1}';
    const polled = await anApi({ format }).poll(saying(format === 'json' ? `[${row}]` : row));
    expect(polled.records.map(({ naturalKey }) => naturalKey)).toEqual(['9007199254740993']);
  });
});

describe('a row that was kept', () => {
  it.each([
    { name: 'JSON', params: {}, body: [{ id: 1 }], mended: '{"id":1,"t":2}' },
    { name: 'NDJSON', params: { format: 'ndjson' }, body: '{"id":1,"t":}', mended: '{"id":1,"t":2}' },
    { name: 'CSV', params: { format: 'csv', csv: { delimiter: ';' } }, body: 'id;t\n1;"\n"', mended: '1;2' },
  ])('is parsed again: $name', async ({ params, body, mended }) => {
    const { connector, poll } = anApi(params);
    const [row] = (await poll(saying(body))).invalid;
    const kept = { raw: row?.raw ?? '', context: row?.context ?? '' };
    expect(connector.parseRow(kept)).toEqual(row);
    expect(connector.parseRow({ ...kept, raw: mended })).toMatchObject({ naturalKey: '1', observedAtMs: 2000 });
  });

  it('has the id then that it has in an answer, with all its digits', async () => {
    const { connector, poll } = anApi({ format: 'ndjson', fields: { n: { path: 'n', optional: false } } });
    const [row] = (await poll(saying('{"id":9007199254740993,"t":2}'))).invalid;
    const mended = row?.raw.replace('}', ',"n":1}') ?? '';
    expect(connector.parseRow({ raw: mended, context: '' })).toMatchObject({ naturalKey: '9007199254740993' });
  });
});

describe('pages', () => {
  const all = rowsFrom(1, 23);
  const size = 5;

  /** An API of 23 rows that pages in every way; `order`: which row comes first. */
  const paged =
    (order = all): Answers =>
    ({ url }) => {
      const number = (name: string, otherwise: number): number => Number(url.searchParams.get(name) ?? otherwise);
      const at = url.searchParams.has('page') ? (number('page', 1) - 1) * size : number('from', 0);
      const rows = order.slice(at, at + size);
      const isLast = at + size >= order.length;
      const next = isLast ? null : at + size;
      const headers = isLast
        ? {}
        : {
            link: `<https://api.example.org/a?from=0>; rel="first", </a?from=${next}&key=the-key>; title="a, b"; rel="next last"`,
          };
      return {
        body: { rows, next, link: isLast ? null : `http://api.example.org/a?from=${next}&key=the-key`, more: !isLast },
        headers,
      };
    };
  const ways = [
    { name: 'a link in the answer', pagination: { kind: 'link', path: 'link' }, requests: 5 },
    { name: 'a link in a header', pagination: { kind: 'link' }, requests: 5 },
    { name: 'a cursor', pagination: { kind: 'cursor', path: 'next', parameter: 'from' }, requests: 5 },
    { name: 'pages', pagination: { kind: 'page', parameter: 'page' }, requests: 6 },
    {
      name: 'pages of a size',
      pagination: { kind: 'page', parameter: 'page', size, sizeParameter: 'limit' },
      requests: 5,
    },
    {
      name: 'pages that say whether there are more',
      pagination: { kind: 'page', parameter: 'page', more: 'more' },
      requests: 5,
    },
    { name: 'offsets', pagination: { kind: 'offset', parameter: 'from' }, requests: 6 },
    { name: 'offsets of a size', pagination: { kind: 'offset', parameter: 'from', size }, requests: 5 },
  ];
  const apiOf = (pagination: object, more: object = {}) =>
    anApi({ records: 'rows', request: { path: '/a', query: { key: 'the-key' } }, pagination, ...more });

  it.each(ways)('are read to the last one, each with where it goes on: $name', async ({ pagination, requests }) => {
    const polled = await apiOf(pagination).poll(paged());
    expect([outcome(polled), idsOf(polled)]).toEqual(['ok', all.map(({ id }) => id)]);
    expect(polled.requests).toHaveLength(requests);
    expect(polled.pages.map(({ position }) => position === null)).toEqual([
      ...Array.from({ length: requests - 1 }, () => false),
      true,
    ]);
    for (const request of polled.requests) {
      expect(request.url.searchParams.getAll('key')).toEqual(['the-key']);
      expect(request.isRepeatable).toBe(false);
    }
    expect(JSON.stringify(polled.pages.map(({ position }) => position))).not.toContain('the-key');
  });

  it.each(ways)('lose and double nothing when polls are cut off anywhere: $name', async ({ pagination }) => {
    const api = apiOf(pagination, { cursor: { max: 'id', parameter: 'after' } });
    const orders = fc.constantFrom(all, all.toReversed());
    await fc.assert(
      fc.asyncProperty(
        orders,
        fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(6)),
        async (order, cuts, faults) => {
          const seen = new Set<number>();
          let position: unknown = null;
          const cursors: unknown[] = [];
          for (let run = 0; run < 60; run += 1) {
            const fault = faults[run] ?? 0;
            const answers: Answers = (request, number) =>
              number === fault ? statusError(429) : paged(order)(request, number);
            const polled = await api.poll(answers, { position }, (cuts[run % cuts.length] ?? 1) + 1);
            for (const page of polled.pages) {
              for (const id of idsOf(page)) seen.add(id);
              position = JSON.parse(JSON.stringify(page.position)) as unknown;
              if (page.cursor !== undefined) cursors.push(page.cursor);
            }
            if (polled.error === null && polled.pages.length > 0 && position === null) break;
          }
          expect(position).toBeNull();
          expect([...seen].toSorted((one, other) => one - other)).toEqual(all.map(({ id }) => id));
          // Once, at the end, and the largest of all pages: also those of runs before.
          expect(cursors).toEqual([23]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('that go round in a circle are told of', async () => {
    const circle: Answers = (_request, number) => ({ body: { rows: rowsFrom(number, 1), next: number % 3 } });
    const polled = await apiOf({ kind: 'cursor', path: 'next', parameter: 'from' }).poll(circle);
    expect(outcome(polled)).toContain('response_unreadable: the answer names a next page that was read already');
    expect(polled.requests.length).toBeLessThan(6);
  });

  it.each([
    { kind: 'page', parameter: 'p' },
    { kind: 'offset', parameter: 'o' },
  ])('that are always the first one are told of: $kind', async (pagination) => {
    const polled = await apiOf(pagination).poll(saying({ rows: rowsFrom(1, 5) }));
    expect(outcome(polled)).toContain('does the API know pagination.parameter?');
    expect(polled.requests).toHaveLength(2);
  });

  it.each([
    { name: 'another host', link: 'https://evil.example.org/a' },
    { name: 'another port', link: 'https://api.example.org:8443/a' },
    { name: 'a user', link: 'https://me@api.example.org/a' },
    { name: 'no address', link: 'https://' },
    { name: 'a number', link: 7 },
  ])('are not followed to $name', async ({ link }) => {
    const polled = await apiOf({ kind: 'link', path: 'link' }).poll(saying({ rows: rowsFrom(1, 1), link }));
    expect(outcome(polled)).toContain('response_unreadable: expected the next page at https://api.example.org');
    expect(polled.pages).toEqual([]);
  });

  it('above the most of one poll fail it, and the next one goes on', async () => {
    const api = apiOf({ kind: 'page', parameter: 'page', maxPages: 2 });
    const first = await api.poll(paged());
    expect(outcome(first)).toContain('pagination.maxPages (2)');
    const second = await api.poll(paged(), { position: first.pages.at(-1)?.position });
    expect(idsOf(first).concat(idsOf(second))).toEqual(all.slice(0, 20).map(({ id }) => id));
  });

  it('end with the status that an API has behind the last, and with no other', async () => {
    const answers: Answers = (request, number) => (number === 6 ? statusError(404) : paged()(request, number));
    const api = apiOf({ kind: 'page', parameter: 'page', endStatus: 404 });
    const polled = await api.poll(answers);
    expect([outcome(polled), idsOf(polled).length, polled.pages.at(-1)?.position]).toEqual(['ok', 23, null]);
    expect(outcome(await api.poll(() => statusError(404)))).toContain('fetch_status');
    expect(outcome(await apiOf({ kind: 'page', parameter: 'page' }).poll(answers))).toContain('fetch_status');
  });

  it('end where a page without rows names itself, and not where it names another', async () => {
    const api = apiOf({ kind: 'cursor', path: 'next', parameter: 'from' });
    const still: Answers = (_request, number) =>
      number < 3
        ? { body: { rows: rowsFrom(number, 1), next: `after-${number}` } }
        : { body: { rows: [], next: 'after-2' } };
    const polled = await api.poll(still);
    expect([outcome(polled), idsOf(polled), polled.requests.length]).toEqual(['ok', [1, 2], 3]);
    const filtering: Answers = (_request, number) => ({
      body: { rows: number === 2 ? [] : rowsFrom(number, 1), next: number < 3 ? number : null },
    });
    expect(idsOf(await api.poll(filtering))).toEqual([1, 3]);
  });

  it.each([
    { name: 'under a name that says so', path: '/a?api_key=the-key', variables: [] },
    { name: 'under any name', path: '/a?k=the-key', variables: ['the-key'] },
    { name: 'as a part of the path', path: '/v1/the-key/a', variables: ['the-key'] },
    {
      name: 'with signs that an address escapes',
      path: '/a?k=the%2Fkey%20',
      variables: ['the%2Fkey%20', 'the/key '],
    },
  ])('are kept without the key that stands in the path: $name', async ({ path, variables }) => {
    const api = anApi(
      { records: 'rows', request: { path }, pagination: { kind: 'link', path: 'next' } },
      {},
      variables,
    );
    const paths = (number: number): string =>
      `https://api.example.org${path}${path.includes('?') ? '&' : '?'}p=${number}`;
    const answers: Answers = (_request, number) => ({
      body: { rows: rowsFrom(number, 1), next: number < 3 ? paths(number + 1) : null },
    });
    const first = await api.poll(answers, {}, 1);
    const position = JSON.parse(JSON.stringify(first.pages[0]?.position)) as unknown;
    expect(JSON.stringify(position)).not.toMatch(/the.{1,3}key/);
    const asked = (await api.poll(answers, { position })).requests.map(({ url }) => decodeURIComponent(url.href));
    expect(asked[0]?.split(/[?&]/).toSorted()).toEqual(decodeURIComponent(paths(2)).split(/[?&]/).toSorted());
    const failed = await api.poll(() => ({ body: '<html>the-key the/key </html>', headers: {} }), { position });
    expect(outcome(failed)).toContain('response_unreadable');
  });

  it('begin anew when what was kept is none of theirs', async () => {
    const api = apiOf({ kind: 'page', parameter: 'page', size });
    for (const position of [7, {}, { place: { kind: 'offset', offset: 5 } }, { place: { kind: 'page', page: 'x' } }])
      expect(idsOf(await api.poll(paged(), { position }))).toHaveLength(23);
  });
});

describe('a cursor', () => {
  it.each([
    { name: 'numbers', values: [3, 20, 7], is: 20 },
    { name: 'numbers below what is kept', values: [3], kept: 9, is: 9 },
    {
      name: 'ids with more digits than a number holds',
      values: ['9007199254740993', '9007199254740992', '999'],
      is: '9007199254740993',
    },
    {
      name: 'times',
      values: ['2025-07-04T18:00:00Z', '2025-07-04T20:30:00+02:00', '2025-07-04T17:00:00Z'],
      is: '2025-07-04T20:30:00+02:00',
    },
    { name: 'numbers with a point as text', values: ['9.5', '10.25', '9.75'], is: '10.25' },
    {
      name: 'seconds with more digits than a number has',
      values: ['1735689600.0000000002', '1735689600.0000000001'],
      is: '1735689600.0000000002',
    },
    { name: 'texts', values: ['b', 'abc'], is: 'b' },
    { name: 'nothing', values: [null], kept: 'x', is: 'x' },
    { name: 'nothing at all', values: [null], is: undefined },
  ])('is the largest of $name', async ({ values, kept = null, is }) => {
    const rows = values.map((mark, at) => ({ id: at, t: 1, mark }));
    const polled = await anApi({ cursor: { max: 'mark', parameter: 'after' } }).poll(saying(rows), { cursor: kept });
    expect(polled.pages.at(-1)?.cursor).toBe(is);
    expect(polled.requests[0]?.url.searchParams.get('after')).toBe(kept === null ? null : String(kept));
  });

  it('does not move for a row that is none', async () => {
    const rows = [
      { id: 1, t: 1, mark: 5 },
      { t: 1, mark: 99 },
    ];
    const polled = await anApi({ cursor: { max: 'mark', parameter: 'after' } }).poll(saying(rows));
    expect(polled.pages.at(-1)?.cursor).toBe(5);
  });

  it('may be a value of the answer', async () => {
    const api = anApi({ records: 'rows', cursor: { path: 'token', parameter: 'token', initial: 'start' } });
    const first = await api.poll(saying({ rows: [], token: 'abc' }));
    expect([first.requests[0]?.url.search, first.pages[0]?.cursor]).toEqual(['?token=start', 'abc']);
    const second = await api.poll(saying({ rows: [] }), { cursor: 'abc' });
    expect([second.requests[0]?.url.search, second.pages[0]?.cursor]).toEqual(['?token=abc', 'abc']);
    expect(outcome(await api.poll(saying({ rows: [], token: {} })))).toContain(
      'response_unreadable: expected a text or a number at token',
    );
  });

  it('is not kept of a backfill', async () => {
    const api = anApi({ cursor: { max: 'id', parameter: 'after' } });
    expect((await api.poll(saying(rowsFrom(1, 2)), { isBackfill: true })).pages[0]).not.toHaveProperty('cursor');
  });
});

describe('no records', () => {
  it.each(['auto', 'json', 'geojson', 'ndjson', 'csv'])(
    'are what status 204 says, which has no content type: %s',
    async (format) => {
      const polled = await anApi({ format }).poll(() => ({ body: '', status: 204 }));
      expect([outcome(polled), polled.pages.length]).toEqual(['ok', 1]);
    },
  );

  it.each(['json', 'geojson', 'ndjson', 'csv'])(
    'are what allowEmpty makes of an answer without a byte and without a length: %s',
    async (format) => {
      const polled = await anApi({ format, allowEmpty: true }).poll(saying(''));
      expect([outcome(polled), polled.records]).toEqual(['ok', []]);
      expect(outcome(await anApi({ format, allowEmpty: true }).poll(saying('<html>')))).not.toBe('ok');
    },
  );
});

describe('whatever an API answers', () => {
  const apis = ['json', 'geojson', 'ndjson', 'csv'].map((format) => anApi({ format }));

  it('every row of a list is a record or a dead letter', async () => {
    const json = fc.array(fc.oneof(fc.record({ id: fc.jsonValue(), t: fc.jsonValue() }), fc.jsonValue()), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(json, async (rows) => {
        const one = await anApi().poll(saying(rows));
        expect([outcome(one), one.records.length + one.invalid.length]).toEqual(['ok', rows.length]);
        const text = rows.map((row) => JSON.stringify(row)).join('\n');
        const other = await anApi({ format: 'ndjson' }).poll(saying(text));
        expect([outcome(other), other.records.length + other.invalid.length]).toEqual(['ok', rows.length]);
      }),
    );
  });

  it('is an error of ours at most: random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...apis), async (bytes, api) => {
        const polled = await api.poll(() => ({ body: Buffer.from(bytes) }));
        expect(['ok', 'response_unreadable']).toContain(outcome(polled).split(':')[0]);
      }),
      { numRuns: 300 },
    );
  });
});
