// What of a source's config its chunks depend on, in the words of the chunk store and of BullMQ. In one place, because
// poller, producer and sweep all add chunk jobs, and a job added with other options would be retried otherwise.
import type { ResolvedSource } from '../config/resolve-source.ts';
import type { Config } from '../config/schema.ts';
import { resolveQueue } from '../config/sections/queue.ts';
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
  keepDropped: source.queue.keepDropped,
});

/** Nothing polls a retired source, so its ids are kept as long as a config may say (8,784 h): it may come back. */
const retiredDedupeWindowMs = 8_784 * 3_600_000;

/** The limits of a source that is gone from the config, whose own values are gone with it: the global ones. */
export const retiredChunkLimits = (queue: Config['queue']): ChunkLimits => {
  const { maxRecords, criticalReserve, overflow, dedupeMaxIds, keepDropped } = resolveQueue(queue);
  return {
    maxRecords,
    criticalReserve,
    overflow,
    dedupeWindowMs: retiredDedupeWindowMs,
    dedupeMaxIds,
    publishCorrections: true,
    keepDropped,
  };
};

/** How BullMQ runs a chunk job again that failed. `delivery` is no backoff of BullMQ's own: the producers' worker computes the pause from `delivery.backoffMs`. */
export const chunkJobOptions = (delivery: Config['delivery']): ChunkJobOptions => ({
  attempts: delivery.maxAttempts,
  backoff: { type: 'delivery' },
});
