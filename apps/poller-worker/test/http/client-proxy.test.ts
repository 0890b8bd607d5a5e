// Requests through a proxy of the environment: a real one, which connects tunnels and passes plain requests on, and writes
// down what it was asked. The proxy resolves names; so the tests' names live in it.
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createTestAuthority } from '@stream-manager/testkit/network/certificates';
import { describe, expect, it } from 'vitest';
import { errorOf, everythingOf, setupClient } from './client-bundle.ts';
import { startTestServer } from './test-server.ts';

const password = 'pr0xy/password';

/** A proxy that takes every name for this machine. With `user`, it wants to know who asks. */
const startProxy = async (user?: string) => {
  const asked: string[] = [];
  const wanted = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`;
  const knows = (request: IncomingMessage): boolean =>
    wanted === undefined || request.headers['proxy-authorization'] === wanted;
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!knows(request)) return void response.writeHead(407).end();
    const { port, pathname, search } = new URL(request.url ?? '');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onwards = forward({ host: '127.0.0.1', port, path: `${pathname}${search}`, method: request.method, headers });
    onwards.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    onwards.on('error', () => response.writeHead(502).end());
    request.pipe(onwards);
  });
  const tunnels = new Set<{ destroy(): unknown }>();
  proxy.on('connect', (request, client) => {
    asked.push(`CONNECT ${request.url}`);
    if (!knows(request)) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const server = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client);
      client.pipe(server);
    });
    for (const end of [client, server]) {
      tunnels.add(end);
      end.on('error', () => {
        client.destroy();
        server.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const at = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    asked,
    at,
    [Symbol.asyncDispose]: async () => {
      for (const tunnel of tunnels) tunnel.destroy();
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
};

const authority = createTestAuthority();
const mutual = { ca: authority.cert, ...authority.issue('the client') };

/** An HTTPS server of this name, which wants a client certificate. */
const startTlsServer = async (name: string) => {
  const saw: unknown[] = [];
  const server = createTlsServer(
    { ...authority.issue('server', [name]), ca: authority.cert, requestCert: true },
    (request, response) => {
      // The server is one over TLS.
      saw.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
      response.end('{}');
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    saw,
    origin: `https://${name}:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

describe('a proxy of the environment', () => {
  it('is asked for plain http, and sees no more than the provider does', async () => {
    await using proxy = await startProxy();
    await using server = await startTestServer((_request, response) => response.end('{}'));
    const baseUrl = `http://api.example:${new URL(server.origin).port}`;
    await using client = setupClient({ baseUrl }, { env: { http_proxy: `http://${proxy.at}` } });
    expect(await client.read('/a?b=1')).toBe('{}');
    expect(proxy.asked).toEqual([`GET ${baseUrl}/a?b=1`]);
    expect(server.arrivals[0]).toMatchObject({ path: '/a?b=1', headers: { host: new URL(baseUrl).host } });
  });

  it('tunnels https, with the trust and the certificate of the source at its other end', async () => {
    await using proxy = await startProxy();
    await using server = await startTlsServer('api.example');
    await using client = setupClient(
      { baseUrl: server.origin, tls: mutual },
      { env: { HTTPS_PROXY: `http://${proxy.at}` } },
    );
    expect(await client.read('/a')).toBe('{}');
    expect(proxy.asked).toEqual([`CONNECT ${new URL(server.origin).host}`]);
    expect(server.saw).toEqual(['the client']);
  });

  it.each([
    { name: 'the loopback', host: '127.0.0.1', env: {} },
    { name: 'what NO_PROXY names', host: 'direct.example', env: { NO_PROXY: 'a.example,.example' } },
  ])('is not asked for $name', async ({ host, env }) => {
    await using proxy = await startProxy();
    await using server = await startTestServer((_request, response) => response.end('{}'));
    await using client = setupClient(
      { baseUrl: `http://${host}:${new URL(server.origin).port}` },
      {
        env: { HTTP_PROXY: `http://${proxy.at}`, ...env },
        network: {
          lookup: (_name, options, callback) =>
            options.all === true
              ? callback(null, [{ address: '127.0.0.1', family: 4 }])
              : callback(null, '127.0.0.1', 4),
        },
      },
    );
    expect(await client.read('/')).toBe('{}');
    expect(proxy.asked).toEqual([]);
  });

  it('is told user and password', async () => {
    await using proxy = await startProxy(`me:${password}`);
    await using server = await startTestServer((_request, response) => response.end('{}'));
    const address = `http://me:${encodeURIComponent(password)}@${proxy.at}`;
    await using client = setupClient(
      { baseUrl: `http://api.example:${new URL(server.origin).port}` },
      { env: { HTTP_PROXY: address } },
    );
    expect(await client.read('/')).toBe('{}');
    expect(server.arrivals[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it.each([
    { name: 'plain', baseUrl: 'http://api.example:1', code: 'credentials_refused', says: 'the proxy refused' },
    { name: 'a tunnel', baseUrl: 'https://api.example:1', code: 'credentials_refused', says: 'the proxy refused' },
  ])('that refuses them is told without them: $name', async ({ baseUrl, code, says }) => {
    await using proxy = await startProxy('me:another password');
    const address = `http://me:${encodeURIComponent(password)}@${proxy.at}`;
    await using client = setupClient({ baseUrl }, { env: { HTTP_PROXY: address, HTTPS_PROXY: address } });
    const error = await errorOf(client.get('/'));
    expect(error.code).toBe(code);
    expect(error.message).toContain(says);
    for (const secret of [password, encodeURIComponent(password), Buffer.from(`me:${password}`).toString('base64')])
      expect(everythingOf(error)).not.toContain(secret);
  });

  it.each(['http://api.example:1', 'https://api.example:1'])(
    'that is away is a fault of the network (%s)',
    async (baseUrl) => {
      await using client = setupClient(
        { baseUrl },
        { env: { HTTP_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: '127.0.0.1:1' } },
      );
      expect((await errorOf(client.get('/'))).code).toBe('fetch_network');
    },
  );

  it('that cannot be used is refused at start', () => {
    expect(() => setupClient({ baseUrl: 'http://api.example' }, { env: { HTTP_PROXY: 'socks5://proxy:1' } })).toThrow(
      /HTTP_PROXY is no address of a proxy/,
    );
  });
});

describe('a redirect through a proxy', () => {
  it.each([
    { name: 'an address', location: 'http://10.0.0.1/' },
    { name: 'the loopback, which no proxy is asked for', location: 'http://127.0.0.1:1/' },
    { name: 'a name of the own network', location: 'http://metadata.google.internal/' },
    { name: 'a name without a dot', location: 'http://intranet/' },
  ])('from a public name does not lead to $name', async ({ location }) => {
    await using proxy = await startProxy();
    await using server = await startTestServer((_request, response) => response.writeHead(302, { location }).end());
    await using client = setupClient(
      { baseUrl: `http://api.example:${new URL(server.origin).port}` },
      { env: { HTTP_PROXY: `http://${proxy.at}` } },
    );
    expect(await errorOf(client.get('/'))).toMatchObject({ code: 'fetch_redirect' });
    expect(proxy.asked).toHaveLength(1);
  });

  it('leads to another public name, without what says who asks', async () => {
    await using proxy = await startProxy();
    await using other = await startTestServer((_request, response) => response.end('{}'));
    const location = `http://other.example:${new URL(other.origin).port}/x`;
    await using server = await startTestServer((_request, response) => response.writeHead(302, { location }).end());
    await using client = setupClient(
      {
        baseUrl: `http://api.example:${new URL(server.origin).port}`,
        auth: { type: 'bearer', token: 't0ken' },
      },
      { env: { HTTP_PROXY: `http://${proxy.at}` } },
    );
    expect(await client.read('/')).toBe('{}');
    expect(other.arrivals[0]?.headers).not.toHaveProperty('authorization');
  });
});
