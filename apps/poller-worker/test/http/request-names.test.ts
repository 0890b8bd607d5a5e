import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../../src/http/http-client.ts';
import { createRequestNames } from '../../src/http/request-names.ts';
import { resolvedSource } from '../sources/resolved-source.ts';

const source = (entry: Readonly<Record<string, unknown>> = {}, id = 'a') =>
  resolvedSource({ type: 'noaa-alerts', params: { area: 'CA' }, ...entry }, id);
const request: HttpRequest = { url: new URL('https://a.example/?b=c'), accept: 'text/csv', credential: 'key' };
const names = createRequestNames({ version: '1' });
const nameOf = (of = source(), change: Partial<HttpRequest> = {}) => names.nameOf(of, { ...request, ...change });

describe('the name of a request', () => {
  it('is 22 characters of a hash, the same in every process and for every source that asks the same', () => {
    expect(nameOf().asked).toMatch(/^[\w-]{22}$/);
    expect(createRequestNames({ version: '2' }).nameOf(source(), request).asked).toBe(nameOf().asked);
    expect(nameOf(source({ params: { area: 'NV' }, every: '5m' }, 'b')).asked).toBe(nameOf().asked);
  });

  it('does not depend on the order and spelling of header names', () => {
    const one = nameOf(source(), { headers: { 'X-A': '1', 'x-b': '2' } });
    expect(nameOf(source(), { headers: { 'X-B': '2', 'x-a': '1' } })).toEqual(one);
  });

  it.each<{ name: string; change?: Partial<HttpRequest>; entry?: Readonly<Record<string, unknown>> }>([
    { name: 'address', change: { url: new URL('https://a.example/?b=d') } },
    { name: 'method', change: { method: 'POST' } },
    { name: 'body', change: { body: 'a' } },
    { name: 'accept', change: { accept: 'text/plain' } },
    { name: 'header', change: { headers: { 'x-a': '1' } } },
    { name: 'credential', change: { credential: null } },
    { name: 'header of the source', entry: { headers: { 'x-a': '1' } } },
    { name: 'auth', entry: { auth: { type: 'basic', username: 'a', password: 'b' } } },
    { name: 'tls', entry: { tls: { ca: './ca.pem' } } },
  ])('is another one with another $name', ({ change, entry }) => {
    const other = nameOf(source(entry), change);
    expect(other.asked).not.toBe(nameOf().asked);
    expect(other.read).not.toBe(nameOf().read);
  });
});

describe('the name of what is read', () => {
  it.each([
    { name: 'params', entry: { params: { area: 'NV' } } },
    { name: 'priority', entry: { priority: 'low' } },
    { name: 'corrections', entry: { corrections: 'ignore' } },
    { name: 'partitionKey', entry: { partitionKey: 'data.event' } },
  ])('is another one with other $name', ({ entry }) => {
    expect(nameOf(source(entry)).read).not.toBe(nameOf().read);
    expect(nameOf(source(entry)).asked).toBe(nameOf().asked);
  });

  it('is another one in another version of the program', () => {
    expect(createRequestNames({ version: '2' }).nameOf(source(), request).read).not.toBe(nameOf().read);
    const ofModule = createRequestNames({ version: '1', versionOf: (id) => `${id} changed` });
    expect(ofModule.nameOf(source(), request).read).not.toBe(nameOf().read);
    expect(ofModule.nameOf(source(), request).asked).toBe(nameOf().asked);
  });

  it('is the same when only the way it is run changes', () => {
    const entry = {
      every: '7m',
      rateLimitPerMinute: 3,
      timeoutSeconds: 3,
      cacheTtlSeconds: 3,
      dailyBudget: 3,
      queue: { maxRecords: 3_000 },
      topic: 'a-topic',
    };
    expect(nameOf(source(entry))).toEqual(nameOf());
  });
});
