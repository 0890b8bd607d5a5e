// Tables by kind of record in runs that serve some kinds only.
import type { RecordKind } from './expected-record.ts';

/** The value of a kind. Throws a RangeError for a kind that the table leaves out: then the run serves what it does not expect. */
export const ofKind = <T>(table: Partial<Readonly<Record<RecordKind, T>>>, kind: RecordKind): T => {
  const value = table[kind];
  if (value === undefined) throw new RangeError(`records of kind ${kind} were not expected in this run`);
  return value;
};
