// Waiting for room in a full queue, or for memory in a full Redis. It holds a slot of the poller, so it is short, and at most half of the slots may do
// it at a time: the other sources of this process go on being polled.
import { setTimeout as pause } from 'node:timers/promises';
import type { ChunkLimits, ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import type { PriorityClass } from '@stream-manager/shared/records/priority';

/** A chunk that found no room. */
export interface WaitingChunk {
  readonly sourceId: string;
  readonly priority: PriorityClass;
  readonly records: number;
  readonly limits: ChunkLimits;
}

/** How a wait ended. `busy`: too many slots wait already. */
export type RoomAnswer = 'room' | 'timeout' | 'busy' | 'stopped';

/** Waits for room on behalf of the polls of one process. */
export interface Room {
  /** Resolves when the chunk seems to fit (only `admit` knows), when `untilMs` (monotonic) has come, or on abort. */
  waitFor(chunk: WaitingChunk, untilMs: number, signal: AbortSignal): Promise<RoomAnswer>;
}

/** Whether a chunk fits into a queue that holds `total` records: the reserve is open to critical records only. */
export const hasRoom = (total: number, chunk: Omit<WaitingChunk, 'sourceId'>): boolean => {
  const reserve = chunk.priority === 1 ? 0 : chunk.limits.criticalReserve;
  return total + chunk.records <= chunk.limits.maxRecords - reserve;
};

/** Pauses between two looks, in milliseconds: short at first, so that a producer at work is hardly waited for. */
const firstPauseMs = 10;
const longestPauseMs = 200;

/** Creates the waiting room of one process. `now` is monotonic. */
export const createRoom = (
  deps: {
    readonly store: Pick<ChunkStore, 'counts'>;
    readonly memory: Pick<RedisMemory, 'high'>;
    readonly now: () => number;
  },
  options: { readonly maxWaiting: number },
): Room => {
  let waiting = 0;

  const watch = async (chunk: WaitingChunk, untilMs: number, signal: AbortSignal): Promise<RoomAnswer> => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      if (signal.aborted) return 'stopped';
      const leftMs = untilMs - deps.now();
      if (leftMs <= 0) return 'timeout';
      // An abort only ends the pause early; the check above sees it.
      await pause(Math.min(pauseMs, leftMs), undefined, { signal }).catch(() => {});
      if ((await deps.memory.high()) !== null) continue;
      const counts = await deps.store.counts([chunk.sourceId]);
      if (hasRoom(counts.get(chunk.sourceId)?.total ?? 0, chunk)) return 'room';
    }
  };

  return {
    waitFor: async (chunk, untilMs, signal) => {
      if (waiting >= options.maxWaiting) return 'busy';
      waiting += 1;
      try {
        return await watch(chunk, untilMs, signal);
      } finally {
        waiting -= 1;
      }
    },
  };
};
