// Keeps the right queues open. Once a second one round asks for the work of all sources of this process; a ring on the
// pub/sub channel after an add opens the queue at once, and may be lost. 500 Workers held all the time would be 502
// connections and 1,150 commands a second for nothing (m).
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Service } from '@stream-manager/shared/ops/service';
import { type ChooseOptions, chooseQueues, type QueueSight } from './choose-queues.ts';
import type { OpenQueue } from './open-records-queue.ts';
import type { SourceWork } from './read-work.ts';

/** The two queues of a source. */
const queueKinds = ['records', 'dead-letter'] as const;
export type QueueKind = (typeof queueKinds)[number];

export interface AttentionDeps {
  readonly readWork: (sourceIds: readonly string[]) => Promise<ReadonlyMap<string, SourceWork>>;
  readonly open: (kind: QueueKind, sourceId: string) => OpenQueue;
  /** Calls back with a source id after each ring; returns how to stop listening. */
  readonly listen: (onRing: (sourceId: string) => void) => Promise<() => Promise<void>>;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface AttentionOptions extends ChooseOptions {
  readonly sourceIds: readonly string[];
  readonly intervalMs: number;
}

interface Watched {
  readonly key: string;
  readonly kind: QueueKind;
  readonly sourceId: string;
  opened: { readonly queue: OpenQueue; readonly since: number } | null;
  /** While it closes: not opened again before it is closed. */
  closing: Promise<void> | null;
  lastSeen: number;
  sight: Pick<QueueSight, 'hasWork' | 'hasCritical' | 'isPaused'>;
}

/** Creates the attention of a process. `stop` closes all queues and resolves when what was in hand is finished. */
export const createAttention = (deps: AttentionDeps, options: AttentionOptions): Service => {
  const watched = new Map<string, Watched>();
  for (const sourceId of options.sourceIds)
    for (const kind of queueKinds) {
      const key = `${kind}.${sourceId}`;
      const sight = { hasWork: false, hasCritical: false, isPaused: false };
      watched.set(key, { key, kind, sourceId, opened: null, closing: null, lastSeen: 0, sight });
    }
  const own = new Set(options.sourceIds);
  const rung = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | null = null;
  let isStopped = false;
  let reported = '';
  let stopListening: (() => Promise<void>) | undefined;

  const close = (queue: Watched): void => {
    if (queue.opened === null) return;
    const { queue: opened } = queue.opened;
    queue.opened = null;
    queue.lastSeen = deps.now();
    queue.closing = opened
      .close()
      .catch((error: unknown) => {
        deps.logger.warn({ queue: queue.key, error: messageOf(error) }, 'a queue did not close cleanly');
      })
      .finally(() => {
        queue.closing = null;
      });
  };

  const look = async (sourceIds: readonly string[]): Promise<void> => {
    const work = await deps.readWork(sourceIds);
    if (isStopped) return;
    const now = deps.now();
    for (const queue of watched.values()) {
      const seen = work.get(queue.sourceId);
      if (seen === undefined) continue;
      const isRecords = queue.kind === 'records';
      const hasWork = isRecords ? seen.hasRecords : seen.hasLetters;
      queue.sight = { hasWork, hasCritical: isRecords && seen.hasCritical, isPaused: seen.isPaused };
      if (hasWork && queue.opened !== null) queue.lastSeen = now;
    }
    // A queue that still closes counts as open elsewhere would: it keeps its place until it is closed.
    const closing = [...watched.values()].filter((queue) => queue.closing !== null).length;
    const sights = [...watched.values()]
      .filter((queue) => queue.closing === null)
      .map(({ key, opened, lastSeen, sight }) => ({ key, openSince: opened?.since ?? null, lastSeen, ...sight }));
    const choice = chooseQueues(sights, { ...options, maxOpen: Math.max(1, options.maxOpen - closing) }, now);
    for (const key of choice.close) {
      const queue = watched.get(key);
      if (queue !== undefined) close(queue);
    }
    for (const key of choice.open) {
      const queue = watched.get(key);
      if (queue === undefined) continue;
      queue.opened = { queue: deps.open(queue.kind, queue.sourceId), since: now };
      queue.lastSeen = now;
    }
  };

  /** One round at a time; what rings meanwhile is looked at right after it. */
  const start = (sourceIds: readonly string[]): void => {
    if (isStopped || round !== null || sourceIds.length === 0) return;
    round = look(sourceIds)
      .then(() => {
        reported = '';
      })
      .catch((error: unknown) => {
        const message = messageOf(error);
        if (message !== reported) deps.logger.warn({ error: message }, 'could not ask for the work of the sources');
        reported = message;
      })
      .finally(() => {
        round = null;
        if (rung.size === 0) return;
        const next = [...rung];
        rung.clear();
        start(next);
      });
  };

  return {
    start: async () => {
      stopListening = await deps.listen((sourceId) => {
        if (!own.has(sourceId) || watched.get(`records.${sourceId}`)?.opened !== null) return;
        if (round !== null) rung.add(sourceId);
        else start([sourceId]);
      });
      start(options.sourceIds);
      timer = setInterval(() => start(options.sourceIds), options.intervalMs);
    },
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await stopListening?.();
      stopListening = undefined;
      await round;
      for (const queue of watched.values()) close(queue);
      await Promise.all([...watched.values()].flatMap((queue) => queue.closing ?? []));
    },
  };
};
