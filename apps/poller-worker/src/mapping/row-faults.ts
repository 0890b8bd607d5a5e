// The first fault of the row that is being read. One place for all readers of a mapper, so that a good row allocates
// nothing for what could be wrong with it.
import { type RowFault, rowFault } from '../sources/invalid-row.ts';

/** Shared by the readers of one mapper. */
export interface RowFaults {
  /** Notes a fault unless there is one already; gives null, for a reader to give on. */
  readonly fail: (reason: RowFault['reason'], field: string, expected: string, found: unknown) => null;
  /** The fault of the row since the last call, if any. */
  readonly take: () => RowFault | null;
  /** The value, or null for whatever means "no value": null, a blank text, what the mapping names so. */
  readonly given: (value: unknown) => unknown;
}

/** `nullValues` of a mapping. */
export const createRowFaults = (nullValues: readonly string[]): RowFaults => {
  const noValue = new Set(nullValues);
  let first: RowFault | null = null;
  return {
    fail: (reason, field, expected, found) => {
      first ??= rowFault(reason, field, expected, found);
      return null;
    },
    take: () => {
      const fault = first;
      first = null;
      return fault;
    },
    given: (value) => {
      if (typeof value === 'string') return value.trim() === '' || noValue.has(value.trim()) ? null : value;
      if (value === undefined || value === null) return null;
      return noValue.size > 0 && typeof value === 'number' && noValue.has(String(value)) ? null : value;
    },
  };
};
