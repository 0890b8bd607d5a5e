// The chunk store: where the records of a source lie between poll and Kafka (docs/decisions/0001-chunks.md).
// Admit, take, settle and sweep are one Lua call each; every key of a source carries its hash tag.

import type { OverflowMode } from '../config/overflow-modes.ts';
import type { SendAttempt } from '../jobs/payloads.ts';
import type { PreparedRecord } from '../records/payload.ts';
import type { PriorityClass } from '../records/priority.ts';

/** The classification of an id: never seen, seen with this content, or seen with other content. */
export type Sighting = 'new' | 'known' | 'correction';

/** Limits of one source, from its resolved config. */
export interface ChunkLimits {
  /** Records of the source that may lie in Redis. */
  readonly maxRecords: number;
  /** Of these, open to critical records only. */
  readonly criticalReserve: number;
  readonly overflow: OverflowMode;
  /** How long an id is remembered after it was last in an answer, in milliseconds. */
  readonly dedupeWindowMs: number;
  /** Ids of one generation before it rotates early. */
  readonly dedupeMaxIds: number;
  /** What overflow drops is set aside to become dead letters (at most `maxRecords` of it). Default false. */
  readonly keepDropped?: boolean;
  /** true: a known id with other content is published again; false: it counts as known. */
  readonly publishCorrections: boolean;
}

/** One chunk to admit. Its id is fresh for every call and never used again. */
export interface AdmitRequest {
  readonly sourceId: string;
  readonly chunkId: string;
  readonly priority: PriorityClass;
  readonly limits: ChunkLimits;
  /** At most 2,000. */
  readonly records: readonly PreparedRecord[];
  readonly pollId: string;
  /** Never evicted (a replay). */
  readonly keep?: boolean;
}

/**
 * What became of a chunk. `stored`: it lies in Redis and its job must be added. `isKept`: set aside, it becomes dead letters.
 * `evicted` without `stored`: chunks beyond a cap that was lowered went, and then the newcomer was known or found no room.
 */
export type AdmitResult =
  | {
      readonly status: 'stored';
      readonly stored: number;
      readonly known: number;
      readonly evicted: readonly EvictedChunk[];
    }
  | { readonly status: 'already' }
  | { readonly status: 'known'; readonly known: number; readonly evicted?: readonly EvictedChunk[] }
  | { readonly status: 'full'; readonly known: number; readonly total: number }
  | { readonly status: 'rejected'; readonly dropped: number; readonly known: number }
  | {
      readonly status: 'dropped';
      readonly dropped: number;
      readonly known: number;
      readonly isKept?: true;
      readonly evicted?: readonly EvictedChunk[];
    };

/** A chunk that made room for a newcomer. */
export interface EvictedChunk {
  readonly chunkId: string;
  readonly records: number;
  readonly priority: PriorityClass;
  /** It is set aside and becomes dead letters (queues/dropped-chunks.ts). */
  readonly isKept?: true;
}

/** Sends of a chunk that failed for an error that is neither an outage nor a missing topic. */
export interface ChunkTries {
  /** Attempts that they used. */
  readonly made: number;
  /** When and why, the oldest first. */
  readonly attempts: readonly SendAttempt[];
}

/** A chunk in the hand of a producer. */
export interface TakenChunk {
  readonly chunkId: string;
  readonly payload: Buffer;
  readonly records: number;
  /** Records that are done already (published, or known at admission). */
  readonly done: Buffer | null;
  /** Records that are corrections of an id published before. */
  readonly corrections: Buffer | null;
  readonly pollId: string;
  /** When it was admitted, in milliseconds since the epoch (Redis' clock). */
  readonly admittedAt: number;
  readonly priority: PriorityClass;
  readonly tries: ChunkTries;
  /** Its topic refused it when it was last heard of. */
  readonly isRefused: boolean;
}

/** What a settle did: `gone` = settled before, `freed` = the chunk is removed, `left` = that many records remain. */
export type SettleResult =
  | { readonly status: 'gone' }
  | { readonly status: 'freed'; readonly records: number }
  | { readonly status: 'left'; readonly records: number };

/** Records waiting, delayed or held, by class. */
export interface QueueCounts {
  readonly total: number;
  readonly byPriority: Readonly<Record<PriorityClass, number>>;
}

/** What is counted of a source since it exists. */
export interface SourceTotals {
  /** Records. */
  readonly published: number;
  /** Records. */
  readonly dropped: number;
  /** Generations of seen ids that made way before their window had passed, because `dedupeMaxIds` was reached. */
  readonly earlyRotations: number;
}

/** One page of a sweep. */
export interface SweepPage {
  /** Chunks without a job: the job has to be added. */
  readonly missing: readonly {
    readonly chunkId: string;
    readonly records: number;
    readonly priority: PriorityClass;
    readonly pollId: string;
  }[];
  /** Jobs without a chunk, in prioritized, wait, delayed or failed: to be removed. */
  readonly orphans: readonly string[];
  /** Jobs that BullMQ failed and whose chunk is still there: to be moved to the dead letters. */
  readonly failed: readonly string[];
  /** Where the next page starts; null at the end. */
  readonly next: number | null;
}

/**
 * The store. Every call is one round trip per source (look-up and remember: one per 2,000 ids, pipelined; an admit that finds
 * thousands of chunks beyond a lowered cap: one per 4,000 of them).
 */
export interface ChunkStore {
  /** Classifies ids and keeps known ones alive for another window; never remembers a new one. Order as given. */
  lookup(
    sourceId: string,
    records: readonly Pick<PreparedRecord, 'id' | 'hash'>[],
    limits: ChunkLimits,
  ): Promise<readonly Sighting[]>;
  /** Remembers ids without storing anything: only after what they stand for is safe elsewhere (an invalid row's letter). */
  remember(
    sourceId: string,
    records: readonly Pick<PreparedRecord, 'id' | 'hash'>[],
    limits: ChunkLimits,
  ): Promise<void>;
  admit(request: AdmitRequest): Promise<AdmitResult>;
  /** Null: the chunk is settled already. */
  take(sourceId: string, chunkId: string): Promise<TakenChunk | null>;
  /**
   * After Kafka's answer and before the job completes. `done` = bitmap of the records that are done now, or null for all.
   * `published` of them count into the source's total.
   */
  settle(sourceId: string, chunkId: string, done: Buffer | null, published: number): Promise<SettleResult>;
  /** Remembers sends that failed, in the chunk itself; nothing if it is settled. */
  noteTries(sourceId: string, chunkId: string, tries: ChunkTries): Promise<void>;
  /**
   * Notes that the chunk's topic refuses it, and answers for how long it has done so, in milliseconds by Redis' clock. The
   * first call answers 0 and starts the time, and so does one that comes more than `forgetAfterMs` after the last.
   */
  refusedFor(sourceId: string, chunkId: string, forgetAfterMs: number): Promise<number>;
  /** The topic refuses the chunk no more, as far as anybody knows: the next refusal is the first. */
  forgetRefusal(sourceId: string, chunkId: string): Promise<void>;
  sweep(sourceId: string, fromScore: number, limit: number): Promise<SweepPage>;
  /** Job hashes of the source's chunk queue that lie in no list and are not locked (healed once a minute). */
  lostJobs(sourceId: string): Promise<readonly string[]>;
  counts(sourceIds: readonly string[]): Promise<ReadonlyMap<string, QueueCounts>>;
  totals(sourceIds: readonly string[]): Promise<ReadonlyMap<string, SourceTotals>>;
}
