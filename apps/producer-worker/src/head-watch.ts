// Looks, while the gate is shut, whether something more urgent has come than what a queue holds for its next batch. Then
// what it holds goes back to its place and the more urgent chunk is taken instead, so that priorities hold for what waits,
// too. All shut queues are asked in one pipeline; with the gate open nothing is asked.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { valuesOfPipeline } from '@stream-manager/shared/queues/pipeline-replies';
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import type { Redis } from 'ioredis';

/** Time between two looks, in milliseconds: how long an urgent chunk may wait behind a held one. */
const intervalMs = 200;

/** Score of a job in BullMQ's `prioritized`: priority × this, plus a counter below it. */
const priorityScale = 2 ** 32;

/** A queue that holds something for its next batch. */
export interface HoldingQueue {
  readonly sourceId: string;
  /** The class of the most urgent that it holds and that is not on its way; null: nothing. */
  urgency(): PriorityClass | null;
  /** Gives back what it holds. */
  giveBack(): void;
}

/** Watches the heads of queues. */
export interface HeadWatch {
  /** Watches a queue; gives how to stop. */
  watch(queue: HoldingQueue): () => void;
}

export interface HeadWatchDeps {
  readonly redis: Redis;
  readonly logger: Pick<Logger, 'debug'>;
  readonly after: (delayMs: number, act: () => void) => unknown;
}

/** The class of what a queue would give next: 0 for a chunk of a killed worker, which goes first; null: nothing. Pure. */
export const headClass = (waiting: number, prioritizedScore: number | null): number | null => {
  if (waiting > 0) return 0;
  return prioritizedScore === null ? null : Math.floor(prioritizedScore / priorityScale);
};

/** Creates the watch of a process. A look that Redis refuses is taken again the next time. */
export const createHeadWatch = (deps: HeadWatchDeps, options: { readonly keyPrefix: string }): HeadWatch => {
  const watched = new Set<HoldingQueue>();
  let isArmed = false;

  const look = async (): Promise<void> => {
    const holding = [...watched].filter((queue) => queue.urgency() !== null);
    if (holding.length === 0) return;
    const pipeline = deps.redis.pipeline();
    for (const { sourceId } of holding) {
      const { prefix, name } = recordsQueueAddress(options.keyPrefix, sourceId);
      pipeline.llen(`${prefix}:${name}:wait`).zrange(`${prefix}:${name}:prioritized`, 0, 0, 'WITHSCORES');
    }
    const replies = valuesOfPipeline(await pipeline.exec());
    for (const [index, queue] of holding.entries()) {
      const head = replies[index * 2 + 1];
      const score = Array.isArray(head) && head.length === 2 ? Number(head[1]) : null;
      const waiting = headClass(Number(replies[index * 2]), score);
      const held = queue.urgency();
      if (waiting !== null && held !== null && waiting < held) queue.giveBack();
    }
  };
  const arm = (): void => {
    if (isArmed || watched.size === 0) return;
    isArmed = true;
    deps.after(intervalMs, () => {
      void look()
        .catch((error: unknown) => {
          deps.logger.debug({ error: messageOf(error) }, 'could not look at the heads of the queues');
        })
        .finally(() => {
          isArmed = false;
          arm();
        });
    });
  };
  return {
    watch: (queue) => {
      watched.add(queue);
      arm();
      return () => void watched.delete(queue);
    },
  };
};
