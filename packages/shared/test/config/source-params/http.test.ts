import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@stream-manager/shared/config/config-error';
import { declaredUnits } from '@stream-manager/shared/config/source-params/declared-units';
import { describe, expect, it } from 'vitest';
import { loadText } from '../config-file.ts';

/** What is wrong with a source of type http whose params are these beside `time: t`; what is right is an empty list. */
const faultsOf = async (params: object, source: object = {}): Promise<readonly string[]> => {
  const entry = { type: 'http', baseUrl: 'https://api.example.org', ...source, params: { time: 't', ...params } };
  try {
    await loadText(JSON.stringify({ sources: { one: entry } }), { name: 'one.json' });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map(({ path, message }) => `${path.replace('sources.one.', '')}: ${message}`);
  }
};

describe('a source of type http', () => {
  it.each([
    { name: 'a time alone', params: {} },
    {
      name: 'a template in every place',
      params: {
        request: {
          path: '/{{since:date}}/x?a={{until:unix_ms}}',
          query: { b: ['{{since:YYYY-MM-DDTHH:mm}}'] },
          headers: { 'X-Since': '{{ since : iso_ms }}' },
        },
      },
    },
    {
      name: 'braces that are no template',
      params: { request: { method: 'POST', body: 'query { a(since: "{{since}}") { b{{} } }' } },
    },
    {
      name: 'a page in a body',
      params: {
        request: { method: 'POST', body: { q: { page: '{{page}}' } } },
        pagination: { kind: 'page', size: 10 },
      },
    },
    { name: 'links', params: { pagination: { kind: 'link', path: 'links.next' } } },
    { name: 'a cursor of records', params: { cursor: { max: 'id', parameter: 'after' } } },
    { name: 'an overlap', params: { request: { query: { from: '{{since}}' } }, overlap: '30m' } },
  ])('is right with $name', async ({ params }) => {
    expect(await faultsOf(params)).toEqual([]);
  });

  it.each([
    {
      name: 'no time',
      params: { time: undefined },
      says: ['params.time: is missing: expected a path to the time of a record'],
    },
    {
      name: 'a path that is none',
      params: { id: 'a..b' },
      says: [/^params\.id: expected a path such as properties\.mag/],
    },
    {
      name: 'a field that is none',
      params: { fields: { 'wind speed': 'a' } },
      says: [/expected a field name: a letter/],
    },
    {
      name: 'a unit that nobody knows',
      params: { fields: { x: { path: 'a', unit: 'knots' } } },
      says: [/params\.fields\.x\.unit: expected one of degC/],
    },
    {
      name: 'a unit of a text',
      params: { fields: { x: { path: 'a', unit: 'kt', type: 'text' } } },
      says: [/params\.fields\.x\.type: contradicts unit/],
    },
    {
      name: 'a form of times that is none',
      params: { timeFormat: 'YYYY-DD' },
      says: [/params\.timeFormat: expected one of iso8601, unix_s, unix_ms, or a pattern/],
    },
    {
      name: 'a form without a zone',
      params: { timeFormat: 'YYYY-MM-DD HH:mm' },
      says: [/params\.timeFormat: says no time zone/],
    },
    {
      name: 'a zone of seconds',
      params: { timeFormat: 'unix_s', timeZone: 'UTC' },
      says: [/params\.timeZone: has no meaning beside times that count from 1970/],
    },
    { name: 'half a position', params: { latitude: 'lat' }, says: [/params\.latitude: needs longitude beside it/] },
    {
      name: 'a template that nobody knows',
      params: { request: { path: '/x/{{now}}' } },
      says: [/params\.request\.path: holds \{\{now\}\}, which nobody knows: there are \{\{since\}\}/],
    },
    {
      name: 'a template without its end',
      params: { request: { query: { a: '{{since' } } },
      says: [/params\.request\.query\.a: holds \{\{since without its end/],
    },
    {
      name: 'a format that nobody knows',
      params: { request: { query: { a: '{{since:rfc822}}' } } },
      says: [/params\.request\.query\.a: .*unknown format: there are iso, iso_ms, unix/],
    },
    {
      name: 'a format of no time',
      params: { request: { query: { a: '{{page:iso}}' } }, pagination: { kind: 'page', parameter: 'p' } },
      says: [/has no format/],
    },
    {
      name: 'a cursor from nowhere',
      params: { request: { query: { a: '{{cursor}}' } } },
      says: [/params\.request\.query\.a: holds \{\{cursor\}\}, which needs cursor with initial/],
    },
    {
      name: 'a page of no pages',
      params: { request: { query: { a: '{{page}}' } } },
      says: [/needs pagination of kind page/],
    },
    {
      name: 'a cursor that nobody sends',
      params: { cursor: { max: 'id' } },
      says: [/params\.cursor: is not asked for/],
    },
    {
      name: 'two cursors',
      params: { cursor: { max: 'id', path: 'a', parameter: 'c' } },
      says: [/params\.cursor: must have either max/],
    },
    {
      name: 'a page that nobody asks for',
      params: { pagination: { kind: 'page' } },
      says: [/params\.pagination\.kind: needs parameter beside it, or \{\{page\}\} in the request/],
    },
    {
      name: 'a key of another paging',
      params: { pagination: { kind: 'link', size: 5 } },
      says: [/params\.pagination\.size: has a meaning only with kind page or offset, and kind is link/],
    },
    {
      name: 'a next value from nowhere',
      params: { pagination: { kind: 'cursor', parameter: 'c' } },
      says: [/params\.pagination\.kind: needs path beside it/],
    },
    {
      name: 'a limit without a size',
      params: { pagination: { kind: 'page', parameter: 'p', sizeParameter: 's' } },
      says: [/params\.pagination\.sizeParameter: needs size beside it/],
    },
    {
      name: 'a body of a GET',
      params: { request: { body: { a: 1 } } },
      says: [/params\.request\.body: needs method: POST beside it/],
    },
    {
      name: 'a link inside CSV',
      params: { format: 'csv', pagination: { kind: 'link', path: 'next' } },
      says: [/params\.pagination\.path: is for answers in JSON, and format is csv/],
    },
    {
      name: 'an overlap of nothing',
      params: { overlap: '1h' },
      says: [/params\.overlap: has no meaning: the request holds no \{\{since\}\}/],
    },
    {
      name: 'an address elsewhere',
      params: { request: { path: '//evil.example.org/' } },
      says: [/params\.request\.path: expected a path that begins with one slash/],
    },
    {
      name: 'an unknown key',
      params: { pagination: { kind: 'link', pth: 'a' } },
      says: [/params\.pagination\.pth: unknown key\. Did you mean "path"\?/],
    },
    {
      name: 'no address',
      params: {},
      source: { baseUrl: undefined },
      says: [/baseUrl: is missing: expected an http or https address/],
    },
  ])('is told what is wrong with $name', async ({ params, source, says }) => {
    const faults = await faultsOf(params, source);
    expect(faults).toHaveLength(says.length);
    for (const [at, text] of says.entries()) expect(faults[at]).toMatch(text);
  });
});

describe('docs/http-source.md', () => {
  it('shows a source that loads', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../../docs/http-source.md'), 'utf8');
    const yaml = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? '';
    const { config, warnings } = await loadText(yaml, { env: { RIVER_KEY: 'a-key' } });
    expect(warnings).toEqual([]);
    expect(config.sources['river-levels']).toMatchObject({ type: 'http', params: { id: ['gauge', 'measured_at'] } });
  });

  it('names every unit that can be declared', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../../docs/http-source.md'), 'utf8');
    expect(Object.keys(declaredUnits).filter((unit) => !page.includes(`\`${unit}\``))).toEqual([]);
  });
});
