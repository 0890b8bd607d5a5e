// Lays environment variables over the file: REDIS_URL and KAFKA_BROKERS, then STREAM__SECTION__KEY=value. Names match
// keys without regard to case, `_` and `-`, so that STREAM__SOURCES__FIRMS_CALIFORNIA__EVERY=5m finds
// sources.firms-california.every. A name that finds nothing is an error, because a variable that is silently ignored
// costs an afternoon. Each of them may have `_FILE` behind its name and name a file that holds the value instead.
import type { ConfigIssue } from './config-error.ts';
import { printPath } from './key-spelling.ts';
import { normaliseKeys } from './normalise-keys.ts';
import { findOverridePath, type OverridePath } from './override-path.ts';
import { schemaAt } from './schema-at.ts';
import { readSecretFile, valueOfVariable } from './secret-file.ts';
import { factsOf, type Schema } from './shape.ts';
import { createSuggest } from './suggest-key.ts';
import { type Path, type Place, type TreeNode, withNode } from './tree.ts';
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

  const refuseFile = (variable: string, path: Path, why: string): void => {
    issues.push({
      ...placeOf(variable),
      path: printPath(path),
      message: `the environment variable ${variable} ${why}`,
      expected: 'a readable file with the value',
      found: 'no such file',
    });
  };

  for (const [name, path] of wellKnown) {
    const { value, ...missing } = valueOfVariable(env, name);
    if (value !== undefined) {
      if (value.trim() !== '') set(name, path, value);
    } else if ('file' in missing) refuseFile(missing.file.variable, path, missing.file.why);
  }

  for (const { variable, segments, text: own } of streamVariables(env)) {
    const { found, isFile } = pathOrFile(tree, schema, segments);
    if (!found.ok) {
      const { path, ...refusal } = found;
      issues.push({ ...placeOf(variable), path: printPath(path), ...refusal.words });
      continue;
    }
    const printed = printPath(found.path);
    const other = setBy.get(printed);
    if (isFile && (other !== undefined || own === '')) continue;
    const file = isFile ? readSecretFile(own) : { text: own };
    if ('why' in file) {
      refuseFile(variable, found.path, file.why);
      continue;
    }
    const { text } = file;
    if (other !== undefined) issues.push(setTwice(variable, other, printed));
    setBy.set(printed, variable);
    for (const list of found.missingLists)
      tree = withNode(tree, list, { kind: 'list', items: [], place: placeOf(variable) });
    set(variable, found.path, text);
  }
  return { tree, issues };
}

const wellKnown: readonly (readonly [name: string, path: Path])[] = [
  ['REDIS_URL', ['redis', 'url']],
  ['KAFKA_BROKERS', ['kafka', 'brokers']],
];

/** The key that a name means; one that means none and ends in `_FILE` may name the file of a key's value. */
function pathOrFile(
  tree: TreeNode,
  schema: Schema,
  segments: readonly string[],
): { readonly found: OverridePath; readonly isFile: boolean } {
  const found = findOverridePath(tree, schema, segments);
  const last = segments.at(-1) ?? '';
  if (found.ok || !/._FILE$/i.test(last)) return { found, isFile: false };
  const named = findOverridePath(tree, schema, [...segments.slice(0, -1), last.slice(0, -'_FILE'.length)]);
  return named.ok ? { found: named, isFile: true } : { found, isFile: false };
}

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
