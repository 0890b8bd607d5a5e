// Rows that are no record, in the form in which they become dead letters.
import { type InvalidRow, maxRawCharacters } from '@stream-manager/shared/records/envelope';

/** Why a row is no record. */
export interface RowFault {
  /** Label of a metric: one of a bounded set, in snake_case. */
  readonly reason:
    | 'bad_time'
    | 'column_count'
    | 'missing_value'
    | 'not_a_number'
    | 'out_of_range'
    | 'unknown_unit'
    | 'unknown_word'
    | 'unreadable'
    | 'wrong_shape';
  readonly message: string;
}

/** Longest found value in a message, in characters. */
const foundCharacters = 60;

/** A fault that names the field, what was expected and what was found. */
export const rowFault = (reason: RowFault['reason'], field: string, expected: string, found: unknown): RowFault => {
  const text = found === undefined ? 'nothing' : (jsonOf(found) ?? 'what cannot be shown');
  const short = text.length > foundCharacters ? `${text.slice(0, foundCharacters)}…` : text;
  return { reason, message: `${field}: expected ${expected}, found ${short}` };
};

/**
 * The row as it is kept: text as it came, anything else as JSON, both cut to `maxRawCharacters`, like the `context` that
 * it cannot be read without.
 */
export const invalidRow = (row: unknown, fault: RowFault, context = ''): InvalidRow => {
  const shown = typeof row === 'string' ? row : jsonOf(row);
  const raw = shown ?? '';
  const isWhole = shown !== null && raw.length <= maxRawCharacters && context.length <= maxRawCharacters;
  return {
    raw: raw.slice(0, maxRawCharacters),
    reason: fault.reason,
    message: fault.message,
    ...(context === '' ? {} : { context: context.slice(0, maxRawCharacters) }),
    ...(isWhole ? {} : { isIncomplete: true }),
  };
};

/**
 * The value as JSON; null where there is none. Of a value nested thousands of levels deep there is none: JSON can be read
 * that holds such a one, and nothing can walk it.
 */
const jsonOf = (value: unknown): string | null => {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Too deep for the stack: the row is told of without what it holds.
    return null;
  }
};
