// The queues that a process adds jobs to or looks at, each opened when it is first needed: most sources never have a dead
// letter. All share one connection, whose own trouble is logged where it was made.
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from '../observability/logger.ts';
import { openQueue, type QueueAddress } from './bullmq.ts';

/** Queues by address: at most one per name, however often it is asked for. */
export interface OpenedQueues {
  at(address: QueueAddress): Queue;
  /** Closes the queues, not the connection. Idempotent. */
  close(): Promise<void>;
}

/** Creates the collection of a process. */
export const createOpenedQueues = (deps: { readonly redis: Redis; readonly logger: Logger }): OpenedQueues => {
  const opened = new Map<string, Queue>();
  return {
    at: (address) => {
      const known = opened.get(address.name);
      if (known !== undefined) return known;
      const queue = openQueue(address, deps.redis, (error) => {
        deps.logger.debug({ queue: address.name, error: error.message }, 'queue connection error');
      });
      opened.set(address.name, queue);
      return queue;
    },
    close: async () => {
      const queues = [...opened.values()];
      opened.clear();
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
};
