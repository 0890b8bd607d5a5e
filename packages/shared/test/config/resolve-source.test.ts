import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { type Config, configSchema } from '@stream-manager/shared/config/schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const hour = 3_600_000;

const config = (source: object, sections: object = {}): Config =>
  configSchema.parse({
    ...sections,
    sources: { one: { type: 'nasa-firms', params: { mapKey: 'a', bbox: [1, 2, 3, 4] }, ...source } },
  });

const resolve = (source: object, sections: object = {}) => resolveSource(config(source, sections), 'one');

describe('resolveSource', () => {
  it('lays the values of the source over the global ones', () => {
    const resolved = resolve(
      { queue: { overflow: 'reject' }, throttling: { maxSendRate: 50, consumerGroups: ['a'] } },
      { queue: { maxRecords: 5_000, agingSeconds: 5 }, throttling: { minSendRate: 2, maxSendRate: 70 } },
    );
    expect(resolved.queue).toMatchObject({ maxRecords: 5_000, agingSeconds: 5, overflow: 'reject' });
    expect(resolved.throttling).toMatchObject({
      minSendRate: 2,
      maxSendRate: 50,
      consumerGroups: ['a'],
      recoveryChecks: 10,
    });
  });

  it.each([
    { queue: {}, sections: {}, criticalReserve: 500, chunkSize: 500 },
    { queue: { maxRecords: 100_000 }, sections: {}, criticalReserve: 500, chunkSize: 500 },
    { queue: { maxRecords: 1_000 }, sections: {}, criticalReserve: 50, chunkSize: 500 },
    { queue: { maxRecords: 400 }, sections: {}, criticalReserve: 20, chunkSize: 380 },
    { queue: { maxRecords: 1 }, sections: {}, criticalReserve: 0, chunkSize: 1 },
    { queue: { maxRecords: 19 }, sections: {}, criticalReserve: 0, chunkSize: 19 },
    { queue: { criticalReserve: 0 }, sections: {}, criticalReserve: 0, chunkSize: 500 },
    { queue: { maxRecords: 600, criticalReserve: 550 }, sections: {}, criticalReserve: 550, chunkSize: 50 },
    {
      queue: { maxRecords: 1_000 },
      sections: { queue: { criticalReserve: 300 } },
      criticalReserve: 300,
      chunkSize: 500,
    },
    { queue: { maxRecords: 400 }, sections: { queue: { chunkSize: 200 } }, criticalReserve: 20, chunkSize: 200 },
  ])('derives reserve and chunk size from $queue over $sections', ({ queue, sections, criticalReserve, chunkSize }) => {
    expect(resolve({ queue }, sections).queue).toMatchObject({ criticalReserve, chunkSize });
  });

  it('never leaves a full chunk without room below the reserve', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (maxRecords) => {
        const { queue } = resolve({ queue: { maxRecords } });
        expect(queue.criticalReserve).toBeGreaterThanOrEqual(0);
        expect(queue.criticalReserve).toBeLessThanOrEqual(Math.min(500, maxRecords * 0.05));
        expect(queue.chunkSize).toBeGreaterThanOrEqual(1);
        expect(queue.chunkSize).toBeLessThanOrEqual(maxRecords - queue.criticalReserve);
      }),
    );
  });

  it.each([
    { source: {}, ms: 72 * hour },
    { source: { params: { mapKey: 'a', bbox: [1, 2, 3, 4], dayRange: 2 } }, ms: 72 * hour },
    { source: { params: { mapKey: 'a', bbox: [1, 2, 3, 4], dayRange: 5 } }, ms: 144 * hour },
    { source: { params: { mapKey: 'a', bbox: [1, 2, 3, 4], dayRange: 10 } }, ms: 264 * hour },
    { source: { dedupeWindowHours: 48 }, ms: 48 * hour },
    { source: { dedupeWindowHours: 300.5 }, ms: 300.5 * hour },
    { source: { type: 'noaa-alerts', params: { area: 'CA' } }, ms: 72 * hour },
    { source: { type: 'noaa-alerts', params: { area: 'CA' }, dedupeWindowHours: 24 }, ms: 24 * hour },
    { source: { type: 'mqtt', params: { url: 'mqtt://a', topics: ['b'] } }, ms: hour },
    { source: { type: 'push', params: { token: 'a-token-of-24-characters' } }, ms: hour },
    { source: { type: 'mqtt', params: { url: 'mqtt://a', topics: ['b'] }, dedupeWindowHours: 0.5 }, ms: 0.5 * hour },
  ])('remembers ids of $source for $ms ms', ({ source, ms }) => {
    expect(resolve(source).dedupeWindowMs).toBe(ms);
  });

  it.each([
    { source: { every: '15m' }, period: 900_000, cacheTtlMs: 60_000 },
    { source: { every: '30s' }, period: 30_000, cacheTtlMs: 27_000 },
    { source: { every: '2s', cacheTtlSeconds: 1 }, period: 2_000, cacheTtlMs: 1_000 },
    { source: { every: '15m', cacheTtlSeconds: 0 }, period: 900_000, cacheTtlMs: 0 },
    { source: { mode: 'continuous' }, period: 1_000, cacheTtlMs: 900 },
    { source: { cron: '*/1 * * * *' }, period: 60_000, cacheTtlMs: 54_000 },
    { source: { cron: '*/10 * * * * *' }, period: 10_000, cacheTtlMs: 9_000 },
  ])('$source has a period of $period ms and caches for $cacheTtlMs ms', ({ source, period, cacheTtlMs }) => {
    expect(resolve(source)).toMatchObject({ periodMs: period, cacheTtlMs });
  });

  it('keeps what belongs to the source alone, with units in its names', () => {
    const resolved = resolve({ timeoutSeconds: 1.5, topic: 'a', partitionKey: 'data.satellite', headers: { A: 'b' } });
    expect(resolved).toMatchObject({
      id: 'one',
      type: 'nasa-firms',
      timeoutMs: 1_500,
      topic: 'a',
      partitionKey: 'data.satellite',
      priority: 'high',
      headers: { A: 'b' },
    });
    for (const key of ['timeoutSeconds', 'cacheTtlSeconds', 'dedupeWindowHours'])
      expect(resolved).not.toHaveProperty(key);
  });

  it('tells by its type what its params hold', () => {
    const resolved = resolve({});
    // Only compiles because `type` decides.
    expect(resolved.type === 'nasa-firms' ? resolved.params.mapKey : '').toBe('a');
  });

  it.each(['two', 'toString', '__proto__'])('has no source %j', (id) => {
    expect(() => resolveSource(config({}), id)).toThrow(
      new RangeError(`the config has no source "${id}" (it has one)`),
    );
  });
});

describe('the age above which an answer is stale', () => {
  const of = (source: object): number | null =>
    resolveSource(configSchema.parse({ sources: { one: source } }), 'one').staleAfterMs;
  const firms = { type: 'nasa-firms', params: { mapKey: 'a', bbox: [1, 2, 3, 4], dayRange: 3 } };
  const stations = { type: 'noaa-stations', params: { stations: ['KSFO'] } };

  it.each([
    { name: 'a day more than the range of FIRMS', source: firms, ageMs: 4 * 24 * hour },
    { name: 'three hours for stations', source: stations, ageMs: 3 * hour },
    { name: 'never for alerts', source: { type: 'noaa-alerts', params: { area: 'CA' } }, ageMs: null },
    {
      name: 'off for standard products, which come months late',
      source: { ...firms, params: { ...firms.params, dataset: 'VIIRS_SNPP_SP' } },
      ageMs: null,
    },
    { name: 'what the config says', source: { ...stations, staleAfter: '90m' }, ageMs: 1.5 * hour },
    { name: 'never, if the config says off', source: { ...stations, staleAfter: 'off' }, ageMs: null },
  ])('is $name', ({ source, ageMs }) => {
    expect(of(source)).toBe(ageMs);
  });
});
