import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createTestAuthority } from '../../src/network/certificates.ts';
import { packagesOf } from '../../src/stack/mosquitto-program.ts';
import { startMosquitto } from '../../src/stack/mosquitto-server.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The code that a CONNECT of MQTT 3.1.1 is answered with: 0 taken, 4 or 5 refused. */
const connackCode = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.once('connect', () => socket.write(Buffer.from([16, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 10, 0, 1, 120])));
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer[3] ?? -1);
    });
    socket.once('error', reject);
  });

describe('startMosquitto', () => {
  it('serves, is killed and started again on the same port, and stops', async () => {
    await using directory = await temporaryDirectory();
    const broker = await startMosquitto({ dir: directory.path });
    try {
      expect(await connackCode(broker.url)).toBe(0);
      const { pid } = broker;
      await broker.kill('SIGKILL');
      await broker.start();
      expect(broker.pid).not.toBe(pid);
      expect(await connackCode(broker.url)).toBe(0);
    } finally {
      await broker.stop();
    }
    await expect(connackCode(broker.url)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('refuses who has no password, and speaks TLS with certificates made for the test', async () => {
    await using directory = await temporaryDirectory();
    const authority = createTestAuthority();
    const tls = { ca: authority.cert, ...authority.issue('broker', ['localhost']) };
    const user = { name: 'reader', password: 'a password' };
    const broker = await startMosquitto({ dir: directory.path, tls, user });
    try {
      expect(await connackCode(broker.url)).toBe(5);
      const isTrusted = await new Promise((resolve, reject) => {
        const socket = connectTls({ host: 'localhost', port: Number(new URL(broker.tlsUrl!).port), ca: tls.ca }, () => {
          resolve(socket.authorized);
          socket.destroy();
        });
        socket.once('error', reject);
      });
      expect(isTrusted).toBe(true);
    } finally {
      await broker.stop();
    }
  });
});

describe('packagesOf', () => {
  it.each([
    ['libev.so.4', 'libev4'],
    ['libcjson.so.1', 'libcjson1'],
    ['libuv1.so.2', 'libuv1-2'],
  ])('names the package of %s', (library, name) => {
    expect(packagesOf(library)).toEqual([name, `${name}t64`]);
  });
});
