// Turns the text of a config file, YAML or JSON, into a tree with places. JSON goes through the same parser: it is a part
// of YAML, and so its errors have lines too. What a hostile file could do is bounded: its size, its depth, the aliases
// in it and the values that they stand for. The parser's own messages are not used, because they quote the file.
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { ConfigIssue } from './config-error.ts';
import { printPath } from './key-spelling.ts';
import type { Entry, Path, Place, TreeNode } from './tree.ts';

/** Bounds of a config file. */
export const fileLimits = { bytes: 4 * 1_024 * 1_024, values: 200_000, aliases: 2_000, depth: 40 } as const;

/** The tree of a text, and everything wrong with it; no tree when the text as a whole cannot be read. */
export type ParsedFile = { readonly tree?: TreeNode; readonly issues: readonly ConfigIssue[] };

/** Reads one YAML or JSON text. `file` is the name that places bear. */
export function parseFile(text: string, file: string): ParsedFile {
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  const faults = [...document.errors, ...document.warnings];
  const exhausted = faults.find((fault) => fault.code === 'RESOURCE_EXHAUSTION');
  if (exhausted !== undefined) return { issues: [syntaxIssue(placeOf(exhausted.pos[0]), tooDeep)] };
  if (faults.length > 0) {
    // One slip often breaks several rules of the parser, all at one place: the first says most.
    const byOffset = new Map([...faults].reverse().map((fault) => [fault.pos[0], fault]));
    return {
      issues: faults
        .filter((fault) => byOffset.get(fault.pos[0]) === fault)
        .slice(0, 20)
        .map((fault) => syntaxIssue(placeOf(fault.pos[0]), syntaxMessages[fault.code] ?? brokenSyntax)),
    };
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return {
      issues: [{ ...nowhere(file), message: 'is empty', expected: 'a map of config sections', found: 'nothing' }],
    };
  const walk = createWalk(placeOf);
  try {
    return { tree: walk.read(document.contents, []), issues: walk.issues };
  } catch (error) {
    if (error instanceof Refusal) return { issues: [error.issue] };
    throw error;
  }
}

/** An issue about the file as a whole. */
export const nowhere = (file: string) => ({ file, line: 0, column: 0, path: '' }) as const;

const brokenSyntax = 'this is no valid YAML';
const tooDeep = `is nested more than ${fileLimits.depth} levels deep`;

const syntaxMessages: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias (*name) cannot have a tag or an anchor',
  BAD_ALIAS: 'an alias (*name) must have a name',
  BAD_COLLECTION_TYPE: 'the tag does not fit the value behind it',
  BAD_DIRECTIVE: 'lines that begin with % are directives, and this one is unknown: put the text in quotes',
  BAD_DQ_ESCAPE: 'a backslash in double quotes begins an escape sequence, and this one is unknown: use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above; or a bracket or quote above is not closed',
  BAD_PROP_ORDER: 'an anchor or a tag stands in the wrong place',
  BAD_SCALAR_START: 'a text cannot begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a key and its value cannot stand here: check the indentation, and put a text that holds ": " in quotes',
  BLOCK_IN_FLOW: 'inside brackets or braces everything must be in bracket form',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters: a colon or a quote is missing',
  MISSING_CHAR: 'a character is missing: a closing quote, bracket, comma, colon or space',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, with its colon: a colon or a quote is missing',
  MULTIPLE_ANCHORS: 'a value can have one anchor only',
  MULTIPLE_DOCS: 'a second document begins here (---): a config file holds one',
  MULTIPLE_TAGS: 'a value can have one tag only',
  NON_STRING_KEY: 'a key must be a text',
  TAB_AS_INDENT: 'lines are indented with spaces, never with tabs',
  TAG_RESOLVE_FAILED: 'this tag (!name) is not known: put a text that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'something stands here that has no place: check quotes, brackets and indentation',
};

const syntaxIssue = (place: Place, message: string): ConfigIssue => ({
  ...place,
  path: '',
  message,
  expected: 'valid YAML or JSON',
  found: 'a syntax error',
});

class Refusal extends Error {
  readonly issue: ConfigIssue;
  constructor(issue: ConfigIssue) {
    super(issue.message);
    this.issue = issue;
  }
}

type Offset = { range?: readonly [number, number, number] | null };

