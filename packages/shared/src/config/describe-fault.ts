// Puts one fault that zod found into the words of the field it is about: what was expected, what stands there, and the
// nearest word where the field is a choice.
import { z } from 'zod';
import type { ConfigIssue } from './config-error.ts';
import { formerValues } from './former-names.ts';
import { foldKey, printPath } from './key-spelling.ts';
import { describeFound, locate } from './locate.ts';
import { nearestKey } from './nearest-key.ts';
import { configSchema } from './schema.ts';
import { schemaAt } from './schema-at.ts';
import { mask } from './secret-keys.ts';
import { factsOf, isOptional, mapShape, type Schema, takesTextOnly, variantsOf, words } from './shape.ts';
import { nodeAt, type Path, type TreeNode } from './tree.ts';

/** The issue of a fault at `path`, which may be missing in the tree. */
export function describeFault(root: TreeNode, path: Path, raw: z.core.$ZodIssue): ConfigIssue {
  const node = nodeAt(root, path);
  const isDiscriminator = raw.code === 'invalid_union' && raw.path.at(-1) === 'type';
  const holder = schemaAt(configSchema, root, path.slice(0, -1));
  const schema = schemaAt(configSchema, root, path);
  const choices =
    isDiscriminator && holder !== undefined
      ? [...variantsOf(holder).keys()]
      : schema === undefined
        ? []
        : words(schema);
  const expected = isDiscriminator
    ? `one of ${choices.join(', ')}`
    : raw.code === 'invalid_key'
      ? nameExpectation(holder)
      : expectation(schema);
  const found =
    raw.code === 'invalid_key' ? JSON.stringify(String(path.at(-1)).slice(0, 60)) : describeFound(root, path);
  const nearest = found === mask ? undefined : nearestWord(node, choices);
  const needsQuotes = schema !== undefined && fitsInQuotes(schema, node);
  const reason = whyNot(schema, node);
  const text = { own: ownMessage(raw), expected, found, needsQuotes, reason };
  return {
    ...locate(root, path),
    path: printPath(path),
    message: `${explain(node, text)}${nearest === undefined ? '' : `. Did you mean "${nearest}"?`}`,
    expected,
    found,
    ...(nearest === undefined ? {} : { nearest }),
  };
}

/** Messages of the schema's own rules follow the key; zod's own are not used. */
const ownMessage = (raw: z.core.$ZodIssue): string | undefined =>
  raw.code === 'custom' && raw.params?.plain !== true ? raw.message : undefined;

function explain(
  node: TreeNode | undefined,
  text: { own: string | undefined; expected: string; found: string; needsQuotes: boolean; reason: string | undefined },
): string {
  if (node?.kind === 'scalar' && node.unresolved !== undefined)
    return `the environment variable ${node.unresolved.join(', ')} is not set, and ${text.expected} cannot stay open`;
  const isValue = node?.kind === 'scalar' && node.value !== null;
  if (text.own !== undefined) return isValue ? `${text.own} (found ${text.found})` : text.own;
  if (node === undefined) return `is missing: expected ${text.expected}`;
  const hint = text.needsQuotes ? '. A number or word that is meant as text must be in quotes' : '';
  const reason = text.reason === undefined ? '' : `: ${text.reason}`;
  return `expected ${text.expected}, found ${text.found}${reason}${hint}`;
}

/** A number, true or false that would be right as a text: ids and keys of digits are easily written so. */
const fitsInQuotes = (schema: Schema, node: TreeNode | undefined): boolean =>
  node?.kind === 'scalar' &&
  (typeof node.value === 'number' || typeof node.value === 'boolean') &&
  takesTextOnly(schema) &&
  z.safeParse(schema, String(node.value)).success;

const whyNot = (schema: Schema | undefined, node: TreeNode | undefined): string | undefined =>
  schema === undefined || node?.kind !== 'scalar' ? undefined : factsOf(schema)?.whyNot?.(node.value);

/** What the field would accept; of a map without words of its own, its keys. */
function expectation(schema: Schema | undefined): string {
  if (schema === undefined) return 'another value';
  const facts = factsOf(schema);
  if (facts !== undefined) return facts.expects;
  const shape = mapShape(schema, undefined);
  if (shape?.kind !== 'keys') return 'another value';
  const needed = [...shape.keys].filter(([, own]) => !isOptional(own)).map(([key]) => key);
  return `a map with ${(needed.length === 0 ? [...shape.keys.keys()] : needed).join(', ')}`;
}

function nameExpectation(holder: Schema | undefined): string {
  const shape = holder === undefined ? undefined : mapShape(holder, undefined);
  return shape?.kind === 'names' ? (factsOf(shape.name)?.expects ?? 'another name') : 'another name';
}

/** The word that was meant: the same in another spelling, a former name, or the nearest. */
function nearestWord(node: TreeNode | undefined, choices: readonly string[]): string | undefined {
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') return undefined;
  const value = node.value;
  // A word that is right in itself, refused for something else.
  if (choices.includes(value)) return undefined;
  const same = choices.find((word) => foldKey(word) === foldKey(value));
  const former = Object.hasOwn(formerValues, value) ? formerValues[value] : undefined;
  return same ?? (former !== undefined && choices.includes(former) ? former : nearestKey(value, choices));
}
