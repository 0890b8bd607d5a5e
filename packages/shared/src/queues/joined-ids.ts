// Ids and content hashes of many records as one binary argument each: Redis parses two arguments instead of thousands.
import type { PreparedRecord } from '../records/payload.ts';
import { hashBytes, idBytes } from './scripts/seen-ids.ts';

/** Most ids that one script call takes: Lua cannot unpack longer lists. */
export const maxIdsPerCall = 2000;

/** What a look-up needs of a record. */
export type SeenRecord = Pick<PreparedRecord, 'id' | 'hash'>;

/** Cuts records into parts that a script can take, in order. */
export const partsOf = (records: readonly SeenRecord[]): readonly (readonly SeenRecord[])[] => {
  const parts = [];
  for (let from = 0; from < records.length; from += maxIdsPerCall)
    parts.push(records.slice(from, from + maxIdsPerCall));
  return parts;
};

/** The ids, one behind the other. Throws a RangeError if one is not 16 bytes: it would shift all that follow. */
export const joinIds = (records: readonly SeenRecord[]): Buffer => {
  const joined = Buffer.allocUnsafe(records.length * idBytes);
  for (const [index, { id }] of records.entries()) {
    if (id.length !== idBytes) throw new RangeError(`a record id has ${idBytes} bytes, not ${id.length}`);
    id.copy(joined, index * idBytes);
  }
  return joined;
};

/** The content hashes, one behind the other. Throws a RangeError if one is not 8 bytes. */
export const joinHashes = (records: readonly SeenRecord[]): Buffer => {
  const joined = Buffer.allocUnsafe(records.length * hashBytes);
  for (const [index, { hash }] of records.entries()) {
    if (hash.length !== hashBytes) throw new RangeError(`a content hash has ${hashBytes} bytes, not ${hash.length}`);
    hash.copy(joined, index * hashBytes);
  }
  return joined;
};
