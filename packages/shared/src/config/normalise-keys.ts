// Brings the keys of a tree into camelCase and names those that the schema does not know. Names that the user chose
// (source ids, topics, headers, Kafka's own settings) stay exactly as they are.
import type { ConfigIssue } from './config-error.ts';
import { printPath, snakeCase } from './key-spelling.ts';
import { twice } from './parse-file.ts';
import { acceptsNull, itemOf, mapShape, type Schema } from './shape.ts';
import type { Suggest } from './suggest-key.ts';
import type { Entry, MapNode, Path, TreeNode } from './tree.ts';

/** The tree in camelCase, without the keys that are unknown; each of these is an issue. */
export function normaliseKeys(
  root: TreeNode,
  schema: Schema,
  at: Path,
  suggest: Suggest,
): { tree: TreeNode; issues: readonly ConfigIssue[] } {
  const issues: ConfigIssue[] = [];

  const normalise = (node: TreeNode, own: Schema, path: Path): TreeNode => {
    if (node.kind === 'list') {
      const items = node.items.map((item, index) => {
        const itemSchema = itemOf(own, index);
        return itemSchema === undefined ? item : normalise(item, itemSchema, [...path, index]);
      });
      return { ...node, items };
    }
    if (node.kind === 'scalar') return node.value === null ? emptySection(node, own) : node;
    const shape = mapShape(own, typeOf(node));
    if (shape === undefined || shape.kind === 'open') return node;
    if (shape.kind === 'keys') return normaliseMap(node, shape.keys, path);
    const entries = new Map<string, Entry>();
    for (const [name, entry] of node.entries)
      entries.set(name, { ...entry, node: normalise(entry.node, shape.value, [...path, name]) });
    return { ...node, entries };
  };

  const normaliseMap = (node: MapNode, keys: ReadonlyMap<string, Schema>, path: Path): TreeNode => {
    const entries = new Map<string, Entry>();
    for (const [written, entry] of node.entries) {
      const key = knownKey(written, keys.keys());
      const keySchema = key === undefined ? undefined : keys.get(key);
      if (key === undefined || keySchema === undefined) issues.push(unknownKey(written, entry, keys, path));
      else if (entries.has(key))
        issues.push(twice(entry.keyPlace, [...path, key], entries.get(key), ' (as camelCase and snake_case)'));
      else entries.set(key, { ...entry, node: normalise(entry.node, keySchema, [...path, key]) });
    }
    return { ...node, entries };
  };

  const unknownKey = (written: string, entry: Entry, keys: ReadonlyMap<string, Schema>, path: Path): ConfigIssue => {
    const { nearest, advice } = suggest(written, [...keys.keys()], path);
    return {
      ...entry.keyPlace,
      path: printPath([...path, written]),
      message: `unknown key. ${advice}`,
      expected: `one of ${[...keys.keys()].join(', ')}`,
      found: JSON.stringify(written.slice(0, 60)),
      ...(nearest === undefined ? {} : { nearest }),
    };
  };

  return { tree: normalise(root, schema, at), issues };
}

/** The type that a source's entry names, which decides how its `params` are read. */
export const typeOf = (node: TreeNode): unknown => {
  const type = node.kind === 'map' ? node.entries.get('type')?.node : undefined;
  return type?.kind === 'scalar' ? type.value : undefined;
};

/** `queue:` with nothing behind it is an empty section, not an error. */
const emptySection = (node: TreeNode, schema: Schema): TreeNode =>
  !acceptsNull(schema) && mapShape(schema, undefined) !== undefined
    ? { kind: 'map', entries: new Map(), place: node.place }
    : node;

const knownKey = (written: string, keys: Iterable<string>): string | undefined => {
  for (const key of keys) if (written === key || written === snakeCase(key)) return key;
  return undefined;
};
