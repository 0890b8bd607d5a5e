// Who asks, as the provider sees it; and what of it nobody else sees.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { isUnanswered } from '../../src/breaker/verdict.ts';
import { HttpStatusError } from '../../src/http/http-status-error.ts';
import { OtherHostError } from '../../src/http/other-host-error.ts';
import { rateLimitTarget } from '../../src/http/target.ts';
import { bodyOf, errorOf, everythingOf, setupClient } from './client-bundle.ts';
import { startTestServer } from './test-server.ts';

const ok = (_request: IncomingMessage, response: ServerResponse): void => void response.end('{}');

describe('auth', () => {
  it.each([
    { auth: { type: 'header', name: 'X-API-Key', value: 'k3y' }, headers: { 'x-api-key': 'k3y' }, path: '/a?b=1' },
    { auth: { type: 'query', name: 'key', value: 'k/y' }, headers: {}, path: '/a?b=1&key=k%2Fy' },
    {
      auth: { type: 'basic', username: 'me', password: 'pässword' },
      headers: { authorization: `Basic ${Buffer.from('me:pässword').toString('base64')}` },
      path: '/a?b=1',
    },
    { auth: { type: 'bearer', token: 't0ken' }, headers: { authorization: 'Bearer t0ken' }, path: '/a?b=1' },
  ])('$auth.type is in each request, over the headers of the operator', async ({ auth, headers, path }) => {
    await using server = await startTestServer(ok);
    await using client = setupClient({ baseUrl: server.origin, auth, headers: { Authorization: 'old', 'x-b': 'b' } });
    await client.read('/a?b=1');
    expect(server.arrivals[0]?.path).toBe(path);
    expect(server.arrivals[0]?.headers).toMatchObject({ authorization: 'old', 'x-b': 'b', ...headers });
  });

  it('is what the provider counts by, beside what the type of the source names', async () => {
    await using server = await startTestServer(ok);
    const auth = { type: 'bearer', token: 't0ken' };
    await using client = setupClient({ baseUrl: server.origin, auth });
    await client.read('/');
    await client.read('/', { credential: 'own' });
    const url = new URL(server.origin);
    expect(client.rateLimit.asked).toEqual([
      rateLimitTarget(url, 't0ken'),
      rateLimitTarget(url, JSON.stringify(['own', 't0ken'])),
    ]);
  });

  it.each([
    { auth: { type: 'header', name: 'x', value: 'Key s3cret/one' }, secrets: ['s3cret'] },
    { auth: { type: 'query', name: 'x', value: 's3cret/two' }, secrets: ['s3cret'] },
    {
      auth: { type: 'basic', username: 'me', password: 's3cret' },
      secrets: ['s3cret', Buffer.from('me:s3cret').toString('base64')],
    },
    { auth: { type: 'bearer', token: 's3cret' }, secrets: ['s3cret'] },
  ])('$auth.type is in no error, whatever the provider echoes', async ({ auth, secrets }) => {
    await using server = await startTestServer((request, response) =>
      response.writeHead(500).end(`${request.url} ${JSON.stringify(request.headers)} ${JSON.stringify(auth)}`),
    );
    await using client = setupClient({ baseUrl: server.origin, auth });
    const shown = everythingOf(await errorOf(client.get('/path')));
    expect(shown).toContain('/path');
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });

  it('goes along inside the origin, the key in the query too', async () => {
    await using server = await startTestServer((request, response) => {
      if (request.url?.startsWith('/old')) response.writeHead(301, { location: '/new' }).end();
      else response.end('{}');
    });
    await using client = setupClient({ baseUrl: server.origin, auth: { type: 'query', name: 'k', value: 'v' } });
    await client.read('/old');
    expect(server.arrivals.map(({ path }) => path)).toEqual(['/old?k=v', '/new?k=v']);
  });
});

