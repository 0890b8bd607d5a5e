// What became of the records of one page, counted where it happens and told once.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { AdmitResult, EvictedChunk } from '@stream-manager/shared/queues/chunk-store';
import { type PriorityClass, priorityOf } from '@stream-manager/shared/records/priority';
import type { Chunk } from './chunks.ts';

/** Why a dropped chunk was not even set aside. */
const tooManySetAside = 'as many dropped records as queue.maxRecords allows wait to become dead letters already';

/** The counts of one page. */
export interface Tally {
  /** Records stored so far. */
  accepted(): number;
  /** Records that were known, or stood twice, so far. */
  duplicates(): number;
  /** Records were turned away, and are not remembered. */
  isRefused(): boolean;
  /** Records that were known, or stood twice in the page. */
  addDuplicates(records: number): void;
  /** The final answer to one chunk. */
  addResult(chunk: Chunk, result: Exclude<AdmitResult, { status: 'full' }>): void;
  /** Dropped records that should have become dead letters and found no room there. */
  addLost(records: number, reason: string): void;
  /** Logs what overflow dropped, and what of it was lost although it should have been kept: a line each a page, if anything. */
  report(): void;
}

/** Starts counting a page of one source. `keepsDropped`: what is dropped becomes dead letters. */
export const startTally = (
  deps: { readonly metrics: Metrics; readonly logger: Logger },
  sourceId: string,
  keepsDropped: boolean,
): Tally => {
  const { recordsAcceptedTotal, recordsDuplicateTotal, recordsDroppedTotal } = deps.metrics;
  const dropped: Record<string, number> = {};
  let accepted = 0;
  let duplicates = 0;
  let isRefused = false;
  let lost = 0;
  let lostBecause = '';

  const addAccepted = (records: number): void => {
    accepted += records;
    recordsAcceptedTotal.inc({ source: sourceId }, records);
  };
  const addDuplicates = (records: number): void => {
    duplicates += records;
    if (records > 0) recordsDuplicateTotal.inc({ source: sourceId }, records);
  };
  const addDropped = (priorityClass: PriorityClass, reason: string, records: number): void => {
    const priority = priorityOf(priorityClass);
    recordsDroppedTotal.inc({ source: sourceId, priority, reason }, records);
    const name = `${priority} ${reason}`;
    dropped[name] = (dropped[name] ?? 0) + records;
  };

  const addLost = (records: number, reason: string): void => {
    lost += records;
    lostBecause = reason;
  };
  const addEvicted = (evicted: readonly EvictedChunk[] = []): void => {
    for (const victim of evicted) {
      addDropped(victim.priority, 'evicted', victim.records);
      addUnkept(victim, victim.records);
    }
  };
  const addUnkept = (dropped: { readonly isKept?: true }, records: number): void => {
    if (keepsDropped && dropped.isKept !== true) addLost(records, tooManySetAside);
  };

  return {
    accepted: () => accepted,
    duplicates: () => duplicates,
    isRefused: () => isRefused,
    addLost,
    addDuplicates,
    addResult: (chunk, result) => {
      switch (result.status) {
        case 'stored':
          addAccepted(result.stored);
          addDuplicates(result.known);
          addEvicted(result.evicted);
          return;
        case 'already':
          // The connection broke and the client sent the call twice: the first one stored it.
          addAccepted(chunk.records.length);
          return;
        case 'known':
          addDuplicates(result.known);
          addEvicted(result.evicted);
          return;
        case 'rejected':
          addDuplicates(result.known);
          addDropped(chunk.priority, 'rejected', result.dropped);
          isRefused = true;
          return;
        case 'dropped':
          addDuplicates(result.known);
          addDropped(chunk.priority, 'no_room', result.dropped);
          addUnkept(result, result.dropped);
          addEvicted(result.evicted);
          return;
      }
    },
    report: () => {
      if (Object.keys(dropped).length > 0)
        deps.logger.warn({ sourceId, dropped }, 'records dropped: the queue is full');
      if (lost > 0)
        deps.logger.warn({ sourceId, lost, reason: lostBecause }, 'dropped records could not be kept as dead letters');
    },
  };
};
