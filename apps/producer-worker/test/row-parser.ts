// What a poller does with a row that is to be parsed again, as far as a producer can tell: the record is admitted, and then the
// letter's mark is among the seen ids. The rows of these tests are the numbers of records. Each act may be repeated.
import type { ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import type { ChunkLimits, ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import { letterMark } from '@stream-manager/shared/queues/dead-letters/letter-mark';
import { addChunkJobs, type ChunkJobOptions, type RecordsQueue } from '@stream-manager/shared/queues/records-queue';
import type { Job } from 'bullmq';
import { preparedRecord } from './chunks.ts';

/** Makes the processor of queue `poll`. */
export const createRowParser =
  (
    deps: { readonly store: Pick<ChunkStore, 'admit' | 'remember'>; readonly recordsQueue: RecordsQueue },
    options: { readonly limits: ChunkLimits; readonly job: ChunkJobOptions },
  ) =>
  async ({ data }: Job<ReparseJobData>): Promise<void> => {
    const { sourceId, pollId, raw, letterId, letterAddedAt } = data;
    const chunkId = createChunkId();
    const records = [preparedRecord(Number(raw))];
    const { limits } = options;
    const { status } = await deps.store.admit({ sourceId, chunkId, priority: 3, limits, records, pollId, keep: true });
    if (status === 'stored')
      await addChunkJobs(deps.recordsQueue, [{ chunkId, records: 1, priority: 3, pollId, sample: [] }], options.job);
    await deps.store.remember(sourceId, [letterMark(letterId, letterAddedAt)], limits);
  };
