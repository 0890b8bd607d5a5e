import { marked, notYet, notYetAt } from '@stream-manager/shared/config/not-yet';
import { rowsOf } from '@stream-manager/shared/config/reference/rows';
import { configObject, sourceSchema } from '@stream-manager/shared/config/schema';
import { variantsOf } from '@stream-manager/shared/config/shape';
import { describe, expect, it } from 'vitest';
import { loadText, smallSource } from './config-file.ts';

const warningsOf = async (text: string, env = {}) => (await loadText(`${text}\n${smallSource}`, { env })).warnings;

describe('the table of keys without effect', () => {
  const { sources: _, ...sections } = configObject.shape;
  const known = [
    ...Object.entries(sections).flatMap(([name, schema]) => rowsOf(schema, name)),
    ...rowsOf(variantsOf(sourceSchema).get('nasa-firms') ?? sourceSchema, 'sources.<id>'),
  ].map(({ path }) => path);

  it.each(Object.keys(notYet))('%s is a key of the schema, or a map of such keys', (key) => {
    expect(known.some((path) => path === key || path.startsWith(`${key}.`))).toBe(true);
  });

  const table = {
    'queue.keepDropped': 'not yet',
    'delivery.circuitBreaker': 'not yet',
    'sources.<id>.cacheTtlSeconds': 'not yet',
    'sources.<id>.throttling.sampleIntervalMs': 'set elsewhere',
  };

  it.each([
    { path: ['queue', 'keepDropped'], key: 'queue.keepDropped' },
    { path: ['sources', 'a', 'queue', 'keepDropped'], key: 'queue.keepDropped' },
    { path: ['delivery', 'circuitBreaker', 'enabled'], key: 'delivery.circuitBreaker' },
    { path: ['sources', 'a', 'cacheTtlSeconds'], key: 'sources.<id>.cacheTtlSeconds' },
    { path: ['sources', 'a', 'throttling', 'sampleIntervalMs'], key: 'sources.<id>.throttling.sampleIntervalMs' },
    { path: ['throttling', 'sampleIntervalMs'], key: undefined },
    { path: ['sources', 'a', 'throttling', 'consumerGroups'], key: undefined },
    { path: ['sources', 'throttling', 'enabled'], key: undefined },
    { path: ['sources', 'a', 'enabled'], key: undefined },
    { path: ['delivery'], key: undefined },
    { path: [], key: undefined },
  ])('$path falls under $key', ({ path, key }) => {
    expect(notYetAt(path, table)?.key).toBe(key);
  });

  it('marks the descriptions of its keys only', () => {
    expect(marked('How often.', ['queue', 'keepDropped'], table)).toBe('How often. (no effect in this version)');
    expect(marked('', ['sources', 'a', 'queue', 'keepDropped'], table)).toBe('(no effect in this version)');
    expect(marked('How often.', ['queue', 'maxRecords'], table)).toBe('How often.');
  });
});

describe('a key without effect', () => {
  it('is a warning with its place when the file sets it, in either spelling, also to its default', async () => {
    const { warnings } = await loadText(`${smallSource.trim()}\n    throttling: { sample_interval_ms: 1000 }\n`);
    expect(warnings).toEqual([
      'stream.yaml:5:39  sources.firms.throttling.sampleIntervalMs  has no effect yet: lag is sampled for all sources at once, at the interval of throttling.sampleIntervalMs',
    ]);
  });

  it('is a warning when the environment sets it', async () => {
    expect(await warningsOf('', { STREAM__SOURCES__FIRMS__THROTTLING__SAMPLE_INTERVAL_MS: '500' })).toEqual([
      expect.stringContaining(
        'environment variable STREAM__SOURCES__FIRMS__THROTTLING__SAMPLE_INTERVAL_MS  sources.firms.throttling.sampleIntervalMs  has no effect yet: ',
      ),
    ]);
  });

  it('is one warning however often it is set', async () => {
    const { warnings } = await loadText(`${smallSource.trim()}
    throttling: { sampleIntervalMs: 500 }
  other:
    type: noaa-alerts
    throttling: { sampleIntervalMs: 500 }
    params: { area: CA }
`);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^stream\.yaml:5:37 {2}sources\.firms\.throttling\.sampleIntervalMs {2}.* \(set at 2 places\)$/,
      ),
    ]);
  });

  it('is no warning as a default, in an empty section, or as a name of the user’s choice', async () => {
    expect(await warningsOf('queue: {}\nthrottling: { sampleIntervalMs: 500 }')).toEqual([]);
    const { warnings } = await loadText('sources: { queue: { type: noaa-alerts, params: { area: CA } } }');
    expect(warnings).toEqual([]);
  });
});
