import { describe, expect, it } from 'vitest';
import { differencesOf, type Fixture } from '../../src/preview/fixture.ts';
import type { Look } from '../../src/preview/look-at-source.ts';
import { openApi } from './any-api.ts';

const secret = 'zyxwv-98765-secret';
const at = '2026-05-01T12:00:00Z';

const fixtureOf = ({ fixture }: Look): Fixture => {
  if (typeof fixture === 'string') throw new Error(fixture);
  return fixture;
};

const keyedBy = (how: string) => () =>
  `${how}
    params: { request: { path: /rows }, records: rows, id: id, time: at }`;

describe('a fixture of an API that repeats the secret', () => {
  it.each([
    ['a header of the source', "    headers: { Authorization: 'Bearer ${KEY}' }"],
    ['auth by header', "    auth: { type: header, name: X-Key, value: 'Token ${KEY}' }"],
    ['auth by query', "    auth: { type: query, name: appid, value: '${KEY}' }"],
    ['basic auth', "    auth: { type: basic, username: me, password: '${KEY}' }"],
    ['bearer auth', "    auth: { type: bearer, token: '${KEY}' }"],
  ])('holds nothing of it, and is polled again with and without it: %s', async (_name, how) => {
    await using api = await openApi(
      (request) => ({
        headers: { link: `<${request.url}&echo=${secret}>; rel="self"` },
        body: JSON.stringify({
          you: `${request.headers.authorization ?? ''}${request.url ?? ''}`,
          rows: [{ id: 1, at, note: `asked with ${secret}`, header: request.headers.authorization }],
        }),
      }),
      keyedBy(how),
    );
    const look = await api.look({ KEY: secret });
    expect(look.preview).toMatchObject({ error: null, records: [{ topic: expect.any(String) }] });
    const fixture = fixtureOf(look);
    const text = JSON.stringify([fixture, look.exchanges.map(({ body, ...rest }) => [rest, body?.toString('latin1')])]);
    for (const form of [secret, Buffer.from(`me:${secret}`).toString('base64')]) expect(text).not.toContain(form);
    expect(fixture.expected).toMatchObject({ recordCount: 1, error: null });
    expect(differencesOf(fixture.expected, await api.replay(fixture, { KEY: secret }))).toEqual([]);
    expect(differencesOf(fixture.expected, await api.replay(fixture))).toEqual([]);
  });

  it('holds nothing of it in an answer that is no UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`id;at;note\n1;${at};caf`),
      Buffer.from([0xe9]),
      Buffer.from(` ${secret}\n`),
    ]);
    await using api = await openApi(
      () => ({ headers: { 'content-type': 'text/csv' }, body: bytes }),
      () => `    auth: { type: bearer, token: '\${KEY}' }
    params: { request: { path: /rows }, id: id, time: at, csv: { delimiter: ';' } }`,
    );
    const fixture = fixtureOf(await api.look({ KEY: secret }));
    const { bodyBase64 = '' } = fixture.exchanges[0] ?? {};
    expect(Buffer.from(bodyBase64, 'base64').toString('latin1')).toBe(`id;at;note\n1;${at};caf\u00e9 ***\n`);
    expect(JSON.stringify(fixture)).not.toContain(secret);
    expect(differencesOf(fixture.expected, await api.replay(fixture))).toEqual([]);
  });

  it('holds nothing of a token that was asked for', async () => {
    const token = 'token-of-the-hour-4711';
    await using api = await openApi(
      (request) =>
        request.url === '/token'
          ? { body: JSON.stringify({ access_token: token, expires_in: 3600, token_type: 'Bearer' }) }
          : { body: JSON.stringify({ rows: [{ id: 1, at, you: request.headers.authorization }] }) },
      (url) => `    auth: { type: oauth2, tokenUrl: '${url}/token', clientId: me, clientSecret: '\${KEY}' }
    params: { request: { path: /rows }, records: rows, id: id, time: at }`,
    );
    const look = await api.look({ KEY: secret });
    expect(look.preview.error).toBeNull();
    expect(JSON.stringify(fixtureOf(look))).not.toContain(token);
    expect(fixtureOf(look).exchanges[0]?.body).toContain('Bearer ***');
  });
});

