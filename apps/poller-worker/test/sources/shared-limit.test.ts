import { describe, expect, it } from 'vitest';
import { dayBudgetFor, limitFor } from '../../src/sources/shared-limit.ts';
import { resolvedSource } from './resolved-source.ts';

const bbox = [-124, 32, -114, 42];
const firms = (rateLimitPerMinute: number, mapKey = 'key', baseUrl = 'https://firms.example') =>
  resolvedSource({ type: 'nasa-firms', baseUrl, rateLimitPerMinute, params: { mapKey, bbox } });
const stations = (rateLimitPerMinute: number, enabled = true) =>
  resolvedSource({ type: 'noaa-stations', rateLimitPerMinute, enabled, params: { stations: ['KLAX'] } });
const alerts = (rateLimitPerMinute: number) =>
  resolvedSource({ type: 'noaa-alerts', rateLimitPerMinute, params: { area: 'CA' } });
const air = (rateLimitPerMinute: number, apiKey = 'key', baseUrl = 'https://firms.example') =>
  resolvedSource({ type: 'purpleair', baseUrl, rateLimitPerMinute, params: { apiKey, bbox } });
const asking = (rateLimitPerMinute: number, auth: object) =>
  resolvedSource({ type: 'noaa-alerts', rateLimitPerMinute, auth, params: { area: 'CA' } });
const basic = (password: string) => ({ type: 'basic', username: 'me', password });
const push = resolvedSource({ type: 'push', rateLimitPerMinute: 1, params: { token: '0123456789abcdef' } });

describe('limitFor', () => {
  it.each([
    { name: 'a source alone', source: firms(60), all: [firms(60)], limit: 60 },
    { name: 'the lowest of one host and key', source: firms(60), all: [firms(60), firms(10), firms(30)], limit: 10 },
    {
      name: 'sources of different types on one host',
      source: stations(60),
      all: [stations(60), alerts(20)],
      limit: 20,
    },
    {
      name: 'a disabled source, which asks nobody',
      source: alerts(60),
      all: [alerts(60), stations(5, false)],
      limit: 60,
    },
    {
      name: 'a disabled source that was started',
      source: stations(5, false),
      all: [alerts(60), stations(5, false)],
      limit: 5,
    },
    { name: 'another key', source: firms(60), all: [firms(60), firms(10, 'other')], limit: 60 },
    { name: 'another host', source: firms(60), all: [firms(60), firms(10, 'key', 'https://b.example')], limit: 60 },
    { name: 'another type with the same host and key', source: firms(60), all: [firms(60), air(15)], limit: 15 },
    {
      name: 'another who asks by auth',
      source: asking(60, { type: 'bearer', token: 'a' }),
      all: [asking(60, { type: 'bearer', token: 'a' }), asking(10, { type: 'bearer', token: 'b' }), alerts(5)],
      limit: 60,
    },
    {
      name: 'the same user by auth, whatever the password',
      source: asking(60, basic('old')),
      all: [asking(60, basic('old')), asking(10, basic('new'))],
      limit: 10,
    },
    { name: 'a source without an address', source: push, all: [push, firms(60)], limit: 1 },
    { name: 'a source that is not among all', source: firms(60), all: [], limit: 60 },
  ])('$name: $limit', ({ source, all, limit }) => {
    expect(limitFor(source, all)).toBe(limit);
  });
});

describe('dayBudgetFor', () => {
  const alerts = (dailyBudget?: number, entry = {}) =>
    resolvedSource({ type: 'noaa-alerts', dailyBudget, params: { area: 'CA' }, ...entry }, 'some-alerts');

  it('is the lowest of those who share host and key, and one for them', () => {
    const all = [
      alerts(),
      alerts(50),
      alerts(20),
      alerts(5, { enabled: false }),
      alerts(3, { baseUrl: 'http://b.example' }),
    ];
    expect(dayBudgetFor(alerts(), all)).toEqual({ budget: dayBudgetFor(alerts(50), all).budget, perDay: 20 });
    expect(dayBudgetFor(alerts(3, { baseUrl: 'http://b.example' }), all).budget).not.toBe(
      dayBudgetFor(alerts(), all).budget,
    );
  });

  it('is none when nobody has one, and its own for a source without an address', () => {
    expect(dayBudgetFor(alerts(), [alerts()]).perDay).toBeNull();
    expect(dayBudgetFor(push, [push])).toEqual({ budget: `source.${push.id}`, perDay: null });
  });
});
