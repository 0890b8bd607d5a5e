// A config of one source to start from, for `streamctl sources init TYPE`: what must be written stands there with an example,
// everything else as a comment with its default and its meaning, so that it loads as it is and tells what more there is.
import { sourceSchema } from '../schema.ts';
import { variantsOf } from '../shape.ts';
import { isPolledType, type SourceType } from '../source-types.ts';
import { type Row, rowsOf } from './rows.ts';
import { starterParams } from './starter-params.ts';

/** Keys of a source that are shown without `all`; the others are for rare cases. */
const usualKeys = new Set(['enabled', 'mode', 'every', 'priority', 'rateLimitPerMinute', 'topic']);

/** Keys that say how a provider is asked: they mean nothing where records come by themselves. */
const ofAsking = new Set([
  'every',
  'cron',
  'tz',
  'rateLimitPerMinute',
  'timeoutSeconds',
  'dailyBudget',
  'cacheTtlSeconds',
  'headers',
  'auth',
  'baseUrl',
]);

/** Whether a key of a source is shown. There a mode only says how records gather, which is for rare cases. */
const isShown = (path: string, type: SourceType, all: boolean): boolean => {
  if (path.includes('.') || path === 'type' || path === 'params') return false;
  if (!isPolledType(type) && (ofAsking.has(path) || (path === 'mode' && !all))) return false;
  return all || usualKeys.has(path);
};

/** Longest line of a comment, in characters. */
const commentWidth = 110;

const comment = (text: string, indent: string): readonly string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > commentWidth - indent.length) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((text) => `${indent}# ${text}`);
};

const commented = (row: Row, name: string, indent: string): readonly string[] => [
  ...comment(`${row.about} (${row.value})`, indent),
  `${indent}# ${name}: ${row.standard ?? ''}`.trimEnd(),
];

/** The file. Throws a RangeError for an unknown type. `all`: every key, not only the usual ones. */
export const sourceStarter = (type: SourceType, { all }: { readonly all: boolean }): string => {
  const schema = variantsOf(sourceSchema).get(type);
  if (schema === undefined) throw new RangeError(`no source type "${type}"`);
  const { params, top, note } = starterParams[type];
  const rows = rowsOf(schema);
  const written = new Set([...`${top}\n${params}`.matchAll(/^(\w+):/gm)].map((found) => found[1] ?? ''));
  const ofSource = rows.filter(({ path }) => isShown(path, type, all));
  const ofParams = rows.filter(({ path }) => /^params\.\w+$/.test(path));
  const indented = (text: string, indent: string): readonly string[] =>
    text === '' ? [] : text.split('\n').map((line) => (line === '' ? '' : indent + line));
  return [
    `# ${note}`,
    '# Keys behind a # have the default that stands there. Every key and its limits: docs/configuration.md',
    'sources:',
    `  my-${type}:`,
    `    type: ${type}`,
    ...indented(top, '    '),
    ...ofSource.filter(({ path }) => !written.has(path)).flatMap((row) => commented(row, row.path, '    ')),
    '    params:',
    ...indented(params, '      '),
    ...ofParams
      .filter(({ path }) => !written.has(path.slice('params.'.length)))
      .flatMap((row) => commented(row, row.path.slice('params.'.length), '      ')),
    '',
  ].join('\n');
};
