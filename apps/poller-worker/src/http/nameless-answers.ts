// Requests of which nothing has to be remembered: their answers have no version to ask by, and their source keeps none in
// the cache. What is known of one is known by this process alone, so that such a source costs Redis nothing.

/** So long it is believed, in milliseconds: another process may have seen an answer with a version meanwhile. */
const believedMs = 600_000;

/** Requests that are known of. */
const most = 5_000;

/** The requests of one process, by source and name. */
export interface NamelessAnswers {
  has(sourceId: string, request: string): boolean;
  /** Its last answer had no version, and the marks say that nothing is used up. */
  add(sourceId: string, request: string): void;
  delete(sourceId: string, request: string): void;
}

/** Creates it. `now`: milliseconds that only grow. */
export const createNamelessAnswers = (now: () => number): NamelessAnswers => {
  const until = new Map<string, number>();
  const keyOf = (sourceId: string, request: string): string => `${sourceId} ${request}`;
  return {
    has: (sourceId, request) => now() < (until.get(keyOf(sourceId, request)) ?? Number.NEGATIVE_INFINITY),
    add: (sourceId, request) => {
      const key = keyOf(sourceId, request);
      until.delete(key);
      until.set(key, now() + believedMs);
      const oldest = until.size > most ? until.keys().next().value : undefined;
      if (oldest !== undefined) until.delete(oldest);
    },
    delete: (sourceId, request) => void until.delete(keyOf(sourceId, request)),
  };
};
