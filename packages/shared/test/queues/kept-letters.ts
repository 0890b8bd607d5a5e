// The dead letters of one source, as a process has them that keeps what overflow drops.
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { DeadLetterJobData } from '../../src/jobs/payloads.ts';
import { deadLetterQueueAddress } from '../../src/queues/bullmq.ts';
import { createAddFittingLetters } from '../../src/queues/dead-letters/add-fitting-letters.ts';
import { keepDropped } from '../../src/queues/dead-letters/dropped-letters.ts';
import { createDroppedChunks } from '../../src/queues/dropped-chunks.ts';

const limits = { maxRecords: 1_000_000, maxBytes: 1e12 };

/** Opens the queue of letters; `keep` makes letters of chunks that were set aside, `keepAll` of all there are. */
export const openKeptLetters = (redis: Redis, keyPrefix: string, sourceId: string) => {
  const { name, prefix } = deadLetterQueueAddress(keyPrefix, sourceId);
  const queue: Queue<DeadLetterJobData> = new Queue(name, { connection: redis, prefix });
  const dropped = createDroppedChunks(redis, keyPrefix);
  const deps = {
    dropped,
    lettersFull: async () => null,
    addLetters: createAddFittingLetters({ redis, queue: () => queue }, { keyPrefix, limits }),
  };
  const keep = async (chunkIds: readonly string[]): Promise<void> => {
    await keepDropped(deps, sourceId, chunkIds);
  };
  return { queue, keep, keepAll: async () => keep(await dropped.list(sourceId, 0, 10_000)) };
};
