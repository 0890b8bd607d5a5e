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

  it.each([
    { path: ['queue', 'agingSeconds'], key: 'queue.agingSeconds' },
    { path: ['sources', 'a', 'queue', 'agingSeconds'], key: 'queue.agingSeconds' },
    { path: ['delivery', 'circuitBreaker', 'enabled'], key: undefined },
    { path: ['sources', 'a', 'cacheTtlSeconds'], key: 'sources.<id>.cacheTtlSeconds' },
    { path: ['sources', 'a', 'throttling', 'sampleIntervalMs'], key: 'sources.<id>.throttling.sampleIntervalMs' },
    { path: ['throttling', 'sampleIntervalMs'], key: undefined },
    { path: ['sources', 'a', 'throttling', 'consumerGroups'], key: undefined },
    { path: ['sources', 'throttling', 'enabled'], key: undefined },
    { path: ['sources', 'a', 'enabled'], key: undefined },
    { path: ['delivery'], key: undefined },
    { path: [], key: undefined },
  ])('$path falls under $key', ({ path, key }) => {
    expect(notYetAt(path)?.key).toBe(key);
  });

  it('marks the descriptions of its keys only', () => {
    expect(marked('How often.', ['queue', 'agingSeconds'])).toBe('How often. (no effect in this version)');
    expect(marked('', ['queue', 'keepDropped'])).toBe('(no effect in this version)');
    expect(marked('How often.', ['queue', 'maxRecords'])).toBe('How often.');
  });
});

describe('a key without effect', () => {
  it('is a warning with its place when the file sets it, in either spelling, also to its default', async () => {
    expect(await warningsOf('queue: { aging_seconds: 60 }')).toEqual([
      'stream.yaml:1:25  queue.agingSeconds  has no effect yet: ageing of waiting chunks arrives in a later version',
    ]);
  });

  it('is a warning when the environment sets it', async () => {
    expect(await warningsOf('', { STREAM__QUEUE__KEEP_DROPPED: 'true' })).toEqual([
      expect.stringContaining(
        'environment variable STREAM__QUEUE__KEEP_DROPPED  queue.keepDropped  has no effect yet: ',
      ),
    ]);
  });

  it('is one warning however often it is set', async () => {
    const { warnings } = await loadText(`${smallSource.trim()}
    cacheTtlSeconds: 5
    queue: { keepDropped: true }
  other:
    type: noaa-alerts
    cacheTtlSeconds: 5
    params: { area: CA }
`);
    expect(warnings).toEqual([
      expect.stringMatching(/^stream\.yaml:5:22 {2}sources\.firms\.cacheTtlSeconds {2}.* \(set at 2 places\)$/),
      expect.stringMatching(/^stream\.yaml:6:27 {2}sources\.firms\.queue\.keepDropped {2}has no effect yet: /),
    ]);
  });

  it('is no warning as a default, in an empty section, or as a name of the user’s choice', async () => {
    expect(await warningsOf('queue: {}\nthrottling: { sampleIntervalMs: 500 }')).toEqual([]);
    const { warnings } = await loadText('sources: { queue: { type: noaa-alerts, params: { area: CA } } }');
    expect(warnings).toEqual([]);
  });
});
