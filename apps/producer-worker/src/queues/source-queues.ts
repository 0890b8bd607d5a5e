// The queues of sources as the producer uses them: chunk jobs to sweep, letters to add, failed chunks to claim.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { deadLetterQueueAddress, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import {
  type AddedLetters,
  countNewLetters,
  createAddFittingLetters,
} from '@stream-manager/shared/queues/dead-letters/add-fitting-letters';
import type { LetterLimits, LetterShare } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createFailedChunks, type FailedChunks } from '@stream-manager/shared/queues/failed-chunks';
import { createOpenedQueues } from '@stream-manager/shared/queues/opened-queues';
import type { RecordsQueue } from '@stream-manager/shared/queues/records-queue';
import type { Redis } from 'ioredis';

/** Queues by source. */
export interface SourceQueues {
  records(sourceId: string): RecordsQueue;
  /**
   * Adds as many letters as there is room for in `share` of the limits (default: the whole), and counts them; those that are
   * there already stay as they are.
   */
  addLetters(sourceId: string, letters: readonly DeadLetter[], share?: LetterShare): Promise<AddedLetters>;
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
  options: { readonly keyPrefix: string; readonly deadLetters: LetterLimits },
): SourceQueues => {
  const opened = createOpenedQueues(deps);
  const addWithin = (share: LetterShare): ReturnType<typeof createAddFittingLetters> =>
    createAddFittingLetters(
      { redis: deps.redis, queue: (sourceId) => opened.at(deadLetterQueueAddress(options.keyPrefix, sourceId)) },
      { keyPrefix: options.keyPrefix, limits: options.deadLetters, share },
    );
  const addFitting = { whole: addWithin('whole'), half: addWithin('half') };
  const records = (sourceId: string): RecordsQueue => opened.at(recordsQueueAddress(options.keyPrefix, sourceId));
  return {
    records,
    addLetters: async (sourceId, letters, share = 'whole') => {
      const result = await addFitting[share](sourceId, letters);
      countNewLetters(deps.metrics, sourceId, letters, result);
      return result;
    },
    failed: createFailedChunks({ redis: deps.redis, now: Date.now }, options),
    close: () => opened.close(),
  };
};
