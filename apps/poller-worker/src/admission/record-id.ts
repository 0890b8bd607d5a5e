// Ids and content hashes: pure functions of the reading, never of the clock, a counter or chance, so that the same
// reading has the same id on every machine and in every run. Dedupe, replay and the consumers' own dedupe rest on it.
import { hash } from 'node:crypto';

/** Bytes of a record id; 22 characters as base64url. */
const idBytes = 16;
/** Bytes of a content hash. */
const hashBytes = 8;

// NUL cannot stand in a source id, so no two pairs of source and key make the same text.
const separator = '\0';

// By way of a latin1 text: a third faster here than asking for a Buffer, and it does not keep all 32 bytes alive.
const digest = (text: string): string => hash('sha256', text, 'binary');
const bytes = (digest: string, from: number, to: number): Buffer => Buffer.from(digest.slice(from, to), 'latin1');

/** The id of a reading, 16 bytes: the front of SHA-256 over source id, NUL and natural key. */
export const recordId = (sourceId: string, naturalKey: string): Buffer =>
  bytes(digest(`${sourceId}${separator}${naturalKey}`), 0, idBytes);

/** The hash that tells a correction from a repetition, 8 bytes: the front of SHA-256 over the content's text. */
export const contentHash = (content: string): Buffer => bytes(digest(content), 0, hashBytes);

/** What an invalid row is known by: the same text is one dead letter, however often it is polled. */
export interface InvalidRowId {
  /** 16 bytes, never the id of a record of the same source. */
  readonly id: Buffer;
  /** 8 bytes. */
  readonly hash: Buffer;
}

/** Id and hash of a row that is no record, from its source and its raw text. */
export const invalidRowId = (sourceId: string, raw: string): InvalidRowId => {
  // Two separators: a natural key does not begin with NUL, so a row cannot take the id of a record.
  const text = digest(`${sourceId}${separator}${separator}${raw}`);
  return { id: bytes(text, 0, idBytes), hash: bytes(text, idBytes, idBytes + hashBytes) };
};

/** An id as it stands in envelopes, headers and job ids: 22 base64url characters. */
export const idText = (id: Buffer): string => id.toString('base64url');
