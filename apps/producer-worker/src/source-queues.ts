// The queues of sources that this process adds jobs to, opened when they are first needed: most sources never have a
// dead letter. All share one connection.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { deadLetterQueueAddress, openQueue, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import type { RecordsQueue } from '@stream-manager/shared/queues/records-queue';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** Queues by source. */
export interface SourceQueues {
  records(sourceId: string): RecordsQueue;
  deadLetters(sourceId: string): Queue;
  close(): Promise<void>;
}

/** Creates the queues of a process on a shared connection, which stays open. */
export const createSourceQueues = (
  deps: { readonly redis: Redis; readonly logger: Logger },
  options: { readonly keyPrefix: string },
): SourceQueues => {
  const opened = new Map<string, Queue>();
  const onError = (error: Error): void => deps.logger.debug({ error: messageOf(error) }, 'queue connection error');
  const open = (address: ReturnType<typeof recordsQueueAddress>): Queue => {
    const known = opened.get(address.name);
    if (known !== undefined) return known;
    const queue = openQueue(address, deps.redis, onError);
    opened.set(address.name, queue);
    return queue;
  };
  return {
    records: (sourceId) => open(recordsQueueAddress(options.keyPrefix, sourceId)),
    deadLetters: (sourceId) => open(deadLetterQueueAddress(options.keyPrefix, sourceId)),
    close: async () => {
      await Promise.all([...opened.values()].map((queue) => queue.close()));
      opened.clear();
    },
  };
};
