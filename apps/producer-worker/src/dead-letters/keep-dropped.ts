// Makes dead letters of what overflow dropped and nobody came to keep: a poller makes them right after the admit that dropped,
// so what lies here longer is left by one that was killed.
import type { Logger } from '@stream-manager/shared/observability/logger';
import { type DroppedLettersDeps, keepDropped } from '@stream-manager/shared/queues/dead-letters/dropped-letters';
import { eachSource } from '../fleet/each-in-turn.ts';

/** What was dropped so long ago is its poller's no more, in milliseconds. */
const leftAfterMs = 10_000;
/** Chunks of one source that are kept in a round; the rest goes with the next. */
const chunksPerRound = 50;

export interface KeepDroppedDeps extends DroppedLettersDeps {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Makes the act of one round over all sources. One source's trouble never keeps the others from being looked at. */
export const createKeepDropped =
  (
    deps: KeepDroppedDeps,
    options: { readonly leftAfterMs: number } = { leftAfterMs },
  ): ((sourceIds: readonly string[], signal: AbortSignal) => Promise<void>) =>
  (sourceIds, signal) =>
    eachSource(
      sourceIds,
      async (sourceId) => {
        const chunkIds = await deps.dropped.list(sourceId, options.leftAfterMs, chunksPerRound);
        if (chunkIds.length === 0) return;
        const { letters, lost, full } = await keepDropped(deps, sourceId, chunkIds);
        deps.logger.info({ sourceId, chunks: chunkIds.length, letters }, 'dropped records became dead letters');
        if (lost > 0)
          deps.logger.warn({ sourceId, lost, reason: full }, 'dropped records could not be kept as dead letters');
      },
      signal,
    );
