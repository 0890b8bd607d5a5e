// What a message or a request was made into.
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';

/** Rows before they have ids and chunks. */
export interface ParsedRows {
  readonly records: readonly SourceRecord[];
  readonly invalid: readonly InvalidRow[];
}
