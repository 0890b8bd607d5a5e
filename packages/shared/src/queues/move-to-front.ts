// Gives an active job back to its queue. BullMQ's `moveToWait` puts a job with a priority in front of its class and tells
// nobody: a worker that waits for work hears of it a second later (its drain delay). So the marker that workers wait on is
// set as well; that it has this name is pinned by a test.
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueAddress } from './bullmq.ts';

/** Moves the job to the front of its class, without an attempt, and wakes a worker. Rejects as BullMQ does when the lock is lost. */
export const moveToFront = async (redis: Redis, address: QueueAddress, job: Job, token: string): Promise<void> => {
  await job.moveToWait(token);
  await redis.zadd(`${address.prefix}:${address.name}:marker`, 0, '0');
};
