// How far the system is, watched from outside: what stands in Redis ten times a second. Tells when the first record was
// acknowledged after a heal, and when nothing waited any more.
import { setTimeout as pause } from 'node:timers/promises';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';

export interface Recovery {
  /** Milliseconds from the heal until a record was acknowledged by Kafka and settled; null: none was. */
  readonly firstMs: number | null;
  /** Milliseconds from the heal until no record waited for the first time; null: never. */
  readonly drainedMs: number | null;
}

export interface Progress {
  /** Records published since the start, over all sources. Waits for Redis as long as it is away. */
  readonly published: () => Promise<number>;
  /** Records waiting, delayed or held. */
  readonly queued: () => Promise<number>;
  /** Marks this moment as the heal; the last call counts. */
  readonly healed: () => void;
  readonly recovery: () => Recovery;
  readonly stop: () => void;
}

const sampleMs = 100;

/** Starts watching. `store` is on a connection that waits for Redis while it is away. */
export const watchProgress = (store: ChunkStore, sourceIds: readonly string[]): Progress => {
  const published = async (): Promise<number> =>
    [...(await store.totals(sourceIds)).values()].reduce((sum, totals) => sum + totals.published, 0);
  const queued = async (): Promise<number> =>
    [...(await store.counts(sourceIds)).values()].reduce((sum, counts) => sum + counts.total, 0);

  const stopping = new AbortController();
  let heal: { readonly at: number; before: number | null; firstMs: number | null; drainedMs: number | null } | null =
    null;

  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const of = heal;
        const [done, waiting] = [await published(), await queued()];
        if (of !== null && of === heal) {
          const sinceMs = performance.now() - of.at;
          if (of.before === null) of.before = done;
          else if (done > of.before) of.firstMs ??= sinceMs;
          if (of.firstMs !== null && waiting === 0) of.drainedMs ??= sinceMs;
        }
      } catch {
        // Redis is away or refuses: that is what drills do to it.
      }
      await pause(sampleMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  void watch();

  return {
    published,
    queued,
    healed: () => {
      heal = { at: performance.now(), before: null, firstMs: null, drainedMs: null };
    },
    recovery: () => ({ firstMs: heal?.firstMs ?? null, drainedMs: heal?.drainedMs ?? null }),
    stop: () => stopping.abort(),
  };
};
