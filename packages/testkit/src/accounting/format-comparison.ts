// A comparison as text: a small table, one line per topic, and an example of each kind of finding.
import type { Comparison, Found } from './compare.ts';

const columns = ['served', 'stored', 'missing', 'doubled', 'misplaced', 'foreign', 'different'] as const;

/** The table, and below it at most `examples` lines per finding (default 3). Ends without a line break. */
export const formatComparison = (comparison: Comparison, options: { readonly examples?: number } = {}): string => {
  const rows = [
    ...comparison.topics,
    ...(comparison.topics.length > 1 ? [{ topic: 'total', ...comparison.total }] : []),
  ];
  const cells = [
    ['topic', ...columns],
    ...rows.map((row) => [row.topic, ...columns.map((column) => row[column].toLocaleString('en-US'))]),
  ];
  const widths = ['topic', ...columns].map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const table = cells.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
  );
  return [...table, ...examplesOf(comparison, options.examples ?? 3)].join('\n');
};

const examplesOf = ({ samples }: Comparison, limit: number): readonly string[] => {
  const found = (name: string, list: readonly Found[]): readonly string[] =>
    list.slice(0, limit).map(({ record, why }) => `${name}: ${placeOf(record)} ${why}`);
  return [
    ...samples.missing
      .slice(0, limit)
      .map(({ record, sourceId }) => `missing: ${record.naturalKey}${sourceId === null ? '' : ` of ${sourceId}`}`),
    ...found('doubled', samples.doubled),
    ...found('misplaced', samples.misplaced),
    ...found('foreign', samples.foreign),
    ...samples.different.slice(0, limit).map(({ record, differences }) => {
      const [first] = differences;
      const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : '';
      return `different: ${placeOf(record)} ${first?.path}: expected ${show(first?.expected)}, found ${show(first?.found)}${more}`;
    }),
  ];
};

const placeOf = (record: Found['record']): string => `${record.topic}[${record.partition}]@${record.offset}`;

const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 120);
