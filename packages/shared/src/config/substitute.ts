// Puts environment variables in for `${NAME}`, or the content of the file that NAME_FILE names; `$${` is a literal `${`.
// Inside `sources` a process that does not poll may leave what only pollers read (params, headers, baseUrl, auth, tls) as
// it is: it needs no secrets, and so it should get none.
import type { ConfigIssue } from './config-error.ts';
import { printPath } from './key-spelling.ts';
import { normaliseKeys } from './normalise-keys.ts';
import type { Environment } from './overrides.ts';
import { typeAt } from './schema-at.ts';
import { type VariableValue, valueOfVariable } from './secret-file.ts';
import { mask } from './secret-keys.ts';
import { factsOf, itemOf, mapShape, type Schema, takesTextOnly } from './shape.ts';
import { sourceTypes } from './source-types.ts';
import { createSuggest } from './suggest-key.ts';
import { type Entry, nodeAt, type Path, type ScalarNode, type TreeNode } from './tree.ts';
import { readText } from './value-text.ts';

/** `required`: every variable of an enabled source must have a value. `optional`: what only pollers read may lack one. */
export type SecretsMode = 'required' | 'optional';

/** Keys of `params` below which names are the operator's: an API may call its key anything, `appid` or a part of a path. */
const freelyNamed = new Set<string | number | undefined>(['request', 'options']);

const readByPollersOnly = new Set<string | number | undefined>(['params', 'headers', 'baseUrl', 'auth', 'tls']);

/**
 * The tree with variables put in. `wrong` are the paths of the issues, `dropped` those of values of disabled sources that
 * cannot be known and count as not written; both stand in the tree as they were.
 */
export type Substituted = {
  readonly tree: TreeNode;
  readonly issues: readonly ConfigIssue[];
  readonly wrong: readonly Path[];
  readonly dropped: readonly Path[];
  /** What was put in where no name says whether it is a secret: requests of type http, options of a source of one's own. */
  readonly variables: readonly string[];
};

/** Puts in the variables of a tree in camelCase. A variable that is empty counts as not set. */
export function substitute(root: TreeNode, rootSchema: Schema, env: Environment, mode: SecretsMode): Substituted {
  const issues: ConfigIssue[] = [];
  const wrong: Path[] = [];
  const dropped: Path[] = [];
  const variables = new Set<string>();
  const suggest = createSuggest(rootSchema);
  const read = new Map<string, VariableValue>();
  const variable = (name: string): VariableValue => {
    const value = read.get(name) ?? valueOfVariable(env, name);
    read.set(name, value);
    return value;
  };
  const valueOf = (name: string): string | undefined => variable(name).value;

  const refuse = (path: Path, ...found: readonly ConfigIssue[]): void => {
    wrong.push(path);
    issues.push(...found);
  };

  const visit = (node: TreeNode, schema: Schema | undefined, path: Path): TreeNode => {
    if (node.kind === 'scalar')
      return typeof node.value === 'string' ? visitText(node, node.value, schema, path) : node;
    if (node.kind === 'list') {
      const itemSchema = (index: number): Schema | undefined =>
        schema === undefined ? undefined : itemOf(schema, index);
      return { ...node, items: node.items.map((item, index) => visit(item, itemSchema(index), [...path, index])) };
    }
    const shape = schema === undefined ? undefined : mapShape(schema, typeAt(root, path));
    const entries = new Map<string, Entry>();
    for (const [key, entry] of node.entries) {
      const own = shape?.kind === 'keys' ? shape.keys.get(key) : shape?.kind === 'names' ? shape.value : undefined;
      entries.set(key, { ...entry, node: visit(entry.node, own, [...path, key]) });
    }
    return { ...node, entries };
  };

  const visitText = (node: ScalarNode, text: string, schema: Schema | undefined, path: Path): TreeNode => {
    if (!text.includes('${')) return node;
    const parts = readTemplate(text);
    if (parts === undefined) {
      refuse(path, malformed(node, path));
      return node;
    }
    if (path[0] === 'sources' && path.length === 3 && path[2] === 'type') {
      refuse(path, writtenOut(node, path));
      return node;
    }
    const names = parts.flatMap((part) => ('variable' in part ? [part.variable] : []));
    const missing = [...new Set(names)].filter((name) => valueOf(name) === undefined);
    if (missing.length > 0) return leaveOpen(node, missing, schema, path);
    if (path[0] === 'sources' && path[2] === 'params' && freelyNamed.has(path[3]))
      for (const name of names) variables.add(valueOf(name) ?? '');
    const value = parts.map((part) => ('variable' in part ? (valueOf(part.variable) ?? '') : part.text)).join('');
    if (names.length === 0) return { ...node, value };
    if (parts.length > 1 || schema === undefined || takesTextOnly(schema)) return { ...node, value, template: text };
    return readWhole(node, text, value, schema, path);
  };

  /** `${NAME}` alone in a field that takes more than text: a number, true or false, a list. */
  const readWhole = (node: ScalarNode, template: string, value: string, schema: Schema, path: Path): TreeNode => {
    const parsed = readText(value, schema, node.place);
    if (!parsed.ok) {
      const expected = factsOf(schema)?.expects ?? 'a value';
      refuse(path, {
        ...node.place,
        path: printPath(path),
        message: `the value of ${template} ${parsed.reason}`,
        expected,
        found: mask,
      });
      return { ...node, template };
    }
    const normalised = normaliseKeys(parsed.node, schema, path, suggest);
    if (normalised.issues.length > 0) issues.push(...normalised.issues);
    return { ...normalised.tree, template };
  };

  const leaveOpen = (
    node: ScalarNode,
    missing: readonly string[],
    schema: Schema | undefined,
    path: Path,
  ): TreeNode => {
    const isInSource = path[0] === 'sources' && path.length > 2;
    const isDisabled = isInSource && !isEnabled(root, path[1] ?? '', valueOf);
    const isSecret = isInSource && readByPollersOnly.has(path[2]) && (schema === undefined || takesTextOnly(schema));
    const open: TreeNode = { ...node, unresolved: missing };
    if (isSecret && (isDisabled || mode === 'optional')) return open;
    if (isDisabled) dropped.push(path);
    else
      refuse(
        path,
        ...missing.map((name) =>
          notSet(node, name, path, { isInSource, isSecret, isEmpty: env[name] === '', variable: variable(name) }),
        ),
      );
    return open;
  };

  return { tree: visit(root, rootSchema, []), issues, wrong, dropped, variables: [...variables] };
}

