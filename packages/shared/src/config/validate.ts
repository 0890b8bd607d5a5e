// Holds a tree against the schema, until everything that is wrong is known. zod tries no rule between fields while one of
// the fields is wrong, so what is wrong is left out and the rest tried again, until nothing more is found: a file gives
// all its errors at once. What only follows from leaving something out is not reported.
import type { z } from 'zod';
import type { ConfigIssue } from './config-error.ts';
import { type CrossFault, idClashes } from './cross-checks.ts';
import { describeFault } from './describe-fault.ts';
import { printPath } from './key-spelling.ts';
import { locate } from './locate.ts';
import { type Config, configSchema } from './schema.ts';
import { schemaAt, typeAt } from './schema-at.ts';
import { exampleOf, isOptional, mapShape } from './shape.ts';
import { strayVariables } from './stray-variables.ts';
import { nodeAt, type Path, type TreeNode } from './tree.ts';

/** The config as far as it is usable, and everything that is wrong. With an issue the config must not be used. */
export type Validated = { readonly config?: Config; readonly issues: readonly ConfigIssue[] };

/** What earlier steps found: `wrong` values are reported already, `dropped` ones count as not written. */
export type EarlierFindings = { readonly wrong: readonly Path[]; readonly dropped: readonly Path[] };

/** Each round leaves out one value at least; a fault hides few others, so this many rounds are never reached. */
const mostRounds = 60;

/** A file with more faults than this gets the first ones only. */
const mostIssues = 500;

/** Validates a tree in camelCase with its variables put in. */
export function validate(root: TreeNode, earlier: EarlierFindings = { wrong: [], dropped: [] }): Validated {
  const stray = strayVariables(root, configSchema);
  const clashes = idClashes(sourceIds(root));
  const issues: ConfigIssue[] = [...stray.map((one) => one.issue), ...clashes.map((clash) => toIssue(root, clash))];
  const known = [...earlier.wrong, ...stray.map((one) => one.path)];
  const reported = new Set([...known, ...clashes.map((one) => one.path)].map(printPath));
  const gaps = new Map<string, Gap>();
  // No example for these: a source that is disabled must not come out with values that nobody wrote.
  for (const path of earlier.dropped) gaps.set(printPath(path), { path, example: undefined });
  for (const path of known) openGap(root, path, gaps);
  for (let round = 0; round < mostRounds; round++) {
    const result = configSchema.safeParse(plainWithout(root, [], gaps));
    if (result.success) return { config: result.data, issues };
    const before = gaps.size;
    const seen = new Map(gaps);
    for (const raw of result.error.issues.flatMap(deepest)) {
      if (issues.length >= mostIssues) return { issues };
      const own = originalPath(root, raw.path, seen);
      const others = involved(raw, own);
      const shown =
        nodeAt(root, own) === undefined ? (others.find((other) => nodeAt(root, other) !== undefined) ?? own) : own;
      const follows =
        [own, shown, ...others].some((path) => reported.has(printPath(path))) || isHollow(raw, own, reported);
      if (!follows) issues.push(describeFault(root, shown, raw));
      reported.add(printPath(shown));
      openGap(root, shown, gaps);
    }
    if (gaps.size === before) break;
  }
  return { issues };
}

const sourceIds = (root: TreeNode): readonly string[] => {
  const sources = nodeAt(root, ['sources']);
  return sources?.kind === 'map' ? [...sources.entries.keys()] : [];
};

/** Ids are compared before the schema is asked, because it may have to leave one of two sources out. */
const toIssue = (root: TreeNode, { path, message }: CrossFault): ConfigIssue => ({
  ...locate(root, path),
  path: printPath(path),
  message,
  expected: 'ids that differ by more than case',
  found: JSON.stringify(path.at(-1)),
});

type Raw = z.core.$ZodIssue;

