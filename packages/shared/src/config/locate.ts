// Finds the place in the file that an error is about, and says what stands there without giving secrets away.
import { isSecretPath, mask, maskAddress } from './secret-keys.ts';
import { type Entry, type ListNode, nodeAt, type Path, type Place, type TreeNode } from './tree.ts';

/** The place of the value at `path`; where it is not written, that of the nearest key above it, else of the whole file. */
export function locate(root: TreeNode, path: Path): Place {
  let place = root.place;
  let node: TreeNode | undefined = root;
  for (const part of path) {
    if (node?.kind === 'map') {
      const entry: Entry | undefined = node.entries.get(String(part));
      if (entry === undefined) return place;
      const written: TreeNode = entry.node;
      place = written.kind === 'scalar' && written.value !== null ? written.place : entry.keyPlace;
      node = written;
    } else if (node?.kind === 'list') {
      const item: TreeNode | undefined = node.items[Number(part)];
      if (item === undefined) return place;
      place = item.place;
      node = item;
    } else return place;
  }
  return place;
}

/** What stands at `path`, in words and shortened. A value that came from a variable or may be a secret is `***`. */
export function describeFound(root: TreeNode, path: Path): string {
  const node = nodeAt(root, path);
  if (node === undefined) return 'nothing';
  if (node.kind === 'map') return 'a map';
  const value = node.kind === 'scalar' ? node.value : undefined;
  if (value === null) return 'nothing';
  if (isSecretPath(path) || cameFromVariable(root, path)) return node.kind === 'list' ? 'a list' : mask;
  if (node.kind === 'list') return describeList(node);
  return value === undefined ? 'nothing' : describeValue(value);
}

/** A short list of single values as it is written, any other in words. */
function describeList(list: ListNode): string {
  const values = list.items.map((item) =>
    item.kind === 'scalar' && item.value !== null && item.template === undefined
      ? describeValue(item.value)
      : undefined,
  );
  const text = `[${values.join(', ')}]`;
  return values.includes(undefined) || text.length > 60 ? 'a list' : text;
}

/** A single value as messages show it, at most 60 characters. */
export function describeValue(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  const text = maskAddress(value.slice(0, 500));
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}

const cameFromVariable = (root: TreeNode, path: Path): boolean =>
  path.some((_, index) => nodeAt(root, path.slice(0, index + 1))?.template !== undefined);
