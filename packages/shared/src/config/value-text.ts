// Reads the text of an environment variable as the value of a field. A field that takes text gets the text as it is, so
// that a password may look like anything; every other field gets what the text means in YAML: a number, a list, a map.
import { parseFile } from './parse-file.ts';
import { type Schema, takesTextOnly } from './shape.ts';
import type { Place, TreeNode } from './tree.ts';

/** The value with `place` on all of it, or why the text has none. */
export type TextValue =
  | { readonly ok: true; readonly node: TreeNode }
  | { readonly ok: false; readonly reason: string };

/** `schema` undefined: a field that the schema leaves open. */
export function readText(text: string, schema: Schema | undefined, place: Place): TextValue {
  const isQuoted = /^(["']).*\1$/s.test(text);
  if (schema !== undefined && takesTextOnly(schema) && !isQuoted)
    return { ok: true, node: { kind: 'scalar', value: text, place } };
  if (text.trim() === '') return { ok: true, node: { kind: 'scalar', value: null, place } };
  const { tree, issues } = parseFile(text, place.file);
  const fault = issues[0];
  if (tree === undefined || fault !== undefined)
    return text.trim() === 'null' || text.trim() === '~'
      ? { ok: true, node: { kind: 'scalar', value: null, place } }
      : { ok: false, reason: `cannot be read as a YAML value: ${fault?.message ?? 'it is empty'}` };
  return { ok: true, node: withPlace(tree, place) };
}

function withPlace(node: TreeNode, place: Place): TreeNode {
  if (node.kind === 'scalar') return { ...node, place };
  if (node.kind === 'list') return { ...node, place, items: node.items.map((item) => withPlace(item, place)) };
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { keyPlace: place, node: withPlace(entry.node, place) }] as const,
  );
  return { ...node, place, entries: new Map(entries) };
}
