import type { NotedExchange } from '@stream-manager/poller-worker/preview/exchange-log';
import type { Preview, PreviewRecord } from '@stream-manager/poller-worker/preview/preview-poll';
import { describe, expect, it } from 'vitest';
import { renderLook } from '../../src/sources/render-look.ts';

const escape = '\u001B[31m';

const exchange: NotedExchange = {
  method: 'GET',
  url: 'https://api.example.org/rows',
  requestBody: null,
  steps: [
    { method: 'GET', place: 'https://api.example.org/rows?key=***', status: 302 },
    { method: 'GET', place: 'https://api.example.org/there', status: 200 },
  ],
  status: 200,
  headers: { 'content-type': 'application/json', etag: '"7"', 'x-ratelimit-remaining': '12' },
  body: Buffer.from('{}'),
  bytes: 12_345,
  durationMs: 41.4,
  error: null,
};

const record = (index: number, over: Partial<PreviewRecord> = {}): PreviewRecord => ({
  id: `id-${index}`,
  topic: 'wildfire-weather-data',
  rule: 'source',
  key: `station-${index}`,
  priority: 'normal',
  observedAt: '2026-05-01T12:00:00.000Z',
  isCorrection: false,
  value: {
    data: {
      stationName: `Weed\n${escape}, CA (${index})`,
      temperatureC: 21.5,
      description: 'a rather long description of the sky over the mountains',
      nothing: null,
      pressurePa: 100_020,
      visibilityM: 16_000,
    },
  },
  ...over,
});

const preview: Preview = {
  records: Array.from({ length: 12 }, (_, index) => record(index)),
  invalid: [],
  repeated: 0,
  pages: 1,
  isCutShort: false,
  cursor: null,
  error: null,
};

const render = (width: number | null, over: Partial<Preview> = {}, exchanges: readonly NotedExchange[] = [exchange]) =>
  renderLook({ window: { sinceMs: null, untilMs: 0 }, preview: { ...preview, ...over }, exchanges }, width);

describe('a look in the terminal', () => {
  it('shows the requests that were sent, with status, size, time and what the headers say', () => {
    expect(render(null).split('\n').slice(0, 4)).toEqual([
      'GET https://api.example.org/rows?key=***',
      '  302 ─► GET https://api.example.org/there',
      '  200 application/json, 12,345 bytes in 41 ms',
      '  etag: "7", x-ratelimit-remaining: 12',
    ]);
  });

  it('shows a refusal with its status and the words of the provider', () => {
    const error = { code: 'credentials_refused', message: 'https://… answered 403: no', excerpt: 'no such key' };
    const steps = [{ method: 'GET', place: 'https://api.example.org/rows', status: 403 }] as const;
    const refused = { ...exchange, steps, status: 403, headers: {}, body: null, bytes: 0, error };
    expect(render(80, { records: [] }, [refused])).toContain('  403, credentials_refused in 41 ms: no such key\n');
  });

  it.each([60, 80, 120])('keeps its tables within %i characters', (width) => {
    const text = render(width, { invalid: [{ reason: 'bad_time', message: 'm '.repeat(200), raw: 'r'.repeat(500) }] });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
  });

  it('has a column for what differs, and says what is the same once', () => {
    const same = render(80);
    expect(same).toContain('topics: wildfire-weather-data (by source) 12\npriorities: normal 12\nkeys: 12 different\n');
    expect(same).toMatch(/^observedAt +key +stationName +temperatureC/m);
    expect(same).toContain('… 2 more records, 2 more fields (--json shows them)');
    const other = [record(1), record(2, { topic: 'elsewhere', priority: 'critical' })];
    expect(render(null, { records: other })).toMatch(/^observedAt +key +topic +priority +stationName/m);
  });

  it('hands no control characters of the provider to the terminal', () => {
    const invalid = [{ reason: 'bad_time', message: `${escape}m`, raw: `${escape}\r\nraw` }];
    const text = render(80, { invalid, error: { code: 'fetch_status', message: `${escape}x` } });
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    expect(text).toContain('Weed [31m, CA (0)');
  });

  it('names corrections and repetitions', () => {
    const text = render(null, { records: [record(1), record(1, { isCorrection: true })], repeated: 3 });
    expect(text).toContain('2 records (1 of them corrections of others), 0 rows that are none, 3 rows left out');
  });
});
