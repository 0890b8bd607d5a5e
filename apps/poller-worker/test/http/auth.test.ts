import { describe, expect, it } from 'vitest';
import { credentialOf, grantOf, noGrant, urlWith } from '../../src/http/auth.ts';

describe('grantOf', () => {
  it.each([
    { auth: undefined, grant: noGrant },
    {
      auth: { type: 'header', name: 'X-API-Key', value: 'Token 12345678' } as const,
      grant: { headers: { 'x-api-key': 'Token 12345678' }, query: null, secrets: ['Token 12345678', '12345678'] },
    },
    {
      auth: { type: 'query', name: 'key', value: 'abc' } as const,
      grant: { headers: {}, query: { name: 'key', value: 'abc' }, secrets: ['abc'] },
    },
    {
      auth: { type: 'basic', username: 'Aladdin', password: 'open sesame' } as const,
      grant: {
        headers: { authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' },
        query: null,
        secrets: ['QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'open sesame'],
      },
    },
    {
      auth: { type: 'bearer', token: 'abc' } as const,
      grant: { headers: { authorization: 'Bearer abc' }, query: null, secrets: ['abc'] },
    },
  ])('of $auth.type is what is sent, with its secrets', ({ auth, grant }) => {
    expect(grantOf(auth)).toEqual(grant);
  });
});

describe('urlWith', () => {
  it.each([
    { url: 'http://a/b', made: 'http://a/b?the%20key=a%2Fb%26c' },
    { url: 'http://a/b?bbox=1,2&t=%7Bx%7D', made: 'http://a/b?bbox=1,2&t=%7Bx%7D&the%20key=a%2Fb%26c' },
    { url: 'http://a/b?the+key=old&x=1', made: 'http://a/b?x=1&the%20key=a%2Fb%26c' },
  ])('puts the key into $url and leaves the rest as it is', ({ url, made }) => {
    const grant = grantOf({ type: 'query', name: 'the key', value: 'a/b&c' });
    expect(urlWith(new URL(url), grant).href).toBe(made);
  });
});

describe('credentialOf', () => {
  it('is what the provider counts by: of the type, of auth, or of both', () => {
    const bearer = { type: 'bearer', token: 't' } as const;
    expect(credentialOf(null, undefined)).toBeNull();
    expect(credentialOf('own', undefined)).toBe('own');
    expect(credentialOf(null, bearer)).toBe('t');
    expect(credentialOf('own', bearer)).toBe('["own","t"]');
  });

  it('stays the same when a password or a token changes', () => {
    const basic = (password: string) => credentialOf(null, { type: 'basic', username: 'me', password });
    expect(basic('old')).toBe(basic('new'));
    const oauth2 = { type: 'oauth2', tokenUrl: 'http://a', clientId: 'me', clientSecret: 's' } as const;
    expect(credentialOf(null, oauth2)).toBe('me');
  });
});