function createWalk(placeOf: (offset: number) => Place) {
  const issues: ConfigIssue[] = [];
  const anchors = new Map<string, ParsedNode>();
  const open = new Set<unknown>();
  let values = 0;
  let aliases = 0;
  const at = (node: Offset): Place => placeOf(node.range?.[0] ?? 0);
  const refuse = (node: Offset, message: string): never => {
    throw new Refusal(syntaxIssue(at(node), message));
  };

  const follow = (alias: Alias): ParsedNode => {
    aliases += 1;
    const target = anchors.get(alias.source);
    if (aliases > fileLimits.aliases) refuse(alias, `more than ${fileLimits.aliases} aliases (*name) are not accepted`);
    if (target === undefined)
      return refuse(
        alias,
        'this alias (*name) has no anchor (&name) before it: put a text that begins with * in quotes',
      );
    if (open.has(target)) return refuse(alias, 'this alias (*name) stands inside the value that it stands for');
    return target;
  };

  const read = (written: unknown, path: Path): TreeNode => {
    // yaml's own nodes: the parser makes no others.
    const node = written as ParsedNode;
    values += 1;
    if (values > fileLimits.values)
      refuse(node, `more than ${fileLimits.values} values are not accepted, those that aliases repeat included`);
    if (path.length > fileLimits.depth) refuse(node, tooDeep);
    if (isAlias(node)) return read(follow(node), path);
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    open.add(node);
    const result = readValue(node, path);
    open.delete(node);
    return result;
  };

  const readValue = (node: ParsedNode, path: Path): TreeNode => {
    if (isMap(node)) return { kind: 'map', entries: readEntries(node, path), place: at(node) };
    if (isSeq(node))
      return { kind: 'list', items: node.items.map((item, index) => read(item, [...path, index])), place: at(node) };
    return isScalar(node) ? readScalar(node) : refuse(node, brokenSyntax);
  };

  const readScalar = (node: Scalar): TreeNode => {
    const { value } = node;
    const place = at(node);
    // A whole number beyond 2^53 would be rounded; Kafka has settings of that size, so it stays the text that it is.
    if (
      typeof value === 'bigint' ||
      (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    )
      return { kind: 'scalar', value: node.source ?? String(value), place };
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
      return { kind: 'scalar', value, place };
    return value === undefined
      ? { kind: 'scalar', value: null, place }
      : refuse(node, syntaxMessages.TAG_RESOLVE_FAILED ?? brokenSyntax);
  };

  const readEntries = (map: YAMLMap, path: Path): Map<string, Entry> => {
    const entries = new Map<string, Entry>();
    const merged: Entry[] = [];
    for (const pair of map.items) {
      const { key } = pair;
      if (!isScalar(key)) return refuse(map, syntaxMessages.NON_STRING_KEY ?? brokenSyntax);
      // With stringKeys every key is a text.
      const name = typeof key.value === 'string' ? key.value : '';
      const keyPlace = at(key);
      const node: TreeNode =
        pair.value === null ? { kind: 'scalar', value: null, place: keyPlace } : read(pair.value, [...path, name]);
      if (name === '<<' && key.type === 'PLAIN') merged.push({ keyPlace, node });
      else if (entries.has(name)) issues.push(twice(keyPlace, [...path, name], entries.get(name)));
      else entries.set(name, { keyPlace, node });
    }
    for (const entry of merged) mergeInto(entries, entry);
    return entries;
  };

  // `<<: *other` takes over what a map does not say itself: YAML 1.1, but too common to be refused.
  const mergeInto = (entries: Map<string, Entry>, { keyPlace, node }: Entry): void => {
    for (const source of node.kind === 'list' ? node.items : [node]) {
      if (source.kind !== 'map')
        throw new Refusal(syntaxIssue(keyPlace, 'behind << must stand an alias of a map, or a list of such'));
      for (const [name, entry] of source.entries) if (!entries.has(name)) entries.set(name, entry);
    }
  };

  return { read, issues };
}

/** A key that stands twice in one map. */
export const twice = (place: Place, path: Path, first: Entry | undefined, spelling = ''): ConfigIssue => ({
  ...place,
  path: printPath(path),
  message: `is given twice${spelling}${first === undefined || first.keyPlace.line === 0 ? '' : `, first in line ${first.keyPlace.line}`}`,
  expected: 'each key once',
  found: 'the key again',
});