describe('OAuth2', () => {
  const setup = async (api: (request: IncomingMessage, response: ServerResponse) => void = ok) => {
    let tokens = 0;
    const bodies: string[] = [];
    const answers: ((response: ServerResponse) => void)[] = [];
    const giveToken = (response: ServerResponse): void => {
      tokens += 1;
      response.end(JSON.stringify({ access_token: `token-${tokens}`, token_type: 'Bearer', expires_in: 3600 }));
    };
    const login = await startTestServer(
      (request, response) =>
        void bodyOf(request).then((body) => {
          bodies.push(body);
          (answers.shift() ?? giveToken)(response);
        }),
    );
    const server = await startTestServer(api);
    const auth = {
      type: 'oauth2',
      tokenUrl: `${login.origin}/token`,
      clientId: 'me',
      clientSecret: 'cl13nt-s3cret',
      scope: 'read',
    };
    const client = setupClient({ baseUrl: server.origin, auth });
    return {
      login,
      server,
      client,
      bodies,
      /** What the login answers first. */
      answers,
      [Symbol.asyncDispose]: async () => {
        await client[Symbol.asyncDispose]();
        await login[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  };

  it("asks for a token once, under the limit of the login's host, and shows it in each request", async () => {
    await using test = await setup();
    const other = test.client.another();
    await Promise.all([
      test.client.read('/a'),
      test.client.read('/b'),
      other.get('/c').then((answer) => answer.text()),
    ]);
    expect(test.login.arrivals).toHaveLength(1);
    expect(test.login.arrivals[0]?.headers).toMatchObject({
      'user-agent': 'StreamManager/0 (+test)',
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from('me:cl13nt-s3cret').toString('base64')}`,
    });
    expect(test.bodies).toEqual(['grant_type=client_credentials&scope=read']);
    expect(test.server.arrivals.map(({ headers }) => headers.authorization)).toEqual(
      Array.from({ length: 3 }, () => 'Bearer token-1'),
    );
    expect(test.client.rateLimit.asked.toSorted()).toEqual(
      [
        rateLimitTarget(new URL(test.login.origin), 'me'),
        ...Array.from({ length: 3 }, () => rateLimitTarget(new URL(test.server.origin), 'me')),
      ].toSorted(),
    );
  });

  it('asks for another token after a 401, and repeats the request once', async () => {
    await using test = await setup((request, response) => {
      const isOld = request.headers.authorization === 'Bearer token-1';
      response.writeHead(isOld ? 401 : 200).end('{}');
    });
    expect(await test.client.read('/')).toBe('{}');
    expect(test.server.arrivals.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    await test.client.read('/');
    expect(test.login.arrivals).toHaveLength(2);
  });

  it('gives up after the second 401, and shows no token', async () => {
    await using test = await setup((request, response) => response.writeHead(401).end(request.headers.authorization));
    const error = await errorOf(test.client.get('/'));
    expect(error.code).toBe('credentials_refused');
    expect(everythingOf(error)).not.toContain('token-2');
    expect(test.server.arrivals).toHaveLength(2);
  });

  it.each([
    { status: 400, code: 'credentials_refused', asked: 2, waitMs: null },
    { status: 401, code: 'credentials_refused', asked: 2, waitMs: null },
    // Nothing that a source could take for an answer to its own question.
    { status: 404, code: 'credentials_refused', asked: 1, waitMs: null },
    { status: 429, code: 'rate_limited', asked: 1, waitMs: 9_000 },
    { status: 500, code: 'fetch_status', asked: 1, waitMs: 9_000 },
    { status: 302, code: 'fetch_redirect', asked: 1, waitMs: null },
  ])('$status of the login is $code, and the provider is not asked', async ({ status, code, asked, waitMs }) => {
    await using test = await setup();
    const answer = (response: ServerResponse): void =>
      void response
        .writeHead(status, { location: 'http://x.example/', 'retry-after': '9' })
        .end('cl13nt-s3cret? bWU6Y2wxM250LXMzY3JldA==');
    test.answers.push(answer, answer);
    const error = await errorOf(test.client.get('/path'));
    expect(error).toMatchObject({ code, retryAfterMs: waitMs });
    expect(error.message).toContain('/token');
    // What may pass is told with its status, and what will not is not.
    expect(error.cause instanceof HttpStatusError).toBe(waitMs !== null);
    for (const secret of ['cl13nt', 'bWU6Y2']) expect(everythingOf(error)).not.toContain(secret);
    expect(test.login.arrivals).toHaveLength(asked);
    expect(test.server.arrivals).toEqual([]);
  });

  it.each([401, 500])('a key in the path of a login that answers %s is not shown', async (status) => {
    await using login = await startTestServer((_request, response) => response.writeHead(status).end('k3y-in-path'));
    const auth = {
      type: 'oauth2',
      clientId: 'me',
      clientSecret: 's3cret',
      tokenUrl: `${login.origin}/k3y-in-path/token`,
    };
    await using client = setupClient({ baseUrl: login.origin, auth }, { secrets: ['k3y-in-path'] });
    const shown = everythingOf(await errorOf(client.get('/')));
    expect(shown).toContain('/***/token');
    expect(shown).not.toContain('k3y-in-path');
  });

  it.each([
    { name: 'away', isThere: false },
    { name: 'broken', isThere: true },
  ])('a login that is $name says nothing of the provider', async ({ isThere }) => {
    await using server = await startTestServer((_request, response) => response.writeHead(503).end());
    await using login = await startTestServer((_request, response) => response.writeHead(503).end());
    const tokenUrl = isThere ? `${login.origin}/token` : 'http://127.0.0.1:1/token';
    const auth = { type: 'oauth2', clientId: 'me', clientSecret: 's3cret' };
    await using client = setupClient({ baseUrl: server.origin, auth: { ...auth, tokenUrl } });
    const error = await errorOf(client.read('/'));
    expect(error).toBeInstanceOf(OtherHostError);
    expect(isUnanswered(error)).toBe(true);
    expect(server.arrivals).toHaveLength(0);

    await using own = setupClient({ baseUrl: server.origin, auth: { ...auth, tokenUrl: `${server.origin}/token` } });
    expect(await errorOf(own.read('/'))).not.toBeInstanceOf(OtherHostError);
  });

  it('is stopped with its poll', async () => {
    await using test = await setup();
    test.answers.push(() => {});
    const pending = errorOf(test.client.get('/'));
    await waitUntil('the login to be asked', () => test.login.arrivals.length === 1);
    test.client.stop.abort();
    expect((await pending).code).toBe('stopped');
    expect(
      await test.client
        .another()
        .get('/')
        .then((answer) => answer.text()),
    ).toBe('{}');
  });
});

describe('a request', () => {
  it('may be a POST with a body', async () => {
    const bodies: string[] = [];
    await using server = await startTestServer(
      (request, response) =>
        void bodyOf(request).then((body) => {
          bodies.push(`${request.method} ${request.headers['content-type']} ${body}`);
          response.end('{}');
        }),
    );
    await using client = setupClient({ baseUrl: server.origin });
    await client.read('/', { method: 'POST', body: '{"é":1}', headers: { 'Content-Type': 'application/json' } });
    await client.read('/', { method: 'POST' });
    expect(bodies).toEqual(['POST application/json {"é":1}', 'POST undefined ']);
  });

  it.each([
    { name: 'If-None-Match', headers: { 'If-None-Match': '"abc"' } },
    { name: 'If-Modified-Since', headers: { 'if-modified-since': 'Tue, 01 Jul 2025 12:00:00 GMT' } },
  ])('with $name may be answered by 304: nothing changed, and there is nothing to read', async ({ headers }) => {
    await using server = await startTestServer((_request, response) =>
      response.writeHead(304, { etag: '"abc"' }).end(),
    );
    await using client = setupClient({ baseUrl: server.origin });
    const response = await client.get('/', { headers });
    expect(response).toMatchObject({ status: 304, unchanged: 'not_modified', headers: { etag: '"abc"' } });
    expect(await response.text()).toBe('');
    // Its place is free, and its connection too.
    expect((await client.get('/', { headers })).status).toBe(304);
  });
});