/** Of a union that failed, the branch that came further than its first step: the one that was meant. */
function deepest(raw: Raw): readonly Raw[] {
  if (raw.code !== 'invalid_union') return [raw];
  const further = raw.errors.filter((branch) => branch.some((inner) => inner.path.length > 0));
  const meant = further.length === 1 ? further[0] : undefined;
  return meant === undefined
    ? [raw]
    : meant.flatMap((inner) => deepest({ ...inner, path: [...raw.path, ...inner.path] }));
}

/**
 * The other fields that a rule between fields looked at, which the schema names: `involves` beside the field of the
 * issue (or, with `inside`, in the map that the issue is about), `involvesPaths` from the root.
 */
function involved(raw: Raw, own: Path): readonly Path[] {
  if (raw.code !== 'custom' || raw.params === undefined) return [];
  const { involves, involvesPaths, inside } = raw.params as RuleParams;
  const base = inside === true ? own : own.slice(0, -1);
  return [...(involves ?? []).map((name) => [...base, name]), ...(involvesPaths ?? [])];
}

/** What the rules of the schema pass along with a custom issue; only they make such issues. */
type RuleParams = {
  readonly involves?: readonly string[];
  readonly inside?: boolean;
  readonly involvesPaths?: readonly Path[];
};

/** A list or map that is too small, or lacks a key, because something in it was left out. */
const isHollow = (raw: Raw, own: Path, reported: ReadonlySet<string>): boolean => {
  if (raw.code === 'custom') return false;
  const above = printPath(own);
  return [...reported].some((path) => path.startsWith(`${above}.`) || path.startsWith(`${above}[`));
};

/** A place of which the schema does not see what is written: it sees an example where something must stand, else nothing. */
type Gap = { readonly path: Path; readonly example: unknown };

/** Makes a gap at a path; where there is one already and it did not help, around what holds it. */
function openGap(root: TreeNode, path: Path, gaps: Map<string, Gap>): void {
  for (let length = path.length; length > 0; length--) {
    const at = path.slice(0, length);
    const schema = schemaAt(configSchema, root, at);
    const isNeeded = schema !== undefined && !isOptional(schema) && typeof at.at(-1) === 'string';
    const example = isNeeded && !isEntry(root, at) ? exampleOf(schema) : undefined;
    if (gaps.has(printPath(at)) || (nodeAt(root, at) === undefined && example === undefined)) continue;
    gaps.set(printPath(at), { path: at, example });
    return;
  }
}

/** Entries under names of the user's choice can be left out as they are. */
const isEntry = (root: TreeNode, path: Path): boolean => {
  const holder = schemaAt(configSchema, root, path.slice(0, -1));
  return holder !== undefined && mapShape(holder, typeAt(root, path.slice(0, -1)))?.kind === 'names';
};

/** Plain values of the tree with its gaps. */
function plainWithout(node: TreeNode, path: Path, gaps: ReadonlyMap<string, Gap>): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list')
    return node.items.flatMap((item, index) =>
      gaps.has(printPath([...path, index])) ? [] : [plainWithout(item, [...path, index], gaps)],
    );
  const values = new Map<string, unknown>();
  for (const [key, entry] of node.entries)
    if (!gaps.has(printPath([...path, key]))) values.set(key, plainWithout(entry.node, [...path, key], gaps));
  const above = printPath(path);
  for (const gap of gaps.values())
    if (gap.example !== undefined && gap.path.length === path.length + 1 && printPath(gap.path.slice(0, -1)) === above)
      values.set(String(gap.path.at(-1)), gap.example);
  return Object.fromEntries(values);
}

/** zod's path in terms of the tree, where a list may have more items than zod saw. */
function originalPath(root: TreeNode, path: readonly PropertyKey[], gaps: ReadonlyMap<string, Gap>): Path {
  const original: (string | number)[] = [];
  for (const part of path) {
    if (typeof part !== 'number') {
      original.push(String(part));
      continue;
    }
    const list = nodeAt(root, original);
    const length = list?.kind === 'list' ? list.items.length : 0;
    const left = Array.from({ length }, (_, index) => index).filter(
      (index) => !gaps.has(printPath([...original, index])),
    );
    original.push(left[part] ?? length + part - left.length);
  }
  return original;
}
