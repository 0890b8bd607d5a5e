// Chunks whose job BullMQ has failed, on their way to the dead letters. A claim lies in the chunk itself, so that it ends
// with the chunk and outlives whoever was killed; while it lies there the chunk has no job that a Retry could run.
import type { Redis } from 'ioredis';
import { recordsQueueName } from '../jobs/queue-names.ts';
import { sourceKeys } from './keys.ts';
import { runScript, textOf } from './script-runner.ts';
import { claimFailedScript } from './scripts/claim-failed.ts';

/** Why and when a chunk's job failed. */
export interface FailedJob {
  readonly reason: string;
  /** In milliseconds since the epoch. */
  readonly failedAt: number;
}

/** Claims on failed chunks. */
export interface FailedChunks {
  /** Removes the failed job and marks the chunk, in one step; again it answers the same. Null: not failed, or settled. */
  claim(sourceId: string, chunkId: string): Promise<FailedJob | null>;
  /** Gives the chunk back: the next sweep adds a job for it. */
  release(sourceId: string, chunkId: string): Promise<void>;
}

/** Creates the claims on a shared connection. `now` in milliseconds since the epoch. */
export const createFailedChunks = (
  deps: { readonly redis: Redis; readonly now: () => number },
  options: { readonly keyPrefix: string },
): FailedChunks => ({
  claim: async (sourceId, chunkId) => {
    const keys = sourceKeys(options.keyPrefix, sourceId);
    const queue = `${keys.prefix}:${recordsQueueName(sourceId)}`;
    const job = `${queue}:${chunkId}`;
    const reply = await runScript(
      deps.redis,
      claimFailedScript,
      [`${queue}:failed`, job, `${job}:logs`, keys.chunk(chunkId)],
      [chunkId, deps.now()],
    );
    // Written by the script only.
    return reply === null ? null : (JSON.parse(textOf(reply)) as FailedJob);
  },
  release: async (sourceId, chunkId) => {
    await deps.redis.hdel(sourceKeys(options.keyPrefix, sourceId).chunk(chunkId), 'burial');
  },
});
