// Redirects to other hosts: what goes along, and where they may not lead. All servers are on the loopback; which of its
// addresses counts as public is said by the test.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AddressKind } from '../../src/http/addresses.ts';
import { OtherHostError } from '../../src/http/other-host-error.ts';
import { rateLimitTarget } from '../../src/http/target.ts';
import { errorOf, everythingOf, setupClient } from './client-bundle.ts';
import { startTestServer } from './test-server.ts';

interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly arrivals: IncomingMessage[];
}

const listen = async (address: string, handle: RequestListener): Promise<Listener> => {
  const arrivals: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    arrivals.push(request);
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Addresses of the loopback: 127.0.0.1 and 127.0.0.3 count as public here, all others are what they are. */
const kindOf = (address: string): AddressKind =>
  address === '127.0.0.1' || address === '127.0.0.3' ? 'public' : 'private';

/** Names of the tests. */
const lookupIn =
  (names: Readonly<Record<string, readonly string[]>>): LookupFunction =>
  (hostname, options, callback) => {
    const found = names[hostname] ?? [];
    if (found.length === 0) callback(Object.assign(new Error(`no such host ${hostname}`), { code: 'ENOTFOUND' }), '');
    else if (options.all === true)
      callback(
        null,
        found.map((address) => ({ address, family: 4 })),
      );
    else callback(null, found[0] ?? '', 4);
  };

const redirectTo =
  (location: () => string) =>
  (_request: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(302, { location: location() }).end();
const ok = (_request: IncomingMessage, response: ServerResponse): void => void response.end('"here"');

const auth = { type: 'bearer', token: 't0ken' };
const headers = { cookie: 'session=abcdef', 'X-Trace': 'operators-own', 'User-Agent': 'mine' };

describe('a redirect to another host', () => {
  it('is followed without anything that says who asks, and counts there for nobody', async () => {
    await using other = await listen('127.0.0.3', ok);
    await using first = await listen(
      '127.0.0.1',
      redirectTo(() => `http://127.0.0.3:${other.port}/x`),
    );
    const baseUrl = `http://127.0.0.1:${first.port}`;
    await using client = setupClient({ baseUrl, auth, headers }, { network: { kindOf } });
    expect(await client.read('/a', { credential: 'k3y', headers: { 'X-API-Key': 'k3y' } })).toBe('"here"');
    expect(first.arrivals[0]?.headers).toMatchObject({ authorization: 'Bearer t0ken', cookie: 'session=abcdef' });
    const { host: _, connection: __, ...seen } = other.arrivals[0]?.headers ?? {};
    expect(seen).toEqual({
      accept: 'application/json',
      'accept-encoding': 'gzip, br, zstd, deflate',
      'user-agent': 'mine',
    });
    expect(client.rateLimit.asked[1]).toBe(rateLimitTarget(new URL(`http://127.0.0.3:${other.port}`), null));
  });

  it.each([
    { name: 'nobody answers', to: () => 'http://127.0.0.1:1/', isOther: true },
    { name: 'it is broken', to: (origin: string) => `${origin}/503`, isOther: true },
    { name: 'it has nothing', to: (origin: string) => `${origin}/404`, isOther: false },
  ])('is no fault of the provider where $name', async ({ to, isOther }) => {
    await using other = await startTestServer((request, response) =>
      response.writeHead(Number(request.url?.slice(1))).end(),
    );
    await using server = await startTestServer((_request, response) =>
      response.writeHead(302, { location: to(other.origin) }).end(),
    );
    await using client = setupClient({ baseUrl: server.origin });
    expect((await errorOf(client.read('/'))) instanceof OtherHostError).toBe(isOther);
  });

  it('that leads back goes on without it', async () => {
    let home = '';
    await using other = await listen(
      '127.0.0.3',
      redirectTo(() => `${home}/back`),
    );
    await using first = await listen('127.0.0.1', (request, response) => {
      if (request.url === '/back') ok(request, response);
      else redirectTo(() => `http://127.0.0.3:${other.port}/x`)(request, response);
    });
    home = `http://127.0.0.1:${first.port}`;
    await using client = setupClient({ baseUrl: home, auth, headers }, { network: { kindOf } });
    expect(await client.read('/a')).toBe('"here"');
    expect(first.arrivals.map((request) => request.headers.authorization)).toEqual(['Bearer t0ken', undefined]);
  });

  it('is refused when it carries a secret, in a form of its own too, and nobody is asked there', async () => {
    await using other = await listen('127.0.0.3', ok);
    await using first = await listen('127.0.0.1', (request, response) =>
      redirectTo(() => `http://127.0.0.3:${other.port}/?${request.url?.slice(1)}`)(request, response),
    );
    const baseUrl = `http://127.0.0.1:${first.port}`;
    await using client = setupClient({ baseUrl, auth }, { network: { kindOf } });
    for (const form of ['t0ken', Buffer.from('t0ken').toString('base64url')]) {
      const error = await errorOf(client.get(`/${form}`));
      expect(error).toMatchObject({ code: 'fetch_redirect' });
      expect(error.message).toContain('carries a secret to another host');
      expect(everythingOf(error)).not.toContain(form);
    }
    expect(other.arrivals).toEqual([]);
    expect((await client.get('/session')).status).toBe(200);
  });

  it('is refused, and shown without it, when it carries a key that stands in the path of the source', async () => {
    const key = 'a-k3y-in-the-path';
    await using other = await startTestServer((_request, response) => response.end());
    await using server = await startTestServer((request, response) =>
      response.writeHead(302, { location: `${other.origin}${request.url}` }).end(),
    );
    const entry = {
      type: 'http',
      params: { request: { path: `/v1/${key}/rows` }, id: 'id', time: 't', format: 'json' },
      baseUrl: server.origin,
    };
    await using client = setupClient(entry, { secrets: [key, 'of-another-source'] });
    const error = await errorOf(client.read(`/v1/${key}/rows`));
    expect(error.code).toBe('fetch_redirect');
    expect(everythingOf(error)).not.toContain(key);
    expect(other.arrivals).toHaveLength(0);
  });

  it('ends after five, however many hosts take part', async () => {
    let ports: readonly number[] = [];
    const onwards = (at: number) => redirectTo(() => `http://127.0.0.${at === 0 ? 3 : 1}:${ports[1 - at]}/`);
    await using one = await listen('127.0.0.1', onwards(0));
    await using two = await listen('127.0.0.3', onwards(1));
    ports = [one.port, two.port];
    await using client = setupClient({ baseUrl: `http://127.0.0.1:${one.port}` }, { network: { kindOf } });
    expect((await errorOf(client.get('/'))).message).toContain('more than 5 redirects');
    expect(one.arrivals.length + two.arrivals.length).toBe(6);
  });
});

describe('from a public address', () => {
  it.each([
    { name: 'an address', host: '127.0.0.2' },
    { name: 'an address in another spelling', host: '[::ffff:127.0.0.2]' },
    { name: 'an address as one number', host: '2130706434' },
    { name: 'the address of this host', host: '0.0.0.0' },
    { name: 'the loopback of IPv6', host: '[::1]' },
    { name: 'a name that means a private address', host: 'inside.example' },
    { name: 'a name that means a private one among others', host: 'both.example' },
  ])('no redirect leads to $name', async ({ host }) => {
    await using inside = await listen('127.0.0.2', ok);
    await using first = await listen(
      '127.0.0.1',
      redirectTo(() => `http://${host}:${inside.port}/latest/meta-data`),
    );
    const lookup = lookupIn({
      'home.example': ['127.0.0.1'],
      'inside.example': ['127.0.0.2'],
      'both.example': ['127.0.0.3', '127.0.0.2'],
    });
    const baseUrl = `http://home.example:${first.port}`;
    await using client = setupClient({ baseUrl }, { network: { kindOf, lookup } });
    const error = await errorOf(client.get('/'));
    expect(error).toMatchObject({ code: 'fetch_redirect' });
    expect(error.message).toContain('leads to');
    expect(inside.arrivals).toEqual([]);
  });

  it('a name is judged by the address that is connected to, not by one that was looked up before', async () => {
    await using inside = await listen('127.0.0.2', ok);
    await using second = await listen(
      '127.0.0.3',
      redirectTo(() => `http://turns.example:${inside.port}/`),
    );
    await using first = await listen(
      '127.0.0.1',
      redirectTo(() => `http://turns.example:${second.port}/`),
    );
    // Public at first, and private when it is asked for again.
    const answers = ['127.0.0.3', '127.0.0.2'];
    const lookup: LookupFunction = (hostname, options, callback) =>
      lookupIn({ 'turns.example': [answers.shift() ?? '127.0.0.2'] })(hostname, options, callback);
    await using client = setupClient({ baseUrl: `http://127.0.0.1:${first.port}` }, { network: { kindOf, lookup } });
    expect(await errorOf(client.get('/'))).toMatchObject({ code: 'fetch_redirect' });
    expect([second.arrivals.length, inside.arrivals.length]).toEqual([1, 0]);
  });

  it('no redirect leads to a private one by way of another public one', async () => {
    await using inside = await listen('127.0.0.2', ok);
    await using second = await listen(
      '127.0.0.3',
      redirectTo(() => `http://127.0.0.2:${inside.port}/`),
    );
    await using first = await listen(
      '127.0.0.1',
      redirectTo(() => `http://127.0.0.3:${second.port}/`),
    );
    await using client = setupClient({ baseUrl: `http://127.0.0.1:${first.port}` }, { network: { kindOf } });
    expect(await errorOf(client.get('/'))).toMatchObject({ code: 'fetch_redirect' });
    expect([second.arrivals.length, inside.arrivals.length]).toEqual([1, 0]);
  });
});

describe('from a private address of the config', () => {
  it('a redirect may lead to another private one', async () => {
    await using inside = await listen('127.0.0.4', ok);
    await using first = await listen(
      '127.0.0.2',
      redirectTo(() => `http://127.0.0.4:${inside.port}/`),
    );
    await using client = setupClient({ baseUrl: `http://127.0.0.2:${first.port}` }, { network: { kindOf } });
    expect(await client.read('/')).toBe('"here"');
  });

  it('and to a public one, from where there is no way back', async () => {
    let home = '';
    await using other = await listen(
      '127.0.0.3',
      redirectTo(() => home),
    );
    await using first = await listen(
      '127.0.0.2',
      redirectTo(() => `http://127.0.0.3:${other.port}/`),
    );
    home = `http://127.0.0.2:${first.port}/back`;
    await using client = setupClient({ baseUrl: `http://127.0.0.2:${first.port}` }, { network: { kindOf } });
    expect(await errorOf(client.get('/'))).toMatchObject({ code: 'fetch_redirect' });
    expect([first.arrivals.length, other.arrivals.length]).toEqual([1, 1]);
  });
});

describe('a link of an answer to another host', () => {
  it('is asked as a redirect there would be', async () => {
    await using other = await listen('127.0.0.3', ok);
    await using inside = await listen('127.0.0.2', ok);
    await using first = await listen('127.0.0.1', ok);
    const baseUrl = `http://127.0.0.1:${first.port}`;
    await using client = setupClient({ baseUrl, auth, headers }, { network: { kindOf } });
    await client.read('/');
    expect(await client.read(`http://127.0.0.3:${other.port}/next`)).toBe('"here"');
    expect(other.arrivals[0]?.headers.authorization).toBeUndefined();
    for (const link of [`http://127.0.0.2:${inside.port}/`, `http://127.0.0.3:${other.port}/?t0ken`])
      expect(await errorOf(client.get(link))).toMatchObject({ code: 'fetch_redirect' });
    expect([other.arrivals.length, inside.arrivals.length]).toEqual([1, 0]);
  });
});
