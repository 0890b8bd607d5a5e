// Looks whether something more urgent has come than what a queue holds back for a later send. Then what it holds goes back
// to its place and the more urgent chunk is taken instead, so that priorities hold for what waits, too. It looks when a ring
// says that something has come, and five times a second: all such queues in one pipeline, and only those that hold.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import type { Head } from './read-heads.ts';

/** Time between two looks, in milliseconds: how long an urgent chunk whose ring was lost waits behind a held one. */
const intervalMs = 200;

/** A queue that may hold something back. */
export interface HoldingQueue {
  readonly sourceId: string;
  /** The class of the least urgent that it holds and that is not on its way; null: nothing. */
  leastUrgent(): PriorityClass | null;
  /** Gives back something of what it holds, so that what is more urgent can be taken. */
  makeRoom(): void;
}

/** Watches the heads of queues. */
export interface HeadWatch {
  /** Watches a queue; gives how to stop. */
  watch(queue: HoldingQueue): () => void;
  /** Something has come to the source: looks at once. */
  ring(sourceId: string): void;
}

export interface HeadWatchDeps {
  readonly readHeads: (sourceIds: readonly string[]) => Promise<ReadonlyMap<string, Head>>;
  readonly logger: Pick<Logger, 'debug'>;
  readonly after: (delayMs: number, act: () => void) => unknown;
}

/** Creates the watch of a process. A look that Redis refuses is taken again the next time. */
export const createHeadWatch = (deps: HeadWatchDeps): HeadWatch => {
  const watched = new Set<HoldingQueue>();
  const rung = new Set<HoldingQueue>();
  let isLooking = false;
  let isArmed = false;

  const look = async (queues: Iterable<HoldingQueue>): Promise<void> => {
    const holding = [...queues].filter((queue) => queue.leastUrgent() !== null);
    if (holding.length === 0) return;
    const heads = await deps.readHeads(holding.map(({ sourceId }) => sourceId));
    for (const queue of holding) {
      const head = heads.get(queue.sourceId) ?? null;
      const held = queue.leastUrgent();
      if (head !== null && held !== null && head < held) queue.makeRoom();
    }
  };
  /** Never rejects: a look that failed is taken again the next time. */
  const tryLook = (queues: Iterable<HoldingQueue>): Promise<void> =>
    look(queues).catch((error: unknown) => {
      deps.logger.debug({ error: messageOf(error) }, 'could not look at the heads of the queues');
    });
  /** One look at a time: what rings meanwhile shares the next one. */
  const lookAtRung = (): void => {
    if (isLooking || rung.size === 0) return;
    isLooking = true;
    const queues = [...rung];
    rung.clear();
    void tryLook(queues).finally(() => {
      isLooking = false;
      lookAtRung();
    });
  };
  const arm = (): void => {
    if (isArmed || watched.size === 0) return;
    isArmed = true;
    deps.after(intervalMs, () => {
      void tryLook(watched).finally(() => {
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
    ring: (sourceId) => {
      for (const queue of watched) if (queue.sourceId === sourceId) rung.add(queue);
      lookAtRung();
    },
  };
};
