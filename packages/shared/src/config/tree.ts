// The config between file and schema: plain values, each with the place where it was written. Every step of loading
// (spelling, overrides, variables) makes a new tree from the old one, so that an error of the last step still knows the
// line of the first.

/** Where something was written. Lines and columns count from 1; both are 0 for an environment variable. */
export type Place = { readonly file: string; readonly line: number; readonly column: number };

type Written = {
  readonly place: Place;
  /** The text with its `${…}` as it was written, once variables were put in. Such a value is never printed. */
  readonly template?: string;
};

/** A key and what stands behind it. */
export type Entry = { readonly keyPlace: Place; readonly node: TreeNode };

export type MapNode = Written & { readonly kind: 'map'; readonly entries: ReadonlyMap<string, Entry> };
export type ListNode = Written & { readonly kind: 'list'; readonly items: readonly TreeNode[] };
export type ScalarNode = Written & {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** Variables of the text that have no value, when the text was left as it is for that. */
  readonly unresolved?: readonly string[];
};
export type TreeNode = MapNode | ListNode | ScalarNode;

/** Keys of maps and indexes of lists, from the root. */
export type Path = readonly (string | number)[];

/** The node at a path; undefined where the path leaves the tree. */
export function nodeAt(root: TreeNode, path: Path): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const part of path) {
    if (node?.kind === 'map') node = node.entries.get(String(part))?.node;
    else if (node?.kind === 'list') node = node.items[Number(part)];
    else return undefined;
  }
  return node;
}

/** The tree with another node at `path`, maps on the way made where they are missing; unchanged where a list or scalar is in the way. */
export function withNode(root: TreeNode, path: Path, node: TreeNode): TreeNode {
  const [part, ...rest] = path;
  if (part === undefined) return node;
  if (root.kind === 'list') {
    const index = Number(part);
    const items = [...root.items];
    if (index < items.length) items[index] = withNode(items[index] ?? emptyMap(node.place), rest, node);
    else items.push(withNode(emptyMap(node.place), rest, node));
    return { ...root, items };
  }
  const map = root.kind === 'map' ? root : emptyMap(root.place);
  const entries = new Map(map.entries);
  const old = entries.get(String(part));
  entries.set(String(part), {
    keyPlace: old?.keyPlace ?? node.place,
    node: withNode(old?.node ?? emptyMap(node.place), rest, node),
  });
  return { ...map, entries };
}

/** The tree without the node at `path`; unchanged where there is none. */
export function withoutNode(root: TreeNode, path: Path): TreeNode {
  const [part, ...rest] = path;
  if (part === undefined) return root;
  if (root.kind === 'list') {
    const index = Number(part);
    const child = root.items[index];
    if (child === undefined) return root;
    if (rest.length === 0) return { ...root, items: root.items.filter((_, at) => at !== index) };
    return { ...root, items: root.items.map((item, at) => (at === index ? withoutNode(item, rest) : item)) };
  }
  if (root.kind !== 'map') return root;
  const entry = root.entries.get(String(part));
  if (entry === undefined) return root;
  const entries = new Map(root.entries);
  if (rest.length === 0) entries.delete(String(part));
  else entries.set(String(part), { ...entry, node: withoutNode(entry.node, rest) });
  return { ...root, entries };
}

const emptyMap = (place: Place): MapNode => ({ kind: 'map', entries: new Map(), place });

/** The values without their places. Own properties only, so that a key named `__proto__` is a key and nothing else. */
export function toPlain(node: TreeNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)]));
}
