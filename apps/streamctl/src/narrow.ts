// Makes text fit a terminal: names lose their middle (sources and topics of one system often begin alike), sentences go on
// in the next line. Pure.
import type { Column } from './table.ts';

/** Names are never cut below this. */
const narrowestName = 8;
/** Between two columns. */
const gap = 2;

/** Cuts the middle out of a name that is longer than `width`. */
const elide = (name: string, width: number): string => {
  if (name.length <= width) return name;
  const tail = Math.floor((width - 1) / 2);
  return `${name.slice(0, width - 1 - tail)}…${name.slice(name.length - tail)}`;
};

const widestIn = ({ title }: Column, rows: readonly (readonly string[])[], index: number): number =>
  Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length));

/** Cuts the cells of the first `names` columns so that the table fits into `width` characters, the widest column first. */
export const shortenNames = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { names, width }: { readonly names: number; readonly width: number },
): readonly (readonly string[])[] => {
  const widths = columns.map((column, index) => widestIn(column, rows, index));
  let excess = widths.reduce((sum, column) => sum + column + gap, -gap) - width;
  while (excess > 0) {
    const widest = Math.max(...widths.slice(0, names));
    if (widest <= narrowestName) break;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return rows.map((row) => row.map((cell, index) => (index < names ? elide(cell, widths[index] ?? 0) : cell)));
};

/** Breaks a sentence between its words into lines of at most `width` characters, each after the first indented by two. Null: one line. A longer word has a line for itself. */
export const wrap = (sentence: string, width: number | null): readonly string[] => {
  if (width === null) return [sentence];
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};
