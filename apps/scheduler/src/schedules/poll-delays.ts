// Why a source's poll waits: what its poller has noted in the delayed job. Two pipelines for all sources, and a source
// whose poll is not delayed costs one look at its deduplication key.
import type { PollDelay } from '@stream-manager/shared/jobs/payloads';
import { valuesOfPipeline } from '@stream-manager/shared/queues/pipeline-replies';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

const isText = (value: unknown): value is string => typeof value === 'string';

/** The note of a job; null if it has none, or not one of ours (a person can change the data in Bull Board). Pure. */
export const readPollDelay = (json: unknown): PollDelay | null => {
  let data: unknown;
  try {
    data = isText(json) ? JSON.parse(json) : null;
  } catch {
    return null;
  }
  if (typeof data !== 'object' || data === null || !('delayed' in data)) return null;
  const { delayed } = data;
  if (typeof delayed !== 'object' || delayed === null) return null;
  const fields: Partial<Record<keyof PollDelay, unknown>> = delayed;
  const { by, reason, since, until } = fields;
  if (!isText(by) || !isText(reason) || !isText(since) || !isText(until)) return null;
  // Shown as it is: a newer poller may know more causes.
  return { by: by as PollDelay['by'], reason, since, until };
};

/** Polls that are delayed now, by source; others are left out. Rejects with what Redis answered. */
export const readPollDelays = async (
  redis: Pick<Redis, 'pipeline'>,
  queue: Pick<Queue, 'toKey'>,
  sourceIds: readonly string[],
): Promise<ReadonlyMap<string, PollDelay>> => {
  const keys = redis.pipeline();
  for (const sourceId of sourceIds) keys.get(queue.toKey(`de:${sourceId}`));
  const jobIds = valuesOfPipeline(await keys.exec());
  const polls = sourceIds.flatMap((sourceId, index) => {
    const jobId = jobIds[index];
    return isText(jobId) ? [{ sourceId, jobId }] : [];
  });
  if (polls.length === 0) return new Map();
  const jobs = redis.pipeline();
  for (const { jobId } of polls) jobs.zscore(queue.toKey('delayed'), jobId).hget(queue.toKey(jobId), 'data');
  const replies = valuesOfPipeline(await jobs.exec());
  return new Map(
    polls.flatMap(({ sourceId }, index): readonly (readonly [string, PollDelay])[] => {
      const delay = replies[2 * index] === null ? null : readPollDelay(replies[2 * index + 1]);
      return delay === null ? [] : [[sourceId, delay]];
    }),
  );
};
