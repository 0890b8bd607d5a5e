// Certificates for tests over TLS, made anew for each test with the openssl program: an authority, and one certificate for
// localhost and 127.0.0.1 that it signed. Nothing outside trusts them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/** Paths of PEM files. */
export interface TestCertificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes them in `dir`, valid for a day. Throws when there is no openssl. */
export const makeTestCertificates = async (dir: string): Promise<TestCertificates> => {
  const file = (name: string): string => join(dir, name);
  const openssl = async (...args: readonly string[]): Promise<void> => {
    await runCommand('openssl', args, { cwd: dir, timeoutMs: 60_000 });
  };
  const newKey = ['-newkey', 'rsa:2048', '-nodes', '-keyout'];
  const authority = [
    '-x509',
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  ];
  await openssl('req', ...authority, ...newKey, file('ca.key'), '-out', file('ca.pem'));
  await openssl('req', '-subj', '/CN=localhost', ...newKey, file('server.key'), '-out', file('server.csr'));
  await writeFile(file('names.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const sign = [
    'x509',
    '-req',
    '-days',
    '1',
    '-in',
    file('server.csr'),
    '-CA',
    file('ca.pem'),
    '-CAkey',
    file('ca.key'),
  ];
  await openssl(...sign, '-CAcreateserial', '-extfile', file('names.cnf'), '-out', file('server.pem'));
  return { ca: file('ca.pem'), cert: file('server.pem'), key: file('server.key') };
};