/** `type` decides how the rest of a source is read, before variables are put in. */
const writtenOut = (node: ScalarNode, path: Path): ConfigIssue => ({
  ...node.place,
  path: printPath(path),
  message: 'the type of a source must be written out, not taken from a variable',
  expected: `one of ${sourceTypes.join(', ')}`,
  found: 'a variable',
});

const malformed = (node: ScalarNode, path: Path): ConfigIssue => ({
  ...node.place,
  path: printPath(path),
  message: 'a ${ must be followed by the name of an environment variable and }: ${NAME}. Write $${ for a literal ${',
  expected: '${NAME}',
  found: 'something else behind ${',
});

type Part = { readonly text: string } | { readonly variable: string };

/** Cuts a text at its variables; undefined when a `${` is no variable. */
function readTemplate(text: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  let plain = '';
  for (let index = 0; index < text.length; ) {
    if (text.startsWith('$${', index)) {
      plain += '${';
      index += 3;
    } else if (text.startsWith('${', index)) {
      const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}/.exec(text.slice(index, index + 260))?.[1];
      if (name === undefined) return undefined;
      if (plain !== '') parts.push({ text: plain });
      plain = '';
      parts.push({ variable: name });
      index += name.length + 3;
    } else {
      plain += text[index];
      index += 1;
    }
  }
  return plain === '' ? parts : [...parts, { text: plain }];
}

/** Is the source enabled, as far as its file and the environment say? When in doubt, yes. */
function isEnabled(root: TreeNode, id: string | number, valueOf: (name: string) => string | undefined): boolean {
  const node = nodeAt(root, ['sources', id, 'enabled']);
  if (node?.kind !== 'scalar') return true;
  const name = typeof node.value === 'string' ? /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(node.value)?.[1] : undefined;
  return name === undefined ? node.value !== false : valueOf(name)?.trim() !== 'false';
}

function notSet(
  node: ScalarNode,
  name: string,
  path: Path,
  about: { isInSource: boolean; isSecret: boolean; isEmpty: boolean; variable: VariableValue },
): ConfigIssue {
  const file = about.variable.value === undefined ? about.variable.file : undefined;
  if (file !== undefined)
    return {
      ...node.place,
      path: printPath(path),
      message: `the environment variable ${file.variable} ${file.why}: ${name} is taken from it`,
      expected: `a readable file with the value of ${name}`,
      found: 'no such file',
    };
  const instead = about.isInSource
    ? `, or set enabled: false for source ${String(path[1])}`
    : ', or write the value into the file';
  const who = about.isInSource && !about.isSecret ? '. Every process needs this value, not only pollers' : '';
  return {
    ...node.place,
    path: printPath(path),
    message: `the environment variable ${name} ${about.isEmpty ? 'is empty' : 'is not set'}. Set it (export ${name}=…, or ${name}_FILE=… for a file that holds it)${instead}${who}`,
    expected: `a value in the environment variable ${name}`,
    found: about.isEmpty ? 'an empty variable' : 'no such variable',
  };
}
