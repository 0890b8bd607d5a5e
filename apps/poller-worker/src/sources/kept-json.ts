// What a dead letter kept as JSON, read again as answers are read: with all digits of its whole numbers.
import { parseExactJson } from '../http/exact-json.ts';
import { invalidRow, rowFault } from './invalid-row.ts';
import type { Source } from './source.ts';

/** What the text means; undefined for what is no JSON. */
export const keptJson = (text: string): unknown => {
  try {
    return parseExactJson(text);
  } catch {
    // The caller says so of the row, with the row.
    return undefined;
  }
};

/** `parseRow` of a type whose rows need nothing beside themselves. `name` of a row and what is `expected`: for messages. */
export const keptRowParser =
  (name: string, expected: string, parse: (row: unknown) => ReturnType<Source['parseRow']>): Source['parseRow'] =>
  ({ raw }) => {
    const row = keptJson(raw);
    return row === undefined ? invalidRow(raw, rowFault('unreadable', name, expected, raw)) : parse(row);
  };
