// The rows of an answer in two heaps: records, and rows that are none. None is left out.
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';

/** What rows came to. */
export interface ParsedRows {
  readonly records: readonly SourceRecord[];
  readonly invalid: readonly InvalidRow[];
}

/** Parses rows one by one, in their order. */
export const parsedRows = <T>(rows: readonly T[], parse: (row: T) => SourceRecord | InvalidRow): ParsedRows => {
  const records: SourceRecord[] = [];
  const invalid: InvalidRow[] = [];
  for (const given of rows) {
    const row = parse(given);
    if ('reason' in row) invalid.push(row);
    else records.push(row);
  }
  return { records, invalid };
};
