// Whom the client trusts, and the certificate that it shows: against real servers with certificates of the tests' own.
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createTestAuthority } from '@stream-manager/testkit/network/certificates';
import { describe, expect, it } from 'vitest';
import { errorOf, setupClient } from './client-bundle.ts';

const authority = createTestAuthority();
const stranger = createTestAuthority('a stranger');
const server = authority.issue('server', ['localhost', '127.0.0.1']);
const client = authority.issue('the client');

/** A server that wants a client certificate of the authority if `isStrict`, and says whose it saw. */
const listen = async (isStrict: boolean, handle?: RequestListener) => {
  const saw: (string | undefined)[] = [];
  const https = createServer(
    { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: isStrict },
    (request, response) => {
      // The server is one over TLS.
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      saw.push(subject?.CN as string | undefined);
      if (handle === undefined) response.end('{}');
      else handle(request, response);
    },
  );
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  return {
    saw,
    origin: `https://localhost:${(https.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      https.closeAllConnections();
      await new Promise((resolve) => https.close(resolve));
    },
  };
};

describe('trust', () => {
  it('is refused to an authority that nobody knows, and given to that of the source', async () => {
    await using https = await listen(false);
    await using plain = setupClient({ baseUrl: https.origin });
    const error = await errorOf(plain.get('/'));
    expect(error.code).toBe('fetch_network');
    expect(error.message).toMatch(/certificate/i);
    await using trusting = setupClient({ baseUrl: https.origin, tls: { ca: authority.cert } });
    expect(await trusting.read('/')).toBe('{}');
    await using other = setupClient({ baseUrl: https.origin, tls: { ca: stranger.cert } });
    expect((await errorOf(other.get('/'))).code).toBe('fetch_network');
  });

  it('of one source is none of another: each has its own connections', async () => {
    await using https = await listen(false);
    await using trusting = setupClient({ baseUrl: https.origin, tls: { ca: authority.cert } });
    expect(await trusting.read('/')).toBe('{}');
    await using plain = setupClient({ baseUrl: https.origin });
    expect((await errorOf(plain.get('/'))).code).toBe('fetch_network');
  });
});

describe('a client certificate', () => {
  it('is shown to the host of the source, which may demand it', async () => {
    await using https = await listen(true);
    const tls = { ca: authority.cert, cert: client.cert, key: client.key };
    await using mutual = setupClient({ baseUrl: https.origin, tls });
    expect(await mutual.read('/')).toBe('{}');
    expect(https.saw).toEqual(['the client']);
    await using without = setupClient({ baseUrl: https.origin, tls: { ca: authority.cert } });
    expect((await errorOf(without.get('/'))).code).toBe('fetch_network');
  });

  it('is not shown to another host, where a redirect led', async () => {
    await using other = await listen(false);
    await using first = await listen(true, (_request, response) =>
      response.writeHead(302, { location: `${other.origin}/x` }).end(),
    );
    const tls = { ca: authority.cert, cert: client.cert, key: client.key };
    await using mutual = setupClient({ baseUrl: first.origin, tls });
    expect(await mutual.read('/')).toBe('{}');
    expect([first.saw, other.saw]).toEqual([['the client'], [undefined]]);
  });

  it('of a disabled source that cannot be read is told to who starts it', async () => {
    await using broken = setupClient({ baseUrl: 'https://localhost:1', enabled: false, tls: { ca: '/no/such.pem' } });
    const error = await errorOf(broken.get('/'));
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(error.message).toContain('sources.a-source.tls.ca');
  });
});
