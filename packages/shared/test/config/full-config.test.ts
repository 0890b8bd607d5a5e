import { rowsOf } from '@stream-manager/shared/config/reference/rows';
import { configObject, sourceSchema } from '@stream-manager/shared/config/schema';
import { variantsOf } from '@stream-manager/shared/config/shape';
import { describe, expect, it } from 'vitest';
import { loadText } from './config-file.ts';
import { fullConfig } from './full-config.ts';

/** Every key path in a value, names and indexes as `*`, in the form of the schema's rows. */
const paths = (value: unknown, path = ''): string[] => {
  if (Array.isArray(value)) return [path, ...value.flatMap((item: unknown) => paths(item, `${path}[]`))];
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, child]) => [path, ...paths(child, path === '' ? key : `${path}.${key}`)]);
};

describe('the full config of the tests', () => {
  const { sources, topics, ...sections } = fullConfig;
  const written = new Set([
    ...paths(sections),
    ...Object.values(topics).flatMap((topic) => paths(topic, 'topics.<name>')),
    ...Object.values(sources).flatMap((source) => paths(source, source.type)),
    ...[sources.http, sources.mqtt, sources.push].flatMap(({ type, params }) =>
      Object.values(params.fields).flatMap((rule) => paths(rule, `${type}.params.fields.<name>`)),
    ),
  ]);

  it('writes every key of every section', () => {
    const { sources: _, ...shape } = configObject.shape;
    const known = Object.entries(shape).flatMap(([name, schema]) => rowsOf(schema, name).map((row) => row.path));
    expect(known.filter((path) => !written.has(path))).toEqual([]);
    expect(known.length).toBeGreaterThan(60);
  });

  it('writes every parameter of every type, and every common key', () => {
    for (const [type, schema] of variantsOf(sourceSchema)) {
      const known = rowsOf(schema, type).map((row) => row.path);
      const missing = known.filter((path) => !written.has(path));
      expect(missing.filter((path) => path.startsWith(`${type}.params`))).toEqual([]);
    }
    const common = rowsOf(variantsOf(sourceSchema).get('nasa-firms') ?? sourceSchema, 'nasa-firms').map(
      (row) => row.path,
    );
    // A source has `every`, or `cron` with `tz`: those stand in another one.
    expect(common.filter((path) => !written.has(path))).toEqual(['nasa-firms.cron', 'nasa-firms.tz']);
    expect(written).toContain('noaa-stations.cron');
    expect(written).toContain('noaa-stations.tz');
  });

  it('loads', async () => {
    const { config } = await loadText(JSON.stringify(fullConfig), { name: 'full.json' });
    expect(Object.keys(config.sources)).toEqual(Object.keys(sources));
  });
});
