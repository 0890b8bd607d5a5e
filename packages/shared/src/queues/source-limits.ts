// What of a source's config its chunks depend on, in the words of the chunk store and of BullMQ. In one place, because
// poller, producer and sweep all add chunk jobs, and a job added with other options would be retried otherwise.
import type { ResolvedSource } from '../config/resolve-source.ts';
import type { Config } from '../config/schema.ts';
import type { ChunkLimits } from './chunk-store.ts';
import type { ChunkJobOptions } from './records-queue.ts';

/** The limits of a source's queue and dedupe. */
export const chunkLimits = (source: ResolvedSource): ChunkLimits => ({
  maxRecords: source.queue.maxRecords,
  criticalReserve: source.queue.criticalReserve,
  overflow: source.queue.overflow,
  dedupeWindowMs: source.dedupeWindowMs,
  dedupeMaxIds: source.queue.dedupeMaxIds,
  publishCorrections: source.corrections === 'publish',
});

/** How BullMQ runs a chunk job again that failed. `delivery` is no backoff of BullMQ's own: the producers' worker computes the pause from `delivery.backoffMs`. */
export const chunkJobOptions = (delivery: Config['delivery']): ChunkJobOptions => ({
  attempts: delivery.maxAttempts,
  backoff: { type: 'delivery' },
});
