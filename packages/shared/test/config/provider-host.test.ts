import { describe, expect, it } from 'vitest';
import { providerHostOf } from '../../src/config/provider-host.ts';

describe('the provider of a source', () => {
  it.each([
    { baseUrl: 'https://api.weather.gov', host: 'api.weather.gov:443' },
    { baseUrl: 'http://API.example.org', host: 'api.example.org:80' },
    { baseUrl: 'http://127.0.0.1:8080', host: '127.0.0.1:8080' },
    { baseUrl: 'http://[::1]:81', host: '[::1]:81' },
    { baseUrl: '${WHERE}', host: null },
    { baseUrl: undefined, host: null },
  ])('at $baseUrl is $host', ({ baseUrl, host }) => {
    expect(providerHostOf(baseUrl === undefined ? {} : { baseUrl })).toBe(host);
  });
});
