// The queues of sources as the poller writes them: chunk jobs, dead letters, the ring. At most two queues
// per source of the config are ever open.
import type { Logger } from '@stream-manager/shared/observability/logger';
import { deadLetterQueueAddress, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { addDeadLetters } from '@stream-manager/shared/queues/dead-letters';
import { createLetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createOpenedQueues } from '@stream-manager/shared/queues/opened-queues';
import { addChunkJobs, type ChunkJobOptions, removeEvictedJobs } from '@stream-manager/shared/queues/records-queue';
import { createRings } from '@stream-manager/shared/queues/rings';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AdmissionQueues } from '../admission/admit-page.ts';

/** What admission uses, and the end of it. */
export interface SourceQueues extends AdmissionQueues {
  /** Closes the queues, not the connection. Idempotent. */
  close(): Promise<void>;
}

/** Creates the queues of this process. `chunkJob`: how BullMQ runs a chunk again that failed. */
export const createSourceQueues = (
  deps: { readonly redis: Redis; readonly logger: Logger },
  options: { readonly keyPrefix: string; readonly chunkJob: ChunkJobOptions },
): SourceQueues => {
  const { keyPrefix } = options;
  const opened = createOpenedQueues(deps);
  const stocks = createLetterStocks(deps.redis, keyPrefix);
  const { ring } = createRings(deps, options);
  const records = (sourceId: string): Queue => opened.at(recordsQueueAddress(keyPrefix, sourceId));

  return {
    addChunkJob: (sourceId, chunk) => addChunkJobs(records(sourceId), [chunk], options.chunkJob),
    removeEvictedJobs: async (sourceId, evicted) => {
      await removeEvictedJobs(records(sourceId), evicted);
    },
    addLetters: (sourceId, letters) =>
      addDeadLetters(opened.at(deadLetterQueueAddress(keyPrefix, sourceId)), letters, stocks),
    ring,
    close: () => opened.close(),
  };
};
