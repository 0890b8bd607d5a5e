// Lays environment variables over the file: REDIS_URL and KAFKA_BROKERS, then STREAM__SECTION__KEY=value. Names match
// keys without regard to case, `_` and `-`, so that STREAM__SOURCES__FIRMS_CALIFORNIA__EVERY=5m finds
// sources.firms-california.every. A name that finds nothing is an error, because a variable that is silently ignored
// costs an afternoon.
import type { ConfigIssue } from './config-error.ts';
import { printPath } from './key-spelling.ts';
import { normaliseKeys } from './normalise-keys.ts';
import { findOverridePath } from './override-path.ts';
import { schemaAt } from './schema-at.ts';
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

  if (isSet(env.REDIS_URL)) set('REDIS_URL', ['redis', 'url'], env.REDIS_URL);
  if (isSet(env.KAFKA_BROKERS)) set('KAFKA_BROKERS', ['kafka', 'brokers'], env.KAFKA_BROKERS);

  for (const { variable, segments, text } of streamVariables(env)) {
    const found = findOverridePath(tree, schema, segments);
    if (!found.ok) {
      const { path, ...refusal } = found;
      issues.push({ ...placeOf(variable), path: printPath(path), ...refusal.words });
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
