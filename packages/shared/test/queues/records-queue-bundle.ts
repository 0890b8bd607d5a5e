// A chunk store with a real BullMQ queue beside it, as a process has them.
import { type Processor, Queue, Worker } from 'bullmq';
import { recordsQueueAddress } from '../../src/queues/bullmq.ts';
import { createChunkId } from '../../src/queues/chunk-id.ts';
import { addChunkJobs, type ChunkJobOptions, type RecordsQueue } from '../../src/queues/records-queue.ts';
import type { PreparedRecord } from '../../src/records/payload.ts';
import { type AdmitChanges, type ChunkStoreBundle, openChunkStore } from './chunk-store-bundle.ts';

export const jobOptions: ChunkJobOptions = { attempts: 3, backoff: { type: 'fixed', delay: 60_000 } };

/** Locks that are lost in a third of a second: a dead holder's job comes back soon. */
export const hastyLocks = { lockDuration: 300, stalledInterval: 100, maxStalledCount: 10, drainDelay: 1 } as const;

export interface RecordsQueueBundle extends ChunkStoreBundle {
  readonly queue: RecordsQueue;
  /** Admits records and adds the job; gives the chunk's id. */
  enqueue(records: readonly PreparedRecord[], changes?: AdmitChanges): Promise<string>;
  /** Starts a worker that is closed with the bundle. */
  work(processor: Processor, options?: { readonly concurrency?: number }): Worker;
}

/** Opens store, queue and, on demand, workers; `await using` closes them and removes all keys. */
export const openRecordsQueue = (redisUrl?: string): RecordsQueueBundle => {
  const bundle = openChunkStore(redisUrl);
  const { name, prefix } = recordsQueueAddress(bundle.keyPrefix, bundle.sourceId);
  const queue: RecordsQueue = new Queue(name, { connection: bundle.redis, prefix });
  const workers: Worker[] = [];
  return {
    ...bundle,
    queue,
    enqueue: async (records, changes = {}) => {
      const chunkId = changes.chunkId ?? createChunkId();
      const priority = changes.priority ?? 3;
      const admitted = await bundle.admit(records, { ...changes, chunkId, priority });
      if (admitted.status !== 'stored') throw new Error(`admit answered ${admitted.status}`);
      const stored = { chunkId, records: admitted.stored, priority, pollId: 'poll-1', sample: [] };
      await addChunkJobs(queue, [stored], jobOptions);
      return chunkId;
    },
    work: (processor, options = {}) => {
      const worker = new Worker(name, processor, {
        connection: bundle.redis.duplicate(),
        prefix,
        ...hastyLocks,
        ...options,
      });
      // A worker whose keys or lock a test takes away complains; what counts is what lies in Redis afterwards.
      worker.on('error', () => {});
      workers.push(worker);
      return worker;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.close(true)));
      await queue.close();
      await bundle[Symbol.asyncDispose]();
    },
  };
};
