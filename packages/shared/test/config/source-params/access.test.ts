// `auth` and `tls` of a source: what is accepted, what is refused and where, and from where paths start.
import { describe, expect, it } from 'vitest';
import { issuesOf, loadText } from '../config-file.ts';

const source = (lines: string, type = 'noaa-alerts', params = '{ area: CA }'): string =>
  `sources:\n  one:\n    type: ${type}\n    params: ${params}\n${lines.replace(/^/gm, '    ')}`;

describe('auth', () => {
  it.each([
    { auth: '{ type: header, name: X-API-Key, value: a key }' },
    { auth: '{ type: query, name: "api key", value: a/key }' },
    { auth: '{ type: basic, username: me, password: "" }' },
    { auth: '{ type: bearer, token: abc }' },
    { auth: '{ type: oauth2, token_url: "https://login.example/token?x=1", client_id: me, client_secret: s }' },
    { auth: '{ type: oauth2, tokenUrl: "http://a/", clientId: me, clientSecret: s, scope: a b, audience: c }' },
  ])('is accepted: $auth', async ({ auth }) => {
    const { config } = await loadText(source(`auth: ${auth}`));
    expect(config.sources.one?.auth?.type).toBe(/type: (\w+)/.exec(auth)?.[1]);
  });

  it.each([
    { auth: '{ type: token, token: a }', path: 'auth.type', says: 'header, query, basic, bearer' },
    { auth: '{ type: header, name: "a b", value: x }', path: 'auth.name', says: 'a header name' },
    { auth: '{ type: header, name: a, value: "two\\nlines" }', path: 'auth.value', says: 'of one line' },
    { auth: '{ type: header, name: a }', path: 'auth.value', says: 'a header value of one line' },
    { auth: '{ type: basic, username: "a:b", password: c }', path: 'auth.username', says: 'without a colon' },
    { auth: '{ type: bearer, tokn: abc }', path: 'auth.tokn', says: 'token' },
    {
      auth: '{ type: oauth2, tokenUrl: "https://me:pw@login.example/", clientId: me, clientSecret: s }',
      path: 'auth.tokenUrl',
      says: 'without user or password',
    },
    {
      auth: '{ type: oauth2, tokenUrl: login.example/token, clientId: me, clientSecret: s }',
      path: 'auth.tokenUrl',
      says: 'an http or https address',
    },
  ])('is refused: $auth', async ({ auth, path, says }) => {
    const issues = await issuesOf(source(`auth: ${auth}`));
    const issue = issues.find((one) => one.path === `sources.one.${path}`);
    expect(issue?.message).toContain(says);
  });

  it.each([
    { type: 'mqtt', params: '{ url: "mqtt://broker:1883", topics: [a] }', refused: ['auth'] },
    { type: 'push', params: '{ token: 0123456789abcdef }', refused: ['auth', 'tls'] },
  ])('and tls are for what is asked over HTTP, and tls for a broker: $type', async ({ type, params, refused }) => {
    const lines = 'auth: { type: bearer, token: abc }\ntls: { ca: a.pem }';
    const issues = await issuesOf(source(lines, type, params));
    expect(issues.map(({ path }) => path)).toEqual(refused.map((key) => `sources.one.${key}`));
    expect(issues[0]?.message).toContain('asked over HTTP');
  });

  it('needs the host that it is meant for', async () => {
    const issues = await issuesOf(source('auth: { type: bearer, token: abc }', 'custom', '{ module: ./a.ts }'));
    expect(issues).toMatchObject([{ path: 'sources.one.auth' }]);
    expect(issues[0]?.message).toContain('needs baseUrl');
  });
});

describe('tls', () => {
  it('takes paths from the directory of the config file, and texts as they are', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\\nabc\\n-----END CERTIFICATE-----';
    const lines = `tls: { ca: "${pem}", cert: certs/client.pem, key: /run/secrets/key }`;
    const { config, file } = await loadText(source(lines));
    expect(config.sources.one?.tls).toEqual({
      ca: pem.replaceAll('\\n', '\n'),
      cert: file.replace('stream.yaml', 'certs/client.pem'),
      key: '/run/secrets/key',
    });
  });

  it.each([
    { tls: '{ cert: a.pem }', path: 'tls.cert', says: 'only beside key' },
    { tls: '{ key: a.pem }', path: 'tls.key', says: 'only beside cert' },
    { tls: '{ ca: a.pem, passphrase: b }', path: 'tls.passphrase', says: 'only beside key' },
  ])('is refused in part: $tls', async ({ tls, path, says }) => {
    const issues = await issuesOf(source(`tls: ${tls}`));
    expect(issues).toMatchObject([{ path: `sources.one.${path}` }]);
    expect(issues[0]?.message).toContain(says);
  });
});
