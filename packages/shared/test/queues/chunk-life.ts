// The acts of a poller and of a producer around one chunk, in the order that the chunk protocol demands, with a stop
// after each: where a test kills. "Sent" is a list in Redis that stands for Kafka.
import type { Job, Processor } from 'bullmq';
import type { Redis } from 'ioredis';
import { createChunkId } from '../../src/queues/chunk-id.ts';
import type { AdmitResult, ChunkLimits, ChunkStore } from '../../src/queues/chunk-store.ts';
import { addChunkJobs, type RecordsQueue, removeEvictedJobs } from '../../src/queues/records-queue.ts';
import { emptyBitmap, hasBit, setBit } from '../../src/records/bitmap.ts';
import { decodePayload, isPayloadFault, type PreparedRecord, type StoredRecord } from '../../src/records/payload.ts';
import type { PriorityClass } from '../../src/records/priority.ts';

export type Step =
  | 'lookup'
  | 'admit'
  | 'add'
  | 'remove evicted'
  | 'keep dropped'
  | 'take'
  | 'send'
  | 'partial send'
  | 'partial settle'
  | 'settle'
  | 'complete';

export interface ChunkLifeDeps {
  readonly store: ChunkStore;
  readonly queue: RecordsQueue;
  readonly redis: Redis;
  readonly sourceId: string;
  /** Key of the list that stands for Kafka: `id/revision` of each record sent, with `*` on a correction. */
  readonly sent: string;
  /** Makes letters of chunks that were set aside. */
  readonly keep: (chunkIds: readonly string[]) => Promise<void>;
  /** Called after each step. */
  readonly reach: (step: Step) => Promise<void>;
}

/** What a poller does with an answer of one chunk. */
export const pollOnce = async (
  deps: ChunkLifeDeps,
  records: readonly PreparedRecord[],
  limits: ChunkLimits,
  priority: PriorityClass = 3,
): Promise<AdmitResult | null> => {
  const { store, queue, sourceId, reach } = deps;
  const sightings = await store.lookup(sourceId, records, limits);
  await reach('lookup');
  const wanted = records.filter((_, index) => sightings[index] !== 'known');
  if (wanted.length === 0) return null;
  const chunkId = createChunkId();
  const admitted = await store.admit({ sourceId, chunkId, priority, limits, records: wanted, pollId: 'poll-1' });
  await reach('admit');
  if (admitted.status === 'dropped' && admitted.isKept === true) await deps.keep([chunkId]);
  if (admitted.status !== 'stored') return admitted;
  const stored = { chunkId, records: admitted.stored, priority, pollId: 'poll-1', sample: [] };
  await addChunkJobs(queue, [stored], { attempts: 3, backoff: { type: 'fixed', delay: 100 } });
  await reach('add');
  await removeEvictedJobs(queue, admitted.evicted);
  await reach('remove evicted');
  await deps.keep(admitted.evicted.filter(({ isKept }) => isKept === true).map((victim) => victim.chunkId));
  await reach('keep dropped');
  return admitted;
};

/** What a producer does with a chunk job; `inHalves`: the first half is acknowledged and settled before the second is sent. */
export const createProducer =
  (deps: ChunkLifeDeps, inHalves: boolean): Processor =>
  async (job: Job) => {
    const { store, redis, sourceId, sent, reach } = deps;
    const chunkId = String(job.id);
    const chunk = await store.take(sourceId, chunkId);
    await reach('take');
    if (chunk === null) return;
    const stored = decodePayload(chunk.payload);
    if (isPayloadFault(stored)) throw new Error(`the payload of ${chunkId} is ${stored.kind}`);
    const send = async (records: readonly StoredRecord[]) => {
      const names = records.map(({ id, hash, index }) => {
        const name = `${id.readUInt32BE(12)}/${hash.readUInt32BE(4)}`;
        return hasBit(chunk.corrections, index) ? `${name}*` : name;
      });
      if (names.length > 0) await redis.rpush(sent, ...names);
    };
    const todo = stored.filter((record) => !hasBit(chunk.done, record.index));
    const half = inHalves ? todo.slice(0, Math.ceil(todo.length / 2)) : [];
    if (inHalves) {
      await send(half);
      await reach('partial send');
      const done = emptyBitmap(chunk.records);
      for (const record of half) setBit(done, record.index);
      await store.settle(sourceId, chunkId, done, half.length);
      await reach('partial settle');
    }
    const rest = todo.slice(half.length);
    await send(rest);
    await reach('send');
    await store.settle(sourceId, chunkId, null, rest.length);
    await reach('settle');
  };
