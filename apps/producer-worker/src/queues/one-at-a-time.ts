// BullMQ's global concurrency of a records queue: 1 while the order of keys is to be kept, else none. It lies in Redis,
// and obliterate deletes it, so whoever opens the queue and every sweep set it again.
import type { RecordsQueue } from '@stream-manager/shared/queues/records-queue';

/** Sets what `delivery.ordering` asks for; nothing is written when it is so already. Rejects with what Redis answered. */
export const keepOneAtATime = async (queue: RecordsQueue, isOrdered: boolean): Promise<void> => {
  const current = await queue.getGlobalConcurrency();
  if (isOrdered && current !== 1) await queue.setGlobalConcurrency(1);
  if (!isOrdered && current !== null) await queue.removeGlobalConcurrency();
};
