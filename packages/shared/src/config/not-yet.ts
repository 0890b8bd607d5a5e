// Keys that the config accepts and that change nothing in this version, so that a file can be prepared for what comes.
// Whoever sets one is told at load, and the reference and the editor's schema mark them. A key leaves the table together
// with the change that gives it an effect.
import type { Path, TreeNode } from './tree.ts';

/**
 * Key → what arrives later, or where it is set instead, as a clause without a full stop. A key stands for everything below
 * it; `<id>` is any source id.
 */
export const notYet: Readonly<Record<string, string>> = {
  'sources.<id>.throttling.sampleIntervalMs':
    'lag is sampled for all sources at once, at the interval of throttling.sampleIntervalMs',
};

/** The entry of the table that the key at `path` falls under; undefined for a key that has its effect. */
export function notYetAt(
  path: Path,
  table: Readonly<Record<string, string>> = notYet,
): { readonly key: string; readonly why: string } | undefined {
  const isSource = path[0] === 'sources';
  const at = `${(isSource ? ['sources', '<id>', ...path.slice(2)] : path).join('.')}.`;
  const entry = Object.entries(table).find(([key]) => at.startsWith(`${key}.`));
  if (entry !== undefined) return { key: entry[0], why: entry[1] };
  // `queue` and `throttling` of a source are the sections of that name again.
  return isSource && path.length > 3 ? notYetAt(path.slice(2), table) : undefined;
}

/** The description of a key as reference and editor show it: with a mark if the key changes nothing yet. */
export const marked = (about: string, path: Path, table: Readonly<Record<string, string>> = notYet): string =>
  notYetAt(path, table) === undefined ? about : `${about} (no effect in this version)`.trimStart();

/** One warning for each key of the table that the file or the environment sets: at its first place, the others counted. */
export function notYetWarnings(root: TreeNode): readonly { readonly path: Path; readonly message: string }[] {
  const found = new Map<string, { readonly path: Path; readonly why: string; places: number }>();
  const visit = (node: TreeNode, path: Path): void => {
    const entry = notYetAt(path);
    if (node.kind === 'map' && (entry === undefined || node.entries.size === 0))
      for (const [name, child] of node.entries) visit(child.node, [...path, name]);
    else if (entry !== undefined) {
      const known = found.get(entry.key);
      if (known === undefined) found.set(entry.key, { path, why: entry.why, places: 1 });
      else known.places += 1;
    }
  };
  visit(root, []);
  return [...found.values()].map(({ path, why, places }) => ({
    path,
    message: `has no effect yet: ${why}${places > 1 ? ` (set at ${places} places)` : ''}`,
  }));
}
