// Looks whether something more urgent has come than what a queue holds back for a later send. Then what it holds goes back
// to its place and the more urgent chunk is taken instead, so that priorities hold for what waits, too. All such queues are
// asked in one pipeline; where nothing is held back nothing is asked.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import type { Head } from './read-heads.ts';

/** Time between two looks, in milliseconds: how long an urgent chunk may wait behind a held one. */
const intervalMs = 200;

/** A queue that may hold something back. */
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
  readonly readHeads: (sourceIds: readonly string[]) => Promise<ReadonlyMap<string, Head>>;
  readonly logger: Pick<Logger, 'debug'>;
  readonly after: (delayMs: number, act: () => void) => unknown;
}

/** Creates the watch of a process. A look that Redis refuses is taken again the next time. */
export const createHeadWatch = (deps: HeadWatchDeps): HeadWatch => {
  const watched = new Set<HoldingQueue>();
  let isArmed = false;

  const look = async (): Promise<void> => {
    const holding = [...watched].filter((queue) => queue.urgency() !== null);
    if (holding.length === 0) return;
    const heads = await deps.readHeads(holding.map(({ sourceId }) => sourceId));
    for (const queue of holding) {
      const head = heads.get(queue.sourceId) ?? null;
      const held = queue.urgency();
      if (head !== null && held !== null && head < held) queue.giveBack();
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
