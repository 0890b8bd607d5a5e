// Records and limits for tests: small, and told apart by two numbers. Knows nothing of vitest, so that a process that a
// test kills can use it too.
import type { ChunkLimits } from '../../src/queues/chunk-store.ts';
import type { PreparedRecord } from '../../src/records/payload.ts';

/** A record whose id is a number and whose content hash is its revision. */
export const record = (id: number, revision = 0): PreparedRecord => {
  // 0xfe is in no UTF-8 text: an id that went through a string somewhere would not come back.
  const idBytes = Buffer.alloc(16, 0xfe);
  idBytes.writeUInt32BE(id, 12);
  const hash = Buffer.alloc(8, 0xfe);
  hash.writeUInt32BE(revision, 4);
  return {
    id: idBytes,
    hash,
    eventTimeMs: 1_767_517_320_000 + id,
    key: `key-${id}`,
    value: Buffer.from(`{"id":${id},"r":${revision}}`),
  };
};

/** Records with the ids from `first` on. */
export const records = (first: number, count: number, revision = 0): readonly PreparedRecord[] =>
  Array.from({ length: count }, (_, index) => record(first + index, revision));

/** Limits that leave a test alone, unless it says otherwise. */
export const limitsWith = (changes: Partial<ChunkLimits> = {}): ChunkLimits => ({
  maxRecords: 1000,
  criticalReserve: 0,
  overflow: 'backpressure',
  dedupeWindowMs: 3_600_000,
  dedupeMaxIds: 1_000_000,
  publishCorrections: true,
  ...changes,
});
