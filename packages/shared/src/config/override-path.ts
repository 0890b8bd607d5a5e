// Follows the name of a STREAM__… variable, part by part, to the key that it means: through the keys that the schema knows,
// the names that the file has, and the indexes of lists.
import { foldKey, printPath, screamingCase } from './key-spelling.ts';
import { nearestKey } from './nearest-key.ts';
import { typeAt } from './schema-at.ts';
import { factsOf, itemOf, type MapShape, mapShape, type Schema } from './shape.ts';
import { nodeAt, type Path, type TreeNode } from './tree.ts';

/** The path that a name means, or why it means none. `missingLists` are lists that have to be made for an index in them. */
export type OverridePath =
  | { readonly ok: true; readonly path: Path; readonly missingLists: readonly Path[] }
  | { readonly ok: false; readonly path: Path; readonly words: RefusalWords };

type RefusalWords = {
  readonly message: string;
  readonly expected: string;
  readonly found: string;
  readonly nearest?: string;
};

/** `segments` is the name behind STREAM__, cut at `__`. */
export function findOverridePath(tree: TreeNode, root: Schema, segments: readonly string[]): OverridePath {
  const path: (string | number)[] = [];
  let schema: Schema | undefined = root;
  const missingLists: Path[] = [];
  for (const segment of segments) {
    const next: Step = segment === '' ? emptyPart : step(tree, schema, path, segment);
    if (!next.ok) return { ok: false, path: [...path, segment], words: refusalWords(path, segment, next) };
    if (typeof next.part === 'number' && nodeAt(tree, path) === undefined) missingLists.push([...path]);
    path.push(next.part);
    schema = next.schema;
  }
  return { ok: true, path, missingLists };
}

type Refusal = {
  readonly ok: false;
  readonly message: string;
  readonly expected: string;
  readonly nearest?: string | undefined;
};
type Step = { readonly ok: true; readonly part: string | number; readonly schema: Schema | undefined } | Refusal;

const emptyPart: Refusal = {
  ok: false,
  message: 'the name of the variable has an empty part',
  expected: 'STREAM__SECTION__KEY',
};

function step(tree: TreeNode, schema: Schema | undefined, path: Path, segment: string): Step {
  const shape: MapShape | undefined = schema === undefined ? { kind: 'open' } : mapShape(schema, typeAt(tree, path));
  const node = nodeAt(tree, path);
  const written = node?.kind === 'map' ? [...node.entries.keys()] : [];
  if (shape?.kind === 'keys') return keyStep(shape.keys, segment);
  if (shape?.kind === 'names')
    return nameStep([...new Set([...written, ...otherNames(schema, tree)])], shape.value, path, segment);
  if (shape?.kind === 'open')
    return { ok: true, part: written.find((name) => foldKey(name) === foldKey(segment)) ?? segment, schema: undefined };
  return indexStep(node, schema, path, segment);
}

function keyStep(keys: ReadonlyMap<string, Schema>, segment: string): Step {
  const known = [...keys.keys()];
  const key = known.find((one) => foldKey(one) === foldKey(segment));
  if (key !== undefined) return { ok: true, part: key, schema: keys.get(key) };
  const nearest = nearestKey(segment, known);
  const all = known.join(', ');
  const message = `no such key in the config${nearest === undefined ? `. Known here: ${all}` : ''}`;
  return { ok: false, message, expected: `one of ${all}`, nearest };
}

/** Among names of the user's choice only those that exist can be meant: a variable's name cannot carry a new one exactly. */
function nameStep(names: readonly string[], value: Schema, path: Path, segment: string): Step {
  const matches = names.includes(segment) ? [segment] : names.filter((name) => foldKey(name) === foldKey(segment));
  const [name] = matches;
  if (name !== undefined && matches.length === 1) return { ok: true, part: name, schema: value };
  const whole = variableName(path);
  if (matches.length > 1)
    return {
      ok: false,
      message: `could mean ${matches.join(' or ')}: set the whole map, ${whole}={…}`,
      expected: 'one name',
    };
  const nearest = nearestKey(segment, names);
  const hint = nearest === undefined ? `. New names can only be set with the whole map: ${whole}={name: …}` : '';
  return {
    ok: false,
    message: `there is no ${printPath([...path, segment])} to override${hint}`,
    expected: names.length === 0 ? 'a name from the file' : `one of ${names.slice(0, 30).join(', ')}`,
    nearest,
  };
}

function indexStep(node: TreeNode | undefined, schema: Schema | undefined, path: Path, segment: string): Step {
  const index = /^\d{1,4}$/.test(segment) ? Number(segment) : undefined;
  const takesList =
    schema !== undefined && itemOf(schema, 0) !== undefined && (node === undefined || node.kind === 'list');
  if (!takesList)
    return {
      ok: false,
      message: `${printPath(path)} is a single value: nothing stands below it`,
      expected: 'the path of a key',
    };
  const length = node?.kind === 'list' ? node.items.length : 0;
  if (index !== undefined && index <= length) return { ok: true, part: index, schema: itemOf(schema, index) };
  const many = length === 1 ? 'one entry' : `${length} entries`;
  return {
    ok: false,
    message: `the list ${printPath(path)} has ${many} in the file: what follows must be a number from 0 to ${length}, or the whole list is set, ${variableName(path)}=[…]`,
    expected: `a number from 0 to ${length}`,
  };
}

const variableName = (path: Path): string => ['STREAM', ...path.map((part) => screamingCase(String(part)))].join('__');

function refusalWords(path: Path, segment: string, { message, expected, nearest }: Refusal): RefusalWords {
  const found = segment === '' ? 'nothing' : segment;
  if (nearest === undefined) return { message, expected, found };
  const suggested = variableName([...path, nearest]);
  return { message: `${message}. Did you mean ${suggested}?`, expected, found, nearest: suggested };
}

/** Names of the user's choice that exist although the map does not hold them. */
function otherNames(schema: Schema | undefined, tree: TreeNode): readonly string[] {
  const facts = schema === undefined ? undefined : factsOf(schema);
  const sources = nodeAt(tree, ['sources']);
  const ids = facts?.namedBySource === true && sources?.kind === 'map' ? [...sources.entries.keys()] : [];
  return [...(facts?.builtInNames ?? []), ...ids];
}
