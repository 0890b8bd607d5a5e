// Certificates for tests over TLS, made in the process: an authority, and what it signs for servers and clients. Node can
// read certificates and not write them, and not every machine has an openssl; an X.509 certificate (RFC 5280) is a few
// nested values in DER, which are written here. For tests only: keys live as long as the test.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate and its private key in PEM form. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that nobody else trusts. */
export interface TestAuthority {
  /** Its own certificate in PEM form. */
  readonly cert: string;
  /** Signs a certificate for a server with these names (host names and IPv4 addresses), or for a client. */
  issue(subject: string, names?: readonly string[]): TestCertificate;
}

const encode = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => encode(0x30, ...parts);
const explicit = (number: number, ...parts: readonly Buffer[]): Buffer => encode(0xa0 + number, ...parts);
const bits = (content: Buffer): Buffer => encode(0x03, Buffer.from([0]), content);
const yes = Buffer.from([0x01, 0x01, 0xff]);

const oid = (text: string): Buffer => {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const groups = rest.flatMap((arc) => {
    const sevens = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) sevens.unshift((left & 0x7f) | 0x80);
    return sevens;
  });
  return encode(0x06, Buffer.from([first * 40 + second, ...groups]));
};

const nameOf = (subject: string): Buffer =>
  sequence(encode(0x31, sequence(oid('2.5.4.3'), encode(0x0c, Buffer.from(subject, 'utf8')))));

const timeOf = (ms: number): Buffer =>
  encode(0x18, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ''), 'ascii'));

const extension = (id: string, value: Buffer, isCritical = false): Buffer =>
  sequence(oid(id), ...(isCritical ? [yes] : []), encode(0x04, value));

const alternativeName = (name: string): Buffer =>
  isIPv4(name) ? encode(0x87, Buffer.from(name.split('.').map(Number))) : encode(0x82, Buffer.from(name, 'ascii'));

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const dayMs = 86_400_000;

const certificate = (facts: {
  readonly issuer: string;
  readonly signedBy: KeyObject;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}): string => {
  const toBeSigned = sequence(
    explicit(0, encode(0x02, Buffer.from([2]))),
    // Positive: its first bit is clear.
    encode(0x02, Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ecdsaWithSha256,
    nameOf(facts.issuer),
    sequence(timeOf(Date.now() - dayMs), timeOf(Date.now() + dayMs)),
    nameOf(facts.subject),
    facts.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...facts.extensions)),
  );
  return pem('CERTIFICATE', sequence(toBeSigned, ecdsaWithSha256, bits(sign('sha256', toBeSigned, facts.signedBy))));
};

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** Makes an authority. What it signs is valid from yesterday to tomorrow. */
export const createTestAuthority = (name = 'StreamManager test authority'): TestAuthority => {
  const own = newKey();
  const isAuthority = extension('2.5.29.19', sequence(yes), true);
  return {
    cert: certificate({
      issuer: name,
      signedBy: own,
      subject: name,
      publicKey: createPublicKey(own),
      extensions: [isAuthority],
    }),
    issue: (subject, names = []) => {
      const key = newKey();
      const extensions = [
        extension('2.5.29.19', sequence(), true),
        ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names.map(alternativeName)))]),
      ];
      return {
        cert: certificate({ issuer: name, signedBy: own, subject, publicKey: createPublicKey(key), extensions }),
        key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
  };
};

/** A private key again, behind a passphrase. */
export const withPassphrase = (key: string, passphrase: string): string =>
  createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();
