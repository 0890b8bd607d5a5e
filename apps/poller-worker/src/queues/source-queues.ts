// The queues of sources as the poller writes them: chunk jobs, dead letters, the ring. At most two queues
// per source of the config are ever open.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { deadLetterQueueAddress, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { addDeadLetters, type DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import {
  countNewLetters,
  createAddFittingLetters,
} from '@stream-manager/shared/queues/dead-letters/add-fitting-letters';
import { type DroppedLettersDeps, keepDropped } from '@stream-manager/shared/queues/dead-letters/dropped-letters';
import {
  createLetterStocks,
  createLettersFull,
  type LetterLimits,
} from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createDroppedChunks } from '@stream-manager/shared/queues/dropped-chunks';
import { createOpenedQueues } from '@stream-manager/shared/queues/opened-queues';
import { addChunkJobs, type ChunkJobOptions, removeEvictedJobs } from '@stream-manager/shared/queues/records-queue';
import { createRings } from '@stream-manager/shared/queues/rings';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AdmissionQueues } from '../admission/admission.ts';

/** What admission and parsing again use, and the end of it. */
export interface SourceQueues extends AdmissionQueues {
  /** Adds letters whatever the limits are: each takes the place of one that goes. */
  addLetters(sourceId: string, letters: readonly DeadLetter[]): Promise<void>;
  /** Closes the queues, not the connection. Idempotent. */
  close(): Promise<void>;
}

/** Creates the queues of this process. `chunkJob`: how BullMQ runs a chunk again that failed. */
export const createSourceQueues = (
  deps: { readonly redis: Redis; readonly logger: Logger; readonly metrics: Pick<Metrics, 'deadLettersTotal'> },
  options: {
    readonly keyPrefix: string;
    readonly chunkJob: ChunkJobOptions;
    readonly deadLetters: LetterLimits;
  },
): SourceQueues => {
  const { keyPrefix } = options;
  const opened = createOpenedQueues(deps);
  const stocks = createLetterStocks(deps.redis, keyPrefix);
  const { ring } = createRings(deps, options);
  const records = (sourceId: string): Queue => opened.at(recordsQueueAddress(keyPrefix, sourceId));
  const letters = (sourceId: string): Queue => opened.at(deadLetterQueueAddress(keyPrefix, sourceId));
  const addFitting = createAddFittingLetters(
    { redis: deps.redis, queue: letters },
    { keyPrefix, limits: options.deadLetters },
  );
  const addDropped = createAddFittingLetters(
    { redis: deps.redis, queue: letters },
    { keyPrefix, limits: options.deadLetters, share: 'half' },
  );
  const droppedLetters: DroppedLettersDeps = {
    dropped: createDroppedChunks(deps.redis, keyPrefix),
    lettersFull: createLettersFull(stocks, options.deadLetters, 'half'),
    addLetters: async (sourceId, dropped) => {
      const added = await addDropped(sourceId, dropped);
      countNewLetters(deps.metrics, sourceId, dropped, added);
      return added;
    },
  };

  return {
    addChunkJob: (sourceId, chunk) => addChunkJobs(records(sourceId), [chunk], options.chunkJob),
    removeEvictedJobs: async (sourceId, evicted) => {
      await removeEvictedJobs(records(sourceId), evicted);
    },
    keepDropped: (sourceId, chunkIds) => keepDropped(droppedLetters, sourceId, chunkIds),
    addFittingLetters: addFitting,
    addLetters: (sourceId, added) => addDeadLetters(letters(sourceId), added, stocks),
    ring,
    close: () => opened.close(),
  };
};
