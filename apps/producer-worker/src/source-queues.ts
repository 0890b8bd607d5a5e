// The queues of sources that this process adds jobs to, opened when they are first needed: most sources never have a
// dead letter. All share one connection.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { deadLetterQueueAddress, openQueue, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { addDeadLetters, type DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { createFailedChunks, type FailedChunks } from '@stream-manager/shared/queues/failed-chunks';
import type { RecordsQueue } from '@stream-manager/shared/queues/records-queue';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** Queues by source. */
export interface SourceQueues {
  records(sourceId: string): RecordsQueue;
  /** Adds letters, and counts them; those that are there already stay as they are. */
  addLetters(sourceId: string, letters: readonly DeadLetter[]): Promise<void>;
  /** Chunks on their way to the dead letters. */
  readonly failed: FailedChunks;
  close(): Promise<void>;
}

/** Creates the queues of a process on a shared connection, which stays open. */
export const createSourceQueues = (
  deps: {
    readonly redis: Redis;
    readonly logger: Logger;
    readonly metrics: Pick<Metrics, 'deadLettersTotal'>;
  },
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
  const records = (sourceId: string): RecordsQueue => open(recordsQueueAddress(options.keyPrefix, sourceId));
  return {
    records,
    addLetters: async (sourceId, letters) => {
      await addDeadLetters(open(deadLetterQueueAddress(options.keyPrefix, sourceId)), letters);
      for (const { data } of letters) deps.metrics.deadLettersTotal.inc({ source: sourceId, code: data.code });
    },
    failed: createFailedChunks({ redis: deps.redis, now: Date.now }, options),
    close: async () => {
      await Promise.all([...opened.values()].map((queue) => queue.close()));
      opened.clear();
    },
  };
};
