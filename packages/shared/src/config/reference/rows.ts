// Lists the keys of a part of the schema as rows of a table: path, what a right value is, default, description.
import { z } from 'zod';
import { defaultOf, factsOf, isOptional, itemOf, mapShape, type Schema, takesTextOnly, variantsOf } from '../shape.ts';

/** One key. */
export type Row = {
  /** Path below the part that was asked for: `circuitBreaker.enabled`, `<name>.partitions`, `[].match`. */
  readonly path: string;
  readonly schema: Schema;
  /** A right value in words. */
  readonly value: string;
  /** As the file would write it; undefined when the key is not there by default. */
  readonly standard: string | undefined;
  readonly isRequired: boolean;
  readonly about: string;
};

/** All keys below a schema, in its order, with those of maps and lists inside it. */
export function rowsOf(schema: Schema, path = ''): readonly Row[] {
  if (variantsOf(schema).size > 0) return [];
  const shape = mapShape(schema, undefined);
  if (shape?.kind === 'keys')
    return [...shape.keys].flatMap(([key, own]) => {
      const at = path === '' ? key : `${path}.${key}`;
      const below = rowsOf(own, at);
      return isPlainSection(own) ? below : [rowOf(at, own), ...below];
    });
  if (shape?.kind === 'names') return rowsOf(shape.value, `${path}${path === '' ? '' : '.'}<name>`);
  const item = itemOf(schema, 0);
  return item === undefined || mapShape(item, undefined) === undefined ? [] : rowsOf(item, `${path}[]`);
}

/** A map of known keys that says nothing beyond them needs no row of its own. */
const isPlainSection = (schema: Schema): boolean =>
  mapShape(schema, undefined)?.kind === 'keys' && factsOf(schema) === undefined;

const rowOf = (path: string, schema: Schema): Row => ({
  path,
  schema,
  value: factsOf(schema)?.expects ?? 'a map',
  standard: printDefault(schema),
  isRequired: !isOptional(schema),
  about: aboutOf(schema),
});

/** The description of a schema; empty when it has none. */
export const aboutOf = (schema: Schema): string => z.globalRegistry.get(schema)?.description ?? innerAbout(schema);

// Defaults and the like are laid around a field that was described before.
const innerAbout = (schema: Schema): string => {
  const { def } = schema._zod;
  return 'innerType' in def ? aboutOf(def.innerType as Schema) : '';
};

function printDefault(schema: Schema): string | undefined {
  const value = defaultOf(schema);
  if (value === undefined) return undefined;
  if (typeof value !== 'string') return JSON.stringify(value).replaceAll(',', ', ');
  return takesTextOnly(schema) || /^[a-z0-9]+$/.test(value) ? value : JSON.stringify(value);
}
