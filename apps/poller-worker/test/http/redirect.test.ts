import { describe, expect, it } from 'vitest';
import { decideRedirect, foreignHeaders, type RedirectFacts, whereOf } from '../../src/http/redirect.ts';
import { createRedactor } from '../../src/http/secrets.ts';

type Given = Partial<Omit<RedirectFacts, 'from'>> & { readonly from?: string; readonly name?: string };

const decide = (given: Given = {}) => {
  const { from = 'https://api.example/a/b?c=1', ...rest } = given;
  const facts = { method: 'GET', status: 302, location: '/x', redirects: 0, redact: createRedactor(['s3cret/key']) };
  const decision = decideRedirect({ ...facts, ...rest, from: new URL(from) } as RedirectFacts);
  return 'to' in decision ? { ...decision, to: decision.to.href } : decision;
};

describe('inside the origin', () => {
  it.each([
    { status: 301, method: 'GET', next: 'GET' },
    { status: 302, method: 'GET', next: 'GET' },
    { status: 303, method: 'GET', next: 'GET' },
    { status: 307, method: 'GET', next: 'GET' },
    { status: 308, method: 'GET', next: 'GET' },
    { status: 303, method: 'POST', next: 'GET' },
    { status: 307, method: 'POST', next: 'POST' },
    { status: 308, method: 'POST', next: 'POST' },
  ] as const)('$status after a $method is followed as a $next', ({ status, method, next }) => {
    expect(decide({ status, method })).toEqual({ to: 'https://api.example/x', method: next, isForeign: false });
  });

  it.each([
    { location: 'y', to: 'https://api.example/a/y' },
    { location: '?d=2', to: 'https://api.example/a/b?d=2' },
    { location: 'https://API.example:443/z', to: 'https://api.example/z' },
    { location: '/with/s3cret%2Fkey', to: 'https://api.example/with/s3cret%2Fkey' },
  ])('leads from its own address: $location', ({ location, to }) => {
    expect(decide({ location })).toMatchObject({ to, isForeign: false });
  });
});

describe('to another origin', () => {
  it.each([
    { name: 'another host', location: 'https://other.example/x' },
    { name: 'another port', location: 'https://api.example:8443/x' },
    { name: 'from http to https', from: 'http://api.example/', location: 'https://api.example/x' },
    { name: 'from http to http', from: 'http://api.example/', location: 'http://other.example/x' },
    { name: 'without its own scheme', location: '//other.example/x' },
    { name: 'after a POST that is over', location: 'https://other.example/x', method: 'POST', status: 303 } as const,
  ])('is followed as a plain GET: $name', (given) => {
    expect(decide(given)).toMatchObject({ method: 'GET', isForeign: true });
  });
});

describe('is refused', () => {
  it.each([
    { name: 'nowhere', location: undefined, says: 'to an address' },
    { name: 'to no address', location: 'https://', says: 'to an address' },
    { name: 'by a status that is none', status: 300, says: 'to an address' },
    { name: 'by "use proxy"', status: 305, says: 'to an address' },
    { name: 'with a user', location: 'https://me@api.example/x', says: 'with a user' },
    { name: 'after five', redirects: 5, says: 'more than 5' },
    { name: 'after a POST by 301', method: 'POST', status: 301, says: 'followed only by 303, 307 or 308' } as const,
    { name: 'after a POST by 302', method: 'POST', status: 302, says: 'followed only by 303, 307 or 308' } as const,
    {
      name: 'with a POST to another host',
      method: 'POST',
      status: 307,
      location: 'https://other.example/',
      says: 'only a GET',
    } as const,
    { name: 'from https to http', location: 'http://api.example/x', says: 'https is not left' },
    { name: 'to a file', location: 'file:///etc/passwd', says: 'only http and https' },
    { name: 'with a secret', location: 'https://other.example/?k=s3cret/key', says: 'carries a secret' },
    { name: 'with an encoded secret', location: 'https://other.example/?k=s3cret%2fkey', says: 'carries a secret' },
    { name: 'with a secret in codes', location: 'https://other.example/?k=s3%63ret%2Fkey', says: 'carries a secret' },
    {
      name: 'with a secret encoded twice',
      location: 'https://other.example/?k=s3cret%252Fkey',
      says: 'carries a secret',
    },
    {
      name: 'with codes of codes',
      location: 'https://other.example/?k=s3%252563ret%25252Fkey',
      says: 'carries a secret',
    },
    { name: 'with a secret in Base64', location: 'https://other.example/czNjcmV0L2tleQ==', says: 'carries a secret' },
    { name: 'with a secret behind a tab', location: 'https://other.example/?k=s3c\tret/key', says: 'carries a secret' },
  ])('$name', ({ says, ...given }) => {
    expect(decide(given)).toEqual({ refusal: expect.stringContaining(says) as unknown });
  });
});

it.each([
  { location: undefined, shown: 'nowhere' },
  { location: 'https://other.example/x', shown: 'to https://other.example/x' },
  { location: 'https://other.example/?k=s3cret/key', shown: 'to https://other.example/?k=***' },
  { location: 'https://other.example/?k=%73%33%63%72%65%74%2f%6b%65%79', shown: 'to an address that is not shown' },
])('is shown as far as it may be: $location', ({ location, shown }) => {
  expect(whereOf(location, createRedactor(['s3cret/key']))).toBe(shown);
});

it('of the headers of a request only those that say nothing about who asks go to another origin', () => {
  const headers = {
    accept: 'a',
    'accept-encoding': 'b',
    'user-agent': 'c',
    'if-none-match': 'd',
    authorization: 'e',
    cookie: 'f',
    'x-api-key': 'g',
    'x-anything': 'h',
    'content-type': 'i',
    referer: 'j',
  };
  expect(Object.keys(foreignHeaders(headers))).toEqual(['accept', 'accept-encoding', 'user-agent', 'if-none-match']);
});
