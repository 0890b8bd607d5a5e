// What the records queues would give next, for many of them in one pipeline.
import { recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { valuesOfPipeline } from '@stream-manager/shared/queues/pipeline-replies';
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import type { Redis } from 'ioredis';

/** Score of a job in BullMQ's `prioritized`: priority × this, plus a counter below it. */
const priorityScale = 2 ** 32;

/** The class of what comes next; 0: the chunk of a killed worker, which goes first; null: nothing. */
export type Head = PriorityClass | 0 | null;

const classes: readonly PriorityClass[] = [1, 2, 3, 4];

/** Reads a head from the length of `wait` and the lowest score of `prioritized`. Pure. */
export const headOf = (waiting: number, lowestScore: number | null): Head => {
  if (waiting > 0) return 0;
  if (lowestScore === null) return null;
  const found = Math.floor(lowestScore / priorityScale);
  // Anybody can add a job by hand, with any priority.
  return classes.find((known) => known >= found) ?? 4;
};

/** Reads the heads of sources; rejects with what Redis answered. */
export const readHeads = async (
  redis: Redis,
  keyPrefix: string,
  sourceIds: readonly string[],
): Promise<ReadonlyMap<string, Head>> => {
  const pipeline = redis.pipeline();
  for (const sourceId of sourceIds) {
    const { prefix, name } = recordsQueueAddress(keyPrefix, sourceId);
    pipeline.llen(`${prefix}:${name}:wait`).zrange(`${prefix}:${name}:prioritized`, 0, 0, 'WITHSCORES');
  }
  const replies = valuesOfPipeline(await pipeline.exec());
  return new Map(
    sourceIds.map((sourceId, index) => {
      const lowest = replies[index * 2 + 1];
      const score = Array.isArray(lowest) && lowest.length === 2 ? Number(lowest[1]) : null;
      return [sourceId, headOf(Number(replies[index * 2]), score)];
    }),
  );
};