describe('a look', () => {
  it('reads an answer as a poll does: a byte order mark, and ids beyond 2^53', async () => {
    await using api = await openApi(
      () => ({
        body: `\uFEFF{"rows":[{"id":12345678901234567891,"at":"${at}"},{"id":12345678901234567892,"at":"${at}"}]}`,
      }),
      keyedBy(''),
    );
    const look = await api.look();
    expect(look.preview).toMatchObject({ error: null, repeated: 0, records: [{}, {}] });
    const fixture = fixtureOf(look);
    expect(differencesOf(fixture.expected, await api.replay(fixture))).toEqual([]);
  });

  it('shows every request that was sent for an answer, and what its headers say', async () => {
    await using api = await openApi(
      (request) =>
        request.url === '/rows'
          ? { status: 302, headers: { location: '/elsewhere' } }
          : { headers: { etag: '"7"', 'x-ratelimit-remaining': '12' }, body: '{"rows":[]}' },
      keyedBy(''),
    );
    const { exchanges } = await api.look();
    expect(exchanges).toMatchObject([
      {
        url: `${api.url}/rows`,
        steps: [
          { method: 'GET', place: `${api.url}/rows`, status: 302 },
          { method: 'GET', place: `${api.url}/elsewhere`, status: 200 },
        ],
        headers: { etag: '"7"', 'x-ratelimit-remaining': '12' },
        bytes: 11,
      },
    ]);
  });

  it('tells rows that an earlier page had, and those that were corrected', async () => {
    const row = (id: number, v: number) => ({ id, at, v });
    const first = [row(1, 1), row(2, 1)];
    const pages = [first, [row(1, 1), row(2, 2), row(3, 1)]];
    await using api = await openApi(
      (request) => ({
        body: JSON.stringify(pages[Number(new URL(request.url ?? '', 'http://x').searchParams.get('page')) - 1] ?? []),
      }),
      () =>
        `    params: { request: { path: /rows, query: { page: '{{page}}' } }, id: id, time: at, pagination: { kind: page } }`,
    );
    const { preview } = await api.look();
    expect(preview.error).toBeNull();
    expect(preview.repeated).toBe(1);
    expect(preview.records.map(({ isCorrection }) => isCorrection)).toEqual([false, false, true, false]);
  });

  it('asks from the time that is given, as the mode of the source has it', async () => {
    const asked: string[] = [];
    await using api = await openApi(
      (request) => {
        asked.push(request.url ?? '');
        return { body: '[]' };
      },
      () => `    params: { request: { path: /rows, query: { since: '{{since}}' } }, id: id, time: at }`,
    );
    const fixture = fixtureOf(await api.look({}, Date.parse('2026-05-01T00:00:00Z')));
    expect(decodeURIComponent(asked[0] ?? '')).toMatch(/^\/rows\?since=2026-05-01T00:00:00/);
    expect(differencesOf(fixture.expected, await api.replay(fixture))).toEqual([]);
  });
});

describe('a fixture of a refusal', () => {
  it('is what it was: the source reads the words of it again', async () => {
    const words = { error: 'ApiKeyTypeMismatchError', description: 'a write key cannot read' };
    await using api = await openApi(
      () => ({ status: 400, body: JSON.stringify(words) }),
      () => `    params: { apiKey: '\${KEY}', bbox: [-124, 32, -114, 42] }`,
      'purpleair',
    );
    const look = await api.look({ KEY: secret });
    expect(look.exchanges).toMatchObject([{ status: 400, steps: [{ status: 400 }] }]);
    expect(look.preview.error?.code).toBe('credentials_refused');
    const fixture = fixtureOf(look);
    expect(fixture.expected.error).toEqual({ code: 'credentials_refused' });
    expect(differencesOf(fixture.expected, await api.replay(fixture))).toEqual([]);
  });

  it('is none when there was no answer', async () => {
    await using api = await openApi((request) => {
      request.socket.destroy();
      return {};
    }, keyedBy(''));
    const look = await api.look();
    expect(look.preview.error?.code).toBe('fetch_network');
    expect(look.fixture).toMatch(/^there is an exchange without an answer: /);
  });
});
