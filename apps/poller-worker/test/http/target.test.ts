import { describe, expect, it } from 'vitest';
import { rateLimitTarget } from '../../src/http/target.ts';

const target = (url: string, credential: string | null = null): string => rateLimitTarget(new URL(url), credential);

describe('rateLimitTarget', () => {
  it.each([
    { name: 'path and query', one: 'https://a.example/x', other: 'https://a.example/y?z=1' },
    { name: 'a port that is the default', one: 'https://a.example/', other: 'https://a.example:443/' },
    { name: 'the case of the host', one: 'http://A.example/', other: 'http://a.example/' },
  ])('is the same whatever $name', ({ one, other }) => {
    expect(target(one, 'key')).toBe(target(other, 'key'));
  });

  it('differs by scheme, host, port and credential', () => {
    const targets = [
      target('http://a.example/'),
      target('https://a.example/'),
      target('http://b.example/'),
      target('http://a.example:8080/'),
      target('http://a.example/', 'key'),
      target('http://a.example/', 'other'),
    ];
    expect(new Set(targets).size).toBe(targets.length);
  });

  it('does not hold the credential', () => {
    expect(target('https://a.example/', 'key')).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});
