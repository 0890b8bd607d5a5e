// The queues of sources as the poller writes them: chunk jobs, dead letters, the ring. Queues are opened when the first
// record of their source comes and share one connection; at most two per source of the config are ever open.
import type { Logger } from '@stream-manager/shared/observability/logger';
import {
  deadLetterQueueAddress,
  openQueue,
  type QueueAddress,
  recordsQueueAddress,
} from '@stream-manager/shared/queues/bullmq';
import { addDeadLetters } from '@stream-manager/shared/queues/dead-letters';
import { fleetKeys } from '@stream-manager/shared/queues/keys';
import { addChunkJobs, type ChunkJobOptions, removeEvictedJobs } from '@stream-manager/shared/queues/records-queue';
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
  const open = new Map<string, Queue>();
  const ringChannel = fleetKeys(keyPrefix).ring;

  const queueAt = (address: QueueAddress): Queue => {
    const found = open.get(address.name);
    if (found !== undefined) return found;
    const queue = openQueue(address, deps.redis, (error) => {
      // The connection is shared, and what it has to say is logged where it was made.
      deps.logger.debug({ queue: address.name, error: error.message }, 'queue connection error');
    });
    open.set(address.name, queue);
    return queue;
  };

  return {
    addChunkJob: (sourceId, chunk) =>
      addChunkJobs(queueAt(recordsQueueAddress(keyPrefix, sourceId)), [chunk], options.chunkJob),
    removeEvictedJobs: async (sourceId, evicted) => {
      await removeEvictedJobs(queueAt(recordsQueueAddress(keyPrefix, sourceId)), evicted);
    },
    addLetters: (sourceId, letters) => addDeadLetters(queueAt(deadLetterQueueAddress(keyPrefix, sourceId)), letters),
    ring: (sourceId) => {
      deps.redis.publish(ringChannel, sourceId).catch((error: unknown) => {
        // A ring only saves a producer's wait of a second.
        deps.logger.debug({ sourceId, error: String(error) }, 'ring lost');
      });
    },
    close: async () => {
      const queues = [...open.values()];
      open.clear();
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
};
