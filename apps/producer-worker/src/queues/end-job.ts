// Ends a chunk's job as BullMQ wants it: what returns is completed, everything else is thrown.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { QueueAddress } from '@stream-manager/shared/queues/bullmq';
import { jobFailsForGood, jobIsNotOurs, jobWasDelayed } from '@stream-manager/shared/queues/job-endings';
import { moveToFront } from '@stream-manager/shared/queues/move-to-front';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ChunkEnding } from '../delivery/deliver-chunk.ts';

/** Ends a job of the queue at `address`. */
export const endJob = async (
  deps: { readonly redis: Redis; readonly logger: Pick<Logger, 'debug'> },
  address: QueueAddress,
  job: Job,
  token: string,
  ending: ChunkEnding,
): Promise<void> => {
  /** Moves the job. With its lock lost, or a Redis that refuses, it stays where it is, and the stalled check hands it on. */
  const move = async (act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      deps.logger.debug(
        { queue: address.name, chunkId: job.id, error: messageOf(error) },
        'a chunk could not be moved',
      );
      throw jobIsNotOurs();
    }
  };
  switch (ending.kind) {
    case 'complete':
      return;
    case 'let_go':
      throw jobIsNotOurs();
    case 'give_back':
      await move(() => moveToFront(deps.redis, address, job, token));
      throw jobIsNotOurs();
    case 'fail':
      throw jobFailsForGood(ending.reason);
    case 'delay':
      await move(() => job.moveToDelayed(Date.now() + ending.delayMs, token));
      throw jobWasDelayed();
    case 'retry':
      throw new Error(ending.reason);
  }
};
