// Lets waiting chunks rise with their age, in rounds. One process of the fleet does it for all sources; every round has a
// bound, so that a queue of many thousand old chunks neither fills Redis nor holds up the other sources.
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import type { Config } from '@stream-manager/shared/config/schema';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { AgedChunk, AgedPage } from '@stream-manager/shared/queues/chunk-ageing';

/** Most chunks that one call to Redis looks at, some 2 µs each. */
export const chunksPerPage = 500;
/** Most pages of one source in a round; the next round goes on behind them. */
const pagesPerRound = 10;
/** Most jobs that one round moves, in all sources, some 19 µs of Redis each. */
export const raisesPerRound = 2_000;
/** Longest time between two rounds, in milliseconds: how much later than due a chunk may rise. */
const longestIntervalMs = 5_000;

/** A source whose chunks age. */
export interface AgeingSource {
  readonly id: string;
  /** Time after which a waiting chunk rises by one class, in milliseconds; above 0. */
  readonly ageingMs: number;
}

export interface RaiseDeps {
  readonly readPage: (source: AgeingSource, fromScore: number, limit: number) => Promise<AgedPage>;
  readonly raise: (sourceId: string, aged: readonly AgedChunk[]) => Promise<number>;
  readonly logger: Pick<Logger, 'debug'>;
}

/** The sources whose chunks age: those of the config by their own value, retired ones by the global one; 0 = never. Pure. */
export const ageingSources = (config: Config, retired: readonly string[]): readonly AgeingSource[] =>
  [
    ...Object.keys(config.sources).map((id) => ({
      id,
      ageingMs: resolveSource(config, id).queue.agingSeconds * 1_000,
    })),
    ...retired.map((id) => ({ id, ageingMs: config.queue.agingSeconds * 1_000 })),
  ].filter(({ ageingMs }) => ageingMs > 0);

/** Time between two rounds: as long as the quickest source takes to rise, between 1 and 5 s. Pure. */
export const ageingIntervalMs = (sources: readonly AgeingSource[]): number =>
  Math.max(1_000, Math.min(longestIntervalMs, ...sources.map(({ ageingMs }) => ageingMs)));

/** Makes the act of one round. A round that ran out of moves is followed by one that begins with the source it ended at. */
export const createAgeing = (
  deps: RaiseDeps,
  sources: readonly AgeingSource[],
): ((signal: AbortSignal) => Promise<void>) => {
  const cursors = new Map<string, number>();
  let first = 0;

  /** Raises chunks of one source; gives how many moves of the round are left. */
  const raiseOne = async (source: AgeingSource, moves: number, signal: AbortSignal): Promise<number> => {
    let left = moves;
    let cursor: number | null = cursors.get(source.id) ?? 0;
    for (let page = 0; page < pagesPerRound && cursor !== null && left > 0; page += 1) {
      signal.throwIfAborted();
      const found = await deps.readPage(source, cursor, Math.min(chunksPerPage, left));
      if (found.aged.length > 0) {
        left -= found.aged.length;
        const raised = await deps.raise(source.id, found.aged);
        deps.logger.debug({ sourceId: source.id, raised }, 'chunks that have waited long rise by their age');
      }
      cursor = found.next;
    }
    if (cursor === null) cursors.delete(source.id);
    else cursors.set(source.id, cursor);
    return left;
  };

  return async (signal) => {
    let left = raisesPerRound;
    for (let at = 0; at < sources.length && left > 0; at += 1) {
      const place = (first + at) % sources.length;
      const source = sources[place];
      if (source !== undefined) left = await raiseOne(source, left, signal);
      if (left <= 0) first = place;
    }
  };
};
