// Lets waiting chunks rise with their age, in rounds. One process of the fleet does it for all sources; every round has two
// bounds, of moves and of looks, so that queues of many thousand old chunks neither fill Redis nor hold up the other sources.
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import type { Config } from '@stream-manager/shared/config/schema';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { AgedChunk, AgedPage } from '@stream-manager/shared/queues/chunk-ageing';

/** Most chunks that one call to Redis looks at. */
export const chunksPerPage = 500;
/** Most pages of one source in a round; the next round goes on behind them. */
const pagesPerRound = 10;
/** Most jobs that one round moves, in all sources, some 19 µs of Redis each. */
export const raisesPerRound = 2_000;
/** Most chunks that one round looks at, in all sources, some 2 µs of Redis each: also those that stand right already. */
export const looksPerRound = 20_000;
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

/** What is left of a round. */
interface RoundLeft {
  readonly moves: number;
  readonly looks: number;
}

/** Makes the act of one round. One that ran out, or met an error, is followed by one that begins behind the source it ended at. */
export const createAgeing = (
  deps: RaiseDeps,
  sources: readonly AgeingSource[],
): ((signal: AbortSignal) => Promise<void>) => {
  const cursors = new Map<string, number>();
  let first = 0;

  /** Raises chunks of one source; gives what is left of the round. */
  const raiseOne = async (source: AgeingSource, before: RoundLeft, signal: AbortSignal): Promise<RoundLeft> => {
    let { moves, looks } = before;
    let cursor: number | null = cursors.get(source.id) ?? 0;
    for (let page = 0; page < pagesPerRound && cursor !== null && moves > 0 && looks > 0; page += 1) {
      signal.throwIfAborted();
      const found = await deps.readPage(source, cursor, Math.min(chunksPerPage, moves, looks));
      looks -= found.looks;
      if (found.aged.length > 0) {
        moves -= found.aged.length;
        const raised = await deps.raise(source.id, found.aged);
        deps.logger.debug({ sourceId: source.id, raised }, 'chunks that have waited long rise by their age');
      }
      cursor = found.next;
    }
    if (cursor === null) cursors.delete(source.id);
    else cursors.set(source.id, cursor);
    return { moves, looks };
  };

  return async (signal) => {
    let left: RoundLeft = { moves: raisesPerRound, looks: looksPerRound };
    const begun = first;
    for (let at = 0; at < sources.length && left.moves > 0 && left.looks > 0; at += 1) {
      const place = (begun + at) % sources.length;
      const source = sources[place];
      first = (place + 1) % sources.length;
      if (source !== undefined) left = await raiseOne(source, left, signal);
    }
  };
};
