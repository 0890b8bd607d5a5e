// Finds the part of the schema that reads the value at a path of a given tree.
import { itemOf, mapShape, type Schema } from './shape.ts';
import { nodeAt, type Path, type TreeNode } from './tree.ts';

/** The schema of the value at `path`; undefined below fields that the schema leaves open, and where no key is known. */
export function schemaAt(root: Schema, tree: TreeNode, path: Path): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const [depth, part] of path.entries()) {
    if (schema === undefined) return undefined;
    const above: Path = path.slice(0, depth);
    schema = typeof part === 'number' ? itemOf(schema, part) : keySchema(schema, typeAt(tree, above), part);
  }
  return schema;
}

/** The `type` that the map at `path` names, which decides how a source is read. */
export function typeAt(tree: TreeNode, path: Path): unknown {
  const type = nodeAt(tree, [...path, 'type']);
  return type?.kind === 'scalar' ? type.value : undefined;
}

const keySchema = (schema: Schema, type: unknown, key: string): Schema | undefined => {
  const shape = mapShape(schema, type);
  if (shape?.kind === 'keys') return shape.keys.get(key);
  return shape?.kind === 'names' ? shape.value : undefined;
};
