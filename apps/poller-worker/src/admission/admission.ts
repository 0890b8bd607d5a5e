// What admission works with and what it answers: shared by the page, its chunks, and the rows that are no records.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { ChunkLimits, ChunkStore, EvictedChunk } from '@stream-manager/shared/queues/chunk-store';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import type { AddedLetters } from '@stream-manager/shared/queues/dead-letters/add-fitting-letters';
import type { KeptDropped } from '@stream-manager/shared/queues/dead-letters/dropped-letters';
import type { StoredChunk } from '@stream-manager/shared/queues/records-queue';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import type { Tap } from '@stream-manager/shared/queues/tap';
import type { Redactor } from '../http/secrets.ts';
import type { Room } from './room.ts';

/** The queues of sources, as admission uses them. Every act may be repeated. */
export interface AdmissionQueues {
  addChunkJob(sourceId: string, chunk: StoredChunk): Promise<void>;
  removeEvictedJobs(sourceId: string, evicted: readonly EvictedChunk[]): Promise<void>;
  /** Adds as many letters as the limits leave room for, over the whole fleet. */
  addFittingLetters(sourceId: string, letters: readonly DeadLetter[]): Promise<AddedLetters>;
  /** Makes letters of chunks that were dropped and set aside. */
  keepDropped(sourceId: string, chunkIds: readonly string[]): Promise<KeptDropped>;
  /** Tells producers that the source has work. May be lost. */
  ring(sourceId: string): void;
}

/** What admission needs. */
export interface AdmissionDeps {
  readonly store: Pick<ChunkStore, 'lookup' | 'admit' | 'remember'>;
  readonly queues: AdmissionQueues;
  readonly room: Room;
  readonly memory: Pick<RedisMemory, 'high' | 'took'>;
  /** Shows what passes to whoever taps. */
  readonly tap: Tap;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Cuts every secret of this process from a text. */
  readonly cutSecrets: Redactor;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that only grow. */
  readonly monotonicNow: () => number;
}

/** What of a source admission depends on. */
export interface AdmissionSettings {
  readonly sourceId: string;
  readonly limits: ChunkLimits;
  /** Records of a chunk at most. */
  readonly chunkSize: number;
  /** How long a chunk waits for room, in milliseconds; every chunk that gets in starts it anew. */
  readonly admitWaitMs: number;
}

/** The poll that a page belongs to. */
export interface AdmittingPoll {
  readonly pollId: string;
  /** Between two chunks, and while waiting for room, an abort ends the admission; the chunk in hand is finished. */
  readonly signal: AbortSignal;
  /** The poll is another run's by now: this one stores nothing of where it stands. */
  readonly lost: AbortSignal;
  /** Called whenever the poll got on. */
  readonly progress: () => void;
}

/** What there is no room in: the source's queue, the memory of Redis, or the source's dead letters. */
export interface Shortage {
  readonly by: 'room' | 'memory' | 'letters';
  /** One sentence for people. */
  readonly reason: string;
}

/** `no_room`: the rest did not fit in time. `stopped`: the signal. In both cases some of the page may be in. */
export type AdmissionEnd =
  | { readonly status: 'admitted' | 'stopped' }
  | { readonly status: 'no_room'; readonly shortage: Shortage };

/**
 * What became of a page; `accepted` = records stored, new or corrected; `duplicates` = known ones. Only after `admitted` may its position be stored.
 * `isRefused`: `queue.overflow: reject` turned newcomers away that a later answer may bring again.
 */
export type PageAdmission = AdmissionEnd & {
  readonly accepted: number;
  readonly duplicates: number;
  readonly isRefused?: true;
};
