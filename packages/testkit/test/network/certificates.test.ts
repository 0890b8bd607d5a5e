import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createTestAuthority, withPassphrase } from '@stream-manager/testkit/network/certificates';
import { describe, expect, it } from 'vitest';

describe('a test authority', () => {
  it('signs certificates that are read with their names, and that it alone vouches for', () => {
    const authority = createTestAuthority();
    const { cert, key } = authority.issue('server', ['localhost', '127.0.0.2']);
    const read = new X509Certificate(cert);
    const signer = new X509Certificate(authority.cert);
    expect(read.verify(signer.publicKey)).toBe(true);
    expect(read.checkIssued(signer)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(read.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.2');
    expect([signer.ca, read.ca]).toEqual([true, false]);
    expect(read.verify(new X509Certificate(createTestAuthority().cert).publicKey)).toBe(false);
  });

  it('is trusted by both ends of a connection that know it', async () => {
    const authority = createTestAuthority();
    const server = createServer({
      ...authority.issue('server', ['localhost']),
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const arrived = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority.cert,
      ...authority.issue('me'),
    });
    await once(client, 'secureConnect');
    const [socket] = await arrived;
    expect(socket.getPeerCertificate().subject.CN).toBe('me');
    client.destroy();
    socket.destroy();
    server.close();
  });

  it('puts a key behind a passphrase', () => {
    const { key } = createTestAuthority().issue('x');
    const locked = withPassphrase(key, 'open sesame');
    expect(() => createPrivateKey(locked)).toThrow(/passphrase|libcrypto/i);
    expect(createPrivateKey({ key: locked, passphrase: 'open sesame' }).asymmetricKeyType).toBe('ec');
  });
});
