// Lays environment variables over the file: REDIS_URL and KAFKA_BROKERS, then STREAM__SECTION__KEY=value. Names match
// keys without regard to case, `_` and `-`, so that STREAM__SOURCES__FIRMS_CALIFORNIA__EVERY=5m finds
// sources.firms-california.every. A name that finds nothing is an error, because a variable that is silently ignored
// costs an afternoon.
import type { ConfigIssue } from './config-error.ts';
import { foldKey, printPath, screamingCase } from './key-spelling.ts';
import { nearestKey } from './nearest-key.ts';
import { normaliseKeys } from './normalise-keys.ts';
import { schemaAt, typeAt } from './schema-at.ts';
import { factsOf, itemOf, type MapShape, mapShape, type Schema } from './shape.ts';
import { createSuggest } from './suggest-key.ts';
import { nodeAt, type Path, type Place, type TreeNode, withNode } from './tree.ts';
import { readText } from './value-text.ts';

/** Environment variables by name, as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = /^STREAM__/i;

/** The tree with the variables laid over it, in the order REDIS_URL, KAFKA_BROKERS, STREAM__… (short paths first). */
export function applyOverrides(
  root: TreeNode,
  schema: Schema,
  env: Environment,
): { tree: TreeNode; issues: readonly ConfigIssue[] } {
  const issues: ConfigIssue[] = [];
  const suggest = createSuggest(schema);
  const setBy = new Map<string, string>();
  let tree = root;

  const set = (variable: string, path: Path, text: string): void => {
    const place = placeOf(variable);
    const own = schemaAt(schema, tree, path);
    const value = readText(text, own, place);
    if (!value.ok) {
      issues.push({
        ...place,
        path: printPath(path),
        message: value.reason,
        expected: expectation(own),
        found: 'a text that is no YAML',
      });
      return;
    }
    const normalised =
      own === undefined ? { tree: value.node, issues: [] } : normaliseKeys(value.node, own, path, suggest);
    issues.push(...normalised.issues);
    tree = withNode(tree, path, normalised.tree);
  };

  if (isSet(env.REDIS_URL)) set('REDIS_URL', ['redis', 'url'], env.REDIS_URL);
  if (isSet(env.KAFKA_BROKERS)) set('KAFKA_BROKERS', ['kafka', 'brokers'], env.KAFKA_BROKERS);

  for (const { variable, segments, text } of streamVariables(env)) {
    const found = findPath(tree, schema, variable, segments);
    if (!found.ok) {
      issues.push(found.issue);
      continue;
    }
    const printed = printPath(found.path);
    const other = setBy.get(printed);
    if (other !== undefined) issues.push(setTwice(variable, other, printed));
    setBy.set(printed, variable);
    for (const list of found.missingLists)
      tree = withNode(tree, list, { kind: 'list', items: [], place: placeOf(variable) });
    set(variable, found.path, text);
  }
  return { tree, issues };
}

const isSet = (value: string | undefined): value is string => value !== undefined && value.trim() !== '';

const placeOf = (variable: string): Place => ({ file: `environment variable ${variable}`, line: 0, column: 0 });

const expectation = (schema: Schema | undefined): string =>
  (schema === undefined ? undefined : factsOf(schema)?.expects) ?? 'a value';

const setTwice = (variable: string, other: string, path: string): ConfigIssue => ({
  ...placeOf(variable),
  path,
  message: `is set by ${other} as well: the two names mean the same key`,
  expected: 'one variable for each key',
  found: 'two',
});

function streamVariables(env: Environment) {
  return Object.entries(env)
    .flatMap(([variable, text]) =>
      text !== undefined && prefix.test(variable)
        ? [{ variable, segments: variable.replace(prefix, '').split('__'), text }]
        : [],
    )
    .sort((a, b) => a.segments.length - b.segments.length || (a.variable < b.variable ? -1 : 1));
}

type Found =
  | { readonly ok: true; readonly path: Path; readonly missingLists: readonly Path[] }
  | { readonly ok: false; readonly issue: ConfigIssue };

