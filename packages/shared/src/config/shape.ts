// Reads the zod schema as a plan of the file: which keys an object has, where names are the user's own, what a leaf
// accepts. The rest of the loading (spelling of keys, overrides, variables, docs) asks here and knows nothing of zod's
// insides, which are touched in this file only.
import { z } from 'zod';
import { type FieldFacts, fieldFacts } from './fields.ts';

/** Any schema, also one that another package of the zod family made. */
export type Schema = z.core.$ZodType;

/** How a map is read: with keys that the schema knows, or with names that the user chose. */
export type MapShape =
  | { readonly kind: 'keys'; readonly keys: ReadonlyMap<string, Schema> }
  | { readonly kind: 'names'; readonly name: Schema; readonly value: Schema }
  | { readonly kind: 'open' };

/** What a leaf takes. */
export type Primitive = 'string' | 'number' | 'boolean' | 'null';

type Definition = z.core.$ZodTypes['_zod']['def'];

// zod's own union of all its definitions; every schema made by zod is one of them.
const definition = (schema: Schema): Definition => (schema as z.core.$ZodTypes)._zod.def;

/** The schema inside default, optional, nullable, transform and the like, one level down; undefined when there is none. */
const inner = (schema: Schema): Schema | undefined => {
  const def = definition(schema);
  if (def.type === 'pipe') return def.in;
  return 'innerType' in def && def.type !== 'promise' && def.type !== 'success' ? def.innerType : undefined;
};

/** The schemas that may read a value, without their wrappers; more than one for a union, none of them a union. */
export function alternatives(schema: Schema): readonly Schema[] {
  const inside = inner(schema);
  if (inside !== undefined) return alternatives(inside);
  const def = definition(schema);
  if (def.type === 'union' && !('discriminator' in def)) return def.options.flatMap(alternatives);
  return [schema];
}

/** The facts of a field, from its outermost wrapper that has some. */
export function factsOf(schema: Schema): FieldFacts | undefined {
  const inside = inner(schema);
  return fieldFacts.get(schema) ?? (inside === undefined ? undefined : factsOf(inside));
}

/** Is the key allowed to be absent? */
export function isOptional(schema: Schema): boolean {
  // 'optional' or 'defaulted'; undefined for a key that has to be written.
  return schema._zod.optin !== undefined;
}

/** The value of a key that is not written, as the file would write it; undefined when there is none. */
export function defaultOf(schema: Schema): unknown {
  const def = definition(schema);
  if (def.type === 'default' || def.type === 'prefault') return def.defaultValue;
  const inside = inner(schema);
  return inside === undefined ? undefined : defaultOf(inside);
}

/** A right value of a field that must be written; undefined when none is known. */
export function exampleOf(schema: Schema): unknown {
  const own = factsOf(schema)?.example;
  if (own !== undefined) return own;
  const shape = mapShape(schema, undefined);
  if (shape?.kind !== 'keys' || variantsOf(schema).size > 0) return undefined;
  const needed = [...shape.keys].filter(([, value]) => !isOptional(value));
  return Object.fromEntries(needed.map(([key, value]) => [key, exampleOf(value)]));
}

/** May the key be written as nothing (`null`)? */
export function acceptsNull(schema: Schema): boolean {
  if (definition(schema).type === 'nullable') return true;
  const inside = inner(schema);
  return inside === undefined ? primitives(schema).has('null') : acceptsNull(inside);
}

/** The types of a leaf's single values; empty when it takes lists or maps only. */
export function primitives(schema: Schema): ReadonlySet<Primitive> {
  const found = new Set<Primitive>();
  for (const option of alternatives(schema)) {
    const def = definition(option);
    if (def.type === 'string' || def.type === 'enum') found.add('string');
    else if (def.type === 'number') found.add('number');
    else if (def.type === 'boolean') found.add('boolean');
    else if (def.type === 'null') found.add('null');
    else if (def.type === 'literal') found.add('string');
  }
  return found;
}

/** Does a value have to be text, whatever it looks like? */
export function takesTextOnly(schema: Schema): boolean {
  const options = alternatives(schema);
  return options.every((option) => primitives(option).has('string') && primitives(option).size === 1);
}

/** The words that a field accepts, where it is a choice among words; empty else. */
export function words(schema: Schema): readonly string[] {
  return alternatives(schema).flatMap((option) => {
    const def = definition(option);
    if (def.type === 'enum') return Object.values(def.entries).map(String);
    return def.type === 'literal' ? def.values.map(String) : [];
  });
}

/** The schema of a list's element at `index`; undefined when the field takes no list. */
export function itemOf(schema: Schema, index: number): Schema | undefined {
  for (const option of alternatives(schema)) {
    const def = definition(option);
    if (def.type === 'array') return def.element;
    if (def.type === 'tuple') return def.items[index] ?? def.rest ?? def.items.at(-1);
  }
  return undefined;
}

/**
 * How the field reads a map; undefined when it takes none. `variant` is the value of the key that decides among variants
 * (`type` of a source); with an unknown one, what all variants share is known and the rest is open.
 */
export function mapShape(schema: Schema, variant: unknown): MapShape | undefined {
  for (const option of alternatives(schema)) {
    const def = definition(option);
    if (def.type === 'object') return { kind: 'keys', keys: new Map(Object.entries(def.shape)) };
    if (def.type === 'record') return { kind: 'names', name: def.keyType, value: def.valueType };
    if (def.type === 'unknown' || def.type === 'any') return { kind: 'open' };
    if (def.type === 'union') return variantShape(def.options, variant);
  }
  return undefined;
}

/** The variants of a discriminated union by their `type`, in the order of the schema; empty for anything else. */
export function variantsOf(schema: Schema): ReadonlyMap<string, Schema> {
  const found = new Map<string, Schema>();
  for (const option of alternatives(schema)) {
    const def = definition(option);
    if (def.type !== 'union') continue;
    for (const variant of def.options) for (const name of variantNames(variant)) found.set(name, variant);
  }
  return found;
}

const variantNames = (variant: Schema): readonly string[] => {
  const shape = mapShape(variant, undefined);
  const type = shape?.kind === 'keys' ? shape.keys.get('type') : undefined;
  return type === undefined ? [] : words(type);
};

const anything = z.unknown();

const variantShape = (options: readonly Schema[], variant: unknown): MapShape => {
  const chosen = options.find((option) => typeof variant === 'string' && variantNames(option).includes(variant));
  if (chosen !== undefined) return mapShape(chosen, undefined) ?? { kind: 'open' };
  const keys = new Map<string, Schema>();
  const first = options[0];
  const shape = first === undefined ? undefined : mapShape(first, undefined);
  if (shape?.kind !== 'keys') return { kind: 'open' };
  for (const [key, value] of shape.keys) keys.set(key, value);
  keys.set('params', anything);
  return { kind: 'keys', keys };
};
