import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configJsonSchema } from '@stream-manager/shared/config/reference/json-schema';
import { configurationPage } from '@stream-manager/shared/config/reference/page';
import { rowsOf } from '@stream-manager/shared/config/reference/rows';
import { configObject, sourceSchema } from '@stream-manager/shared/config/schema';
import { type Schema, variantsOf } from '@stream-manager/shared/config/shape';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { staleFiles } from '../../../../../scripts/generate-docs.ts';
import { fullConfig } from '../full-config.ts';

const allRows = () =>
  [configObject.shape, Object.fromEntries(variantsOf(sourceSchema))].flatMap((schemas) =>
    Object.entries<Schema>(schemas).flatMap(([name, schema]) => rowsOf(schema, name)),
  );

describe('generated files', () => {
  it('are as the schema says: else run node scripts/generate-docs.ts', async () => {
    expect((await staleFiles()).map(({ name }) => name)).toEqual([]);
  });
});

describe('docs/configuration.md', () => {
  it('explains every key: what it is, and what a right value looks like', () => {
    const rows = allRows();
    expect(rows.length).toBeGreaterThan(200);
    expect(rows.filter(({ about }) => about === '').map(({ path }) => path)).toEqual([]);
    expect(rows.filter(({ value }) => value === 'a map' || value === '').map(({ path }) => path)).toEqual([
      'custom.params.options',
    ]);
  });

  it('marks no key that has its effect', () => {
    expect(configurationPage()).not.toMatch(/^\| `.*no effect in this version/m);
  });

  it('has no table with a broken row', () => {
    const tables = configurationPage()
      .split('\n')
      .filter((line) => line.startsWith('|'));
    for (const line of tables) expect([4, 6]).toContain(line.split(/(?<!\\)\|/).length);
  });
});

describe('config/stream.schema.json', () => {
  const editor = z.fromJSONSchema(inlined(configJsonSchema()) as Parameters<typeof z.fromJSONSchema>[0]);

  it('accepts the shipped configs and one that writes every key', async () => {
    for (const name of ['stream.example.yaml', 'demo.yaml']) {
      const text = await readFile(join(import.meta.dirname, '../../../../../config', name), 'utf8');
      expect(text).toContain('# yaml-language-server: $schema=./stream.schema.json');
      expect(editor.safeParse(parse(text)).error).toBeUndefined();
    }
    expect(editor.safeParse(fullConfig).error).toBeUndefined();
  });

  it.each([
    { name: 'an unknown key', config: { qeue: {} } },
    { name: 'a wrong value', config: { queue: { maxRecords: 'many' } } },
    { name: 'a wrong word', config: { queue: { overflow: 'block' } } },
    { name: 'a wrong type', config: { sources: { a: { type: 'nasa_firms', params: {} } } } },
    { name: 'a wrong source id', config: { sources: { poll: { type: 'metar', params: { stations: ['KSFO'] } } } } },
  ])('refuses $name', ({ config }) => {
    expect(editor.safeParse(config).success).toBe(false);
  });

  it('marks the keys that have no effect yet, those of a source included', () => {
    const schema = configJsonSchema();
    const about = (...keys: string[]) =>
      keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], schema);
    const source = ['properties', 'sources', 'additionalProperties', 'oneOf', '0', 'properties'];
    const mark = /\(no effect in this version\)$/;
    expect(about(...source, 'cacheTtlSeconds', 'description')).not.toMatch(mark);
    expect(about(...source, 'throttling', 'properties', 'sampleIntervalMs', 'description')).toMatch(mark);
    expect(about('properties', 'queue', 'properties', 'agingSeconds', 'description')).not.toMatch(mark);
  });

  it('asks for a parameter that must be there, in either spelling', () => {
    // zod's reader passes over this keyword; editors do not.
    expect(JSON.stringify(configJsonSchema())).toContain(
      '{"anyOf":[{"required":["mapKey"]},{"required":["map_key"]}]}',
    );
  });

  it.each([
    { name: 'snake_case', config: { queue: { max_records: 5 }, kafka: { client_id: 'a' } } },
    {
      name: 'a required key in snake_case',
      config: { sources: { a: { type: 'nasa-firms', params: { map_key: 'a', bbox: [1, 2, 3, 4] } } } },
    },
    {
      name: 'variables',
      config: {
        queue: { maxRecords: '${MAX}', overflow: '${OVERFLOW}' },
        sources: { a: { type: 'nasa-firms', params: { mapKey: '${KEY}', bbox: '${BBOX}' } } },
      },
    },
  ])('accepts $name', ({ config }) => {
    expect(editor.safeParse(config).error).toBeUndefined();
  });
});

/** The schema with every `$ref` replaced by what it points to: zod reads pointers into `definitions` only. */
function inlined(root: unknown): unknown {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    if ('$ref' in value && typeof value.$ref === 'string') {
      const keys = value.$ref.split('/').slice(1);
      return visit(keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], root));
    }
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, visit(child)]));
  };
  return visit(root);
}
