import { isSecretPath, maskAddress } from '@stream-manager/shared/config/secret-keys';
import { describe, expect, it } from 'vitest';
import { fullConfig } from './full-config.ts';

const leaves = (value: unknown, path: PropertyKey[] = []): PropertyKey[][] => {
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => leaves(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
};

describe('isSecretPath', () => {
  it('holds exactly for the secrets of the whole config', () => {
    const secret = leaves(fullConfig).filter(isSecretPath);
    expect(secret.map((path) => path.join('.'))).toEqual([
      'kafka.ssl.key',
      'kafka.sasl.password',
      'sources.firms.headers.X_Trace_Id',
      'sources.firms.auth.value',
      'sources.firms.tls.key',
      'sources.firms.tls.passphrase',
      'sources.firms.params.mapKey',
      'sources.purpleair.params.apiKey',
      'sources.airnow.params.apiKey',
      'sources.mqtt.params.password',
      'sources.push.params.token',
      'sources.own.params.options.apiKey',
    ]);
  });

  it.each([
    { path: ['headers', 'User-Agent'], secret: false },
    { path: ['headers', 'user_agent'], secret: false },
    { path: ['headers', 'Accept'], secret: false },
    { path: ['headers', 'Authorization'], secret: true },
    { path: ['headers', 'X-Anything'], secret: true },
    { path: ['request', 'query', 'API_KEY'], secret: true },
    { path: ['tokens', 3], secret: true },
    { path: ['a', 'passwd'], secret: true },
    { path: ['a', 'clientSecret'], secret: true },
    { path: ['a', 'cookie'], secret: true },
    { path: ['sources', 'a', 'partitionKey'], secret: false },
    { path: ['redis', 'keyPrefix'], secret: false },
    { path: ['sources', 'a', 'auth', 'name'], secret: false },
    { path: ['sources', 'a', 'auth', 'username'], secret: false },
    { path: ['sources', 'a', 'auth', 'tokenUrl'], secret: false },
    { path: ['sources', 'a', 'auth', 'clientId'], secret: false },
    { path: ['sources', 'a', 'auth', 'clientSecret'], secret: true },
    { path: ['sources', 'a', 'auth', 'password'], secret: true },
    { path: ['sources', 'a', 'auth', 'token'], secret: true },
    { path: ['sources', 'a', 'tls', 'cert'], secret: false },
    { path: [], secret: false },
  ])('$path: $secret', ({ path, secret }) => {
    expect(isSecretPath(path)).toBe(secret);
  });
});

describe('maskAddress', () => {
  it.each([
    ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    ['redis://:pw@host:1', 'redis://***@host:1'],
    ['redis://me:pw@host:1', 'redis://***@host:1'],
    ['rediss//me:p@w@host', 'rediss//***@host'],
    ['me:pw@host', '***@host'],
    ['no address at all', 'no address at all'],
    ['mail@example.org', 'mail@example.org'],
  ])('shows %s as %s', (text, shown) => {
    expect(maskAddress(text)).toBe(shown);
  });
});
