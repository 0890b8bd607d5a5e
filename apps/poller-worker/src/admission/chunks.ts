// Cuts the new records of a page into chunks: one class of urgency each, the most urgent first, so that a critical
// record is in the queue before the first of the others is offered.
import { type PriorityClass, priorityClasses } from '@stream-manager/shared/records/priority';
import type { AdmissibleRecord } from './prepare.ts';

/** Records that go into the queue together. */
export interface Chunk {
  readonly priority: PriorityClass;
  readonly records: readonly AdmissibleRecord[];
}

/** How large a chunk may be. */
export interface ChunkSize {
  /** Records. */
  readonly records: number;
  /** Records of a critical chunk: what is kept for them in a full queue has to hold at least one. */
  readonly criticalRecords: number;
  /** Bytes of values; a single record above it is a chunk of its own. */
  readonly bytes: number;
}

/** The sizes that a source's chunks have. Pure. */
export const chunkSizes = (
  chunkSize: number,
  criticalReserve: number,
): Pick<ChunkSize, 'records' | 'criticalRecords'> => ({
  records: chunkSize,
  criticalRecords: criticalReserve === 0 ? chunkSize : Math.min(chunkSize, criticalReserve),
});

/**
 * Groups by class and cuts each group. Inside a class the order is kept; all chunks of a class, one after the other, are
 * that class' records.
 */
export const cutChunks = (records: readonly AdmissibleRecord[], size: ChunkSize): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  for (const priority of priorityClasses) {
    let open: AdmissibleRecord[] = [];
    let openBytes = 0;
    const most = priority === 1 ? size.criticalRecords : size.records;
    for (const record of records) {
      if (record.priority !== priority) continue;
      const isFull = open.length >= most || openBytes + record.value.length > size.bytes;
      if (isFull && open.length > 0) {
        chunks.push({ priority, records: open });
        open = [];
        openBytes = 0;
      }
      open.push(record);
      openBytes += record.value.length;
    }
    if (open.length > 0) chunks.push({ priority, records: open });
  }
  return chunks;
};
