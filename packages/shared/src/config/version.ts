// The version of a config: the same in every process that runs it, whatever secrets the process has. It shows whether the
// fleet agrees, and is printed and stored, so no secret may go into it.
import { createHash } from 'node:crypto';
import { isSecretPath, mask, maskAddress } from './secret-keys.ts';
import type { Path, TreeNode } from './tree.ts';

/**
 * 12 hexadecimal digits of the SHA-256 of the config in canonical form: overrides laid over, keys in camelCase and in
 * order, `${…}` inside `sources` as written, secrets and the user part of addresses masked. Format, comments, spelling
 * and order of keys do not change it.
 */
export function configVersion(root: TreeNode): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(root, [])))
    .digest('hex')
    .slice(0, 12);
}

function canonical(node: TreeNode, path: Path): unknown {
  if (path[0] === 'sources' && node.template !== undefined) return node.template;
  if (node.kind === 'list') return node.items.map((item, index) => canonical(item, [...path, index]));
  if (node.kind === 'scalar') {
    if (typeof node.value !== 'string') return node.value;
    if (node.unresolved !== undefined) return node.value;
    return isSecretPath(path) ? mask : maskAddress(node.value);
  }
  const entries = [...node.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  // Pairs, not an object: a key named __proto__ must count as well.
  return entries.map(([key, entry]) => [key, canonical(entry.node, [...path, key])]);
}
