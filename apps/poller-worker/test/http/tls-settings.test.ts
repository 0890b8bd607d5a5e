import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority, withPassphrase } from '@stream-manager/testkit/network/certificates';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkTls, createTlsSettings, foreignTls } from '../../src/http/tls-settings.ts';
import { resolvedSource } from '../sources/resolved-source.ts';

const authority = createTestAuthority();
const mine = authority.issue('me');
const others = authority.issue('another');

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tls-settings-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const fileWith = async (name: string, text: string): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
};

const source = (tls: Readonly<Record<string, string>>, more: object = {}) =>
  resolvedSource({ type: 'noaa-alerts', params: { area: 'CA' }, tls, ...more });

const refusalOf = (tls: Readonly<Record<string, string>>): unknown => {
  try {
    createTlsSettings().of(source(tls));
    return null;
  } catch (error) {
    return error;
  }
};

describe('the TLS settings of a source', () => {
  it('are read from files, or stand in the config', async () => {
    const ca = await fileWith('ca.pem', authority.cert);
    const key = withPassphrase(mine.key, 'open sesame');
    const settings = createTlsSettings().of(source({ ca, cert: mine.cert, key, passphrase: 'open sesame' }));
    expect(settings).toEqual({ ca: authority.cert, cert: mine.cert, key, passphrase: 'open sesame' });
    expect(createTlsSettings().of({ id: 'x', tls: undefined })).toBeNull();
  });

  it('are read once', async () => {
    const path = await fileWith('changing.pem', authority.cert);
    const settings = createTlsSettings();
    const first = settings.of(source({ ca: path }));
    await rm(path);
    expect(settings.of(source({ ca: path }))).toBe(first);
  });

  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
  it.each([
    {
      name: 'a file that is missing',
      tls: { ca: '/no/such.pem' },
      says: 'tls.ca: the file /no/such.pem cannot be read (ENOENT)',
    },
    { name: 'a broken authority', tls: { ca: broken }, says: 'tls.ca holds a certificate that cannot be read' },
    {
      name: 'a broken one among others',
      tls: { ca: `${authority.cert}${broken}` },
      says: 'tls.ca holds a certificate',
    },
    {
      name: 'a broken certificate',
      tls: { cert: broken, key: mine.key },
      says: 'tls.cert holds a certificate that cannot be read',
    },
    { name: 'a key where a certificate belongs', tls: { cert: mine.key, key: mine.key }, says: 'tls.cert holds' },
    {
      name: 'a certificate where the key belongs',
      tls: { cert: mine.cert, key: mine.cert },
      says: 'tls.key is no private key',
    },
    { name: 'the key of another', tls: { cert: mine.cert, key: others.key }, says: 'tls.key does not belong to cert' },
    {
      name: 'another passphrase',
      tls: { cert: mine.cert, key: withPassphrase(mine.key, 'open sesame'), passphrase: 'wrong-s3cret' },
      says: 'its passphrase is another',
    },
    {
      name: 'no passphrase',
      tls: { cert: mine.cert, key: withPassphrase(mine.key, 'open sesame') },
      says: 'its passphrase is another',
    },
  ])('are refused with the key that is wrong: $name', ({ tls, says }) => {
    const refusal = refusalOf(tls);
    expect(refusal).toMatchObject({ code: 'config_invalid' });
    expect(String(refusal)).toContain('sources.a-source.tls.');
    expect(String(refusal)).toContain(says);
    expect(String(refusal)).not.toContain('s3cret');
    for (const line of mine.key.split('\n').slice(1, -2)) expect(String(refusal)).not.toContain(line);
  });

  it('from a file that holds no PEM are refused without what it holds', async () => {
    const path = await fileWith('text.pem', 'just-s3cret');
    expect(String(refusalOf({ ca: path }))).toContain('holds nothing in PEM form');
    expect(String(refusalOf({ ca: path }))).not.toContain('just-s3cret');
  });

  it('of all enabled sources are checked at start, and all that is wrong is named', () => {
    const sources = [
      source({ ca: '/no/such.pem' }),
      { ...source({ ca: '/not/either.pem' }), id: 'b-source' },
      { ...source({ ca: '/of/a/disabled.pem' }, { enabled: false }), id: 'c-source' },
    ];
    expect(() => checkTls(createTlsSettings(), sources)).toThrow(
      /sources\.a-source\.tls\.ca.*\nsources\.b-source\.tls\.ca/,
    );
    expect(() => checkTls(createTlsSettings(), sources.slice(2))).not.toThrow();
  });

  it('for another host are without the certificate, and trust whom everybody trusts besides', () => {
    expect(foreignTls(null)).toBeNull();
    expect(foreignTls({ cert: mine.cert, key: mine.key })).toBeNull();
    const foreign = foreignTls({ ca: authority.cert, cert: mine.cert, key: mine.key });
    expect(Object.keys(foreign ?? {})).toEqual(['ca']);
    expect(foreign?.ca).toContain(authority.cert);
    expect(foreign?.ca?.length).toBeGreaterThan(50);
  });
});
