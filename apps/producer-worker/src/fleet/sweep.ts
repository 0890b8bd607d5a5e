// The sweep: brings chunks and jobs together again wherever a process was killed between two steps, and moves chunks
// that BullMQ has failed to the dead letters. One process of the fleet does it for all sources; doing it twice is harmless.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { SweptSource } from '@stream-manager/shared/queues/records-queue';
import type { Burial } from '../dead-letters/bury-failed-chunk.ts';
import { eachSource } from './each-in-turn.ts';

/** Interval of sweeps, and how long after the last time lost jobs are looked for again, in milliseconds. */
export const sweepIntervalMs = 5_000;
const healIntervalMs = 60_000;

export interface SweepDeps {
  /** Sweeps one source; its failed chunks are the caller's. */
  readonly sweepSource: (sourceId: string, healLostJobs: boolean, signal: AbortSignal) => Promise<SweptSource>;
  readonly bury: (sourceId: string, chunkId: string) => Promise<Burial>;
  /** Tells the fleet that a source has work. */
  readonly ring: (sourceId: string) => void;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Makes the act of sweeping all sources once. One source's trouble never keeps the others from being swept. */
export const createSweep = (
  deps: SweepDeps,
  sourceIds: readonly string[],
): ((signal: AbortSignal) => Promise<void>) => {
  let healedAt = Number.NEGATIVE_INFINITY;

  const sweepOne = async (sourceId: string, heal: boolean, signal: AbortSignal): Promise<void> => {
    const { failed, ...swept } = await deps.sweepSource(sourceId, heal, signal);
    let letters = 0;
    for (const chunkId of failed) {
      signal.throwIfAborted();
      const burial = await deps.bury(sourceId, chunkId);
      if (burial.kind === 'buried') letters += burial.letters;
    }
    if (swept.added > 0) deps.ring(sourceId);
    if (swept.added + swept.removed + failed.length > 0)
      deps.logger.info({ sourceId, ...swept, failedChunks: failed.length, letters }, 'sweep put a queue in order');
  };

  return async (signal) => {
    const isHealing = deps.now() - healedAt >= healIntervalMs;
    const all = eachSource(sourceIds, (sourceId) => sweepOne(sourceId, isHealing, signal), signal);
    await all.finally(() => {
      if (isHealing && !signal.aborted) healedAt = deps.now();
    });
  };
};
