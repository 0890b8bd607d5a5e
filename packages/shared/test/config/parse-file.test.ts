import { fileLimits, parseFile } from '@stream-manager/shared/config/parse-file';
import { nodeAt, toPlain } from '@stream-manager/shared/config/tree';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const parse = (text: string) => parseFile(text, 'stream.yaml');

describe('parseFile', () => {
  it('keeps the place of every key and value', () => {
    const { tree, issues } = parse('queue:\n  maxRecords: 5\n  list:\n    - a\n    - b: c\n');
    expect(issues).toEqual([]);
    expect(tree?.kind === 'map' && tree.entries.get('queue')?.keyPlace).toEqual({
      file: 'stream.yaml',
      line: 1,
      column: 1,
    });
    expect(tree && nodeAt(tree, ['queue', 'maxRecords'])?.place).toMatchObject({ line: 2, column: 15 });
    expect(tree && nodeAt(tree, ['queue', 'list', 1, 'b'])?.place).toMatchObject({ line: 5, column: 10 });
  });

  it('reads JSON with tabs, escapes and byte order mark, with places', () => {
    const { tree, issues } = parse('\uFEFF{\n\t"a": {\n\t\t"b": "\\uD83D\\uDE00\\/x",\n\t\t"c": [1, 2]\n\t}\n}\n');
    expect(issues).toEqual([]);
    expect(tree && toPlain(tree)).toEqual({ a: { b: '😀/x', c: [1, 2] } });
    expect(tree && nodeAt(tree, ['a', 'c', 1])?.place).toMatchObject({ line: 4 });
  });

  it('reads every JSON value as JSON.parse does', () => {
    // Names that YAML reads otherwise: << merges, and JSON.parse makes an own key of __proto__ as well.
    const value = fc.jsonValue({ maxDepth: 4 }).filter((json) => !JSON.stringify(json).includes('"<<"'));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (json, space) => {
        const text = JSON.stringify({ json }, undefined, space);
        const { tree, issues } = parse(text);
        expect(issues).toEqual([]);
        expect(tree && toPlain(tree)).toEqual(withTextForLargeNumbers(JSON.parse(text)));
      }),
    );
  });

  it('takes over a map by alias, and what it lacks by <<', () => {
    const { tree, issues } = parse('a: &a { x: 1, y: 2 }\nb: *a\nc: { <<: *a, y: 3 }\nd: { <<: [*a, { z: 4 }] }\n');
    expect(issues).toEqual([]);
    expect(tree && toPlain(tree)).toEqual({
      a: { x: 1, y: 2 },
      b: { x: 1, y: 2 },
      c: { x: 1, y: 3 },
      d: { x: 1, y: 2, z: 4 },
    });
  });

  it('keeps whole numbers beyond 2^53 as the text that they are', () => {
    const { tree } = parse('a: 9223372036854775807\nb: 9007199254740991\n');
    expect(tree && toPlain(tree)).toEqual({ a: '9223372036854775807', b: 9007199254740991 });
  });

  it('reads no dates and no yes or no into values', () => {
    const { tree } = parse('a: 2024-01-01\nb: yes\nc: 1_000\n');
    expect(tree && toPlain(tree)).toEqual({ a: '2024-01-01', b: 'yes', c: '1_000' });
  });

  it('lets a key named __proto__ be a key', () => {
    const { tree } = parse('a: { __proto__: { b: 1 } }\n');
    const plain = tree && toPlain(tree);
    expect(Object.keys((plain as { a: object }).a)).toEqual(['__proto__']);
    expect(({} as { b?: number }).b).toBeUndefined();
  });

  it.each([
    { name: 'empty file', text: '', line: 0, says: 'is empty' },
    { name: 'comment only', text: '# nothing\n', line: 0, says: 'is empty' },
    { name: 'null only', text: '---\nnull\n', line: 0, says: 'is empty' },
    { name: 'bracket not closed', text: 'a: [1, 2\nb: 3\n', line: 2, says: 'bracket or quote' },
    { name: 'quote not closed', text: 'a: "x\n', line: 2, says: 'a character is missing' },
    { name: 'two keys on a line', text: 'a: 1\nb: c: d\n', line: 2, says: 'a key and its value cannot stand here' },
    { name: 'tab as indentation', text: 'a:\n\tb: 1\n', line: 2, says: 'never with tabs' },
    { name: 'unknown escape', text: 'a: "\\q"\n', line: 1, says: 'use single quotes' },
    { name: 'reserved first character', text: 'a: @x\n', line: 1, says: 'put it in quotes' },
    { name: 'second document', text: 'a: 1\n---\nb: 2\n', line: 2, says: 'a second document' },
    { name: 'key that is a list', text: '? [a]\n: b\n', line: 1, says: 'a key must be a text' },
    { name: 'unknown tag', text: 'a: !secret x\n', line: 1, says: 'this tag (!name) is not known' },
    { name: 'binary tag', text: 'a: !!binary aGk=\n', line: 1, says: 'this tag (!name) is not known' },
    { name: 'unknown directive', text: '%FOO\n---\na: 1\n', line: 1, says: 'directives' },
    { name: 'alias without anchor', text: 'a: 1\nb: *missing\n', line: 2, says: 'no anchor (&name) before it' },
    { name: 'alias before its anchor', text: 'a: *later\nb: &later 1\n', line: 1, says: 'no anchor (&name) before it' },
    {
      name: 'alias inside its own value',
      text: 'a: &a\n  - *a\n',
      line: 2,
      says: 'inside the value that it stands for',
    },
    { name: 'merge of something else', text: 'a:\n  <<: 5\n', line: 2, says: 'behind << must stand' },
  ])('$name is one clear error', ({ text, line, says }) => {
    const { tree, issues } = parse(text);
    expect(tree).toBeUndefined();
    expect(issues[0]).toMatchObject({ file: 'stream.yaml', line, path: '' });
    expect(issues[0]?.message).toContain(says);
  });

  it.each([
    { name: 'brackets that stay open', text: 'a: {type: b, params: {\n' },
    { name: 'a quote that stays open before more lines', text: 'a: {url: "abc\nb: [\n' },
  ])('names $name once', ({ text }) => {
    expect(parse(text).issues).toHaveLength(1);
  });

  it('never quotes the file in an error of syntax', () => {
    for (const text of [
      'a: *s3cret',
      'a: !s3cret x',
      'a: "s3cret\\q"',
      'a: s3cret: x',
      'a: [s3cret',
      '%s3cret\n---\n',
      'a: @s3cret',
    ])
      expect(JSON.stringify(parse(text).issues)).not.toContain('s3cret');
  });

  it('names a key that is given twice, with both lines, and goes on', () => {
    const { tree, issues } = parse('a: 1\nb: 2\na: 3\n');
    expect(issues).toMatchObject([{ line: 3, column: 1, path: 'a' }]);
    expect(issues[0]?.message).toBe('is given twice, first in line 1');
    expect(tree && toPlain(tree)).toEqual({ a: 1, b: 2 });
  });

  it.each([
    { name: 'aliases of aliases', text: bomb(), says: 'are not accepted' },
    {
      name: 'many aliases',
      text: `a: &a 1\nb: [${'*a, '.repeat(fileLimits.aliases + 1)}]\n`,
      says: 'aliases (*name) are not accepted',
    },
    { name: 'deep nesting', text: `a: ${'['.repeat(60)}${']'.repeat(60)}\n`, says: 'levels deep' },
    { name: 'nesting beyond the stack', text: `a: ${'['.repeat(20_000)}\n`, says: 'levels deep' },
    { name: 'many values', text: `a: [${'1,'.repeat(fileLimits.values)}1]\n`, says: 'values are not accepted' },
  ])('refuses $name', ({ text, says }) => {
    const { tree, issues } = parse(text);
    expect(tree).toBeUndefined();
    expect(issues).toHaveLength(1);
    expect(issues[0]?.message).toContain(says);
  });

  it('never throws, whatever the text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'a: ',
        '- ',
        '\n',
        '  ',
        '[',
        ']',
        '{',
        '}',
        '&a ',
        '*a',
        '<<: ',
        '!!str ',
        '"',
        "'",
        '|\n',
        '#',
        '? ',
        '%',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { tree, issues } = parse(pieces.join(''));
        expect(tree !== undefined || issues.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++)
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  return `${lines.join('\n')}\n`;
}

/** JSON.parse rounds what parseFile keeps as text. */
function withTextForLargeNumbers(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return JSON.stringify(value);
  if (Array.isArray(value)) return value.map(withTextForLargeNumbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withTextForLargeNumbers(child)]));
}