/** Follows the name's segments through schema and tree. */
function findPath(tree: TreeNode, root: Schema, variable: string, segments: readonly string[]): Found {
  const path: (string | number)[] = [];
  const missingLists: Path[] = [];
  let schema: Schema | undefined = root;

  const refuse = (segment: string, message: string, expected: string, nearest?: string): Found => {
    const suggested =
      nearest === undefined
        ? undefined
        : ['STREAM', ...path.map((part) => screamingCase(String(part))), screamingCase(nearest)].join('__');
    return {
      ok: false,
      issue: {
        ...placeOf(variable),
        path: printPath([...path, segment]),
        message: `${message}${suggested === undefined ? '' : `. Did you mean ${suggested}?`}`,
        expected,
        found: segment === '' ? 'nothing' : segment,
        ...(suggested === undefined ? {} : { nearest: suggested }),
      },
    };
  };

  for (const segment of segments) {
    if (segment === '') return refuse(segment, 'the name of the variable has an empty part', 'STREAM__SECTION__KEY');
    const shape: MapShape | undefined = schema === undefined ? { kind: 'open' } : mapShape(schema, typeAt(tree, path));
    const node = nodeAt(tree, path);
    const existing = node?.kind === 'map' ? [...node.entries.keys()] : [];
    if (shape?.kind === 'keys') {
      const key = [...shape.keys.keys()].find((known) => foldKey(known) === foldKey(segment));
      if (key === undefined) {
        const known = [...shape.keys.keys()];
        const near = nearestKey(segment, known);
        return refuse(
          segment,
          `no such key in the config${near === undefined ? `. Known here: ${known.join(', ')}` : ''}`,
          `one of ${known.join(', ')}`,
          near,
        );
      }
      path.push(key);
      schema = shape.keys.get(key);
    } else if (shape?.kind === 'names') {
      const names = [...new Set([...existing, ...otherNames(schema, tree)])];
      const matches = names.includes(segment) ? [segment] : names.filter((name) => foldKey(name) === foldKey(segment));
      const [name] = matches;
      if (matches.length > 1)
        return refuse(
          segment,
          `could mean ${matches.join(' or ')}: name the whole map instead, in YAML's bracket form`,
          'one name',
        );
      if (name === undefined) {
        const near = nearestKey(segment, names);
        const whole = ['STREAM', ...path.map((part) => screamingCase(String(part)))].join('__');
        const hint = near === undefined ? `. New names can only be set with the whole map: ${whole}={name: …}` : '';
        return refuse(
          segment,
          `there is no ${printPath(path)}.${segment} to override${hint}`,
          names.length === 0 ? 'a name from the file' : `one of ${names.slice(0, 30).join(', ')}`,
          near,
        );
      }
      path.push(name);
      schema = shape.value;
    } else if (shape?.kind === 'open') {
      path.push(existing.find((name) => foldKey(name) === foldKey(segment)) ?? segment);
      schema = undefined;
    } else {
      const index = /^\d{1,4}$/.test(segment) ? Number(segment) : undefined;
      const item: Schema | undefined = schema === undefined || index === undefined ? undefined : itemOf(schema, index);
      const length = node?.kind === 'list' ? node.items.length : 0;
      if (item === undefined || index === undefined || (node !== undefined && node.kind !== 'list'))
        return refuse(
          segment,
          `${printPath(path)} is a single value: nothing stands below it`,
          `STREAM__ and the path of a key`,
        );
      if (index > length)
        return refuse(
          segment,
          `the list has ${length} ${length === 1 ? 'entry' : 'entries'}: the next one is ${length}`,
          `a number from 0 to ${length}`,
        );
      if (node === undefined) missingLists.push([...path]);
      path.push(index);
      schema = item;
    }
  }
  if (path.length === 0) return refuse('', 'the name of the variable has no key', 'STREAM__SECTION__KEY');
  return { ok: true, path, missingLists };
}

/** Names of the user's choice that exist although the map does not hold them. */
function otherNames(schema: Schema | undefined, tree: TreeNode): readonly string[] {
  const facts = schema === undefined ? undefined : factsOf(schema);
  const sources = nodeAt(tree, ['sources']);
  const ids = facts?.namedBySource === true && sources?.kind === 'map' ? [...sources.entries.keys()] : [];
  return [...(facts?.builtInNames ?? []), ...ids];
}
