// How BullMQ runs a chunk job again that failed: written into each job when it is added, carried out by the producers.
import type { Config } from '@stream-manager/shared/config/schema';
import type { ChunkJobOptions } from '@stream-manager/shared/queues/records-queue';

/** No name of BullMQ's own: the producers' worker computes the pause from `delivery.backoffMs`. The same as theirs. */
const backoffType = 'delivery';

/** The options of chunk jobs under a config. */
export const chunkJobOptions = (delivery: Config['delivery']): ChunkJobOptions => ({
  attempts: delivery.maxAttempts,
  backoff: { type: backoffType },
});
