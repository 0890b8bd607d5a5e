// The dead letters of the system, for operators: listed, shown, and in bulk replayed or discarded. Nothing here holds more
// than a page of them, however many there are.
import type { Redis } from 'ioredis';
import { type ActDeps, actOnLetters, type FailedAct, type LetterAct } from './act-on-letters.ts';
import { askSources, findByIds, type QueueOf, takeBatches, type WalkPart, walkLetters } from './find-letters.ts';
import { type LetterPlace, type LetterRange, writeCursor, writeRange } from './letter-order.ts';
import { type ActQuery, type LetterFilter, type ListQuery, maxLetters } from './letter-query.ts';
import { createLetterQueue } from './letter-queue.ts';
import { type LetterView, viewLetter, viewWholeLetter, type WholeLetterView } from './letter-view.ts';

/** The answer to a list. */
export interface LetterList {
  /** Letters that the filter means, whatever their state. */
  readonly total: number;
  /** Those of them that wait for their first run or are being replayed: they are counted, not listed. */
  readonly waiting: number;
  readonly deadLetters: readonly LetterView[];
  /** Cursor of the next page; null: this was the last. */
  readonly next: string | null;
}

/** The answer to an act. */
export interface ActReport {
  /** Letters that the act was for: those of this call, or with `dryRun` all that the filter means. */
  readonly matched: number;
  /** Letters it was done to. A replayed one is in the hands of the producers; if it fails again, it is a new letter. */
  readonly done: number;
  readonly failed: readonly FailedAct[];
  /** Letters of the chosen sources and code that wait for a run already: only failed ones can be acted on. */
  readonly waiting: number;
  /** Cursor for the rest; null: there is none. Letters that fail meanwhile are not in the rest, so it ends. */
  readonly next: string | null;
  /** Of a dry run: given to the act, it is done to no letter that was not counted. Null: none was, or it is an act. */
  readonly until: string | null;
}

/** Reads and acts. Rejects with what Redis answered, or when it does not answer. */
export interface DeadLetters {
  /** Every source that may have letters. */
  readonly sources: ReadonlySet<string>;
  list(query: ListQuery): Promise<LetterList>;
  /** Null: no such letter. */
  show(source: string, id: string): Promise<WholeLetterView | null>;
  act(act: LetterAct, query: ActQuery): Promise<ActReport>;
}

/** Letters whose data is read at a time, and after how many characters of it a page of a list ends early. */
const readAtOnce = 20;
const maxPageCharacters = 16_777_216;
/** Letters that are acted on at a time. */
const actedAtOnce = 100;

const untilOf = (range: LetterRange | null): string | null => (range === null ? null : writeRange(range));

/** The range of letters that lie in order. */
const rangeOf = (places: readonly LetterPlace[]): LetterRange | null => {
  const [newest] = places;
  return newest === undefined ? null : { newest, oldest: places.at(-1) ?? newest };
};

/** Creates them over the given sources: those of the config, and retired ones. */
export const createDeadLetters = (
  deps: ActDeps & { readonly redis: Redis },
  options: { readonly keyPrefix: string; readonly sources: readonly string[] },
): DeadLetters => {
  const queueOf: QueueOf = (source) => createLetterQueue(deps.redis, options.keyPrefix, source);
  const chosen = ({ source }: LetterFilter): readonly string[] => (source === undefined ? options.sources : [source]);
  const sumOver = async (filter: LetterFilter, count: (source: string) => Promise<number>): Promise<number> =>
    (await askSources(chosen(filter), count)).reduce((sum, one) => sum + one, 0);
  const countFailed = (filter: LetterFilter & { readonly until?: number }): Promise<number> =>
    sumOver(filter, (source) => queueOf(source).countFailed(filter));
  const countWaiting = (filter: LetterFilter): Promise<number> =>
    sumOver(filter, (source) => queueOf(source).countWaiting(filter));
  const walk = (filter: LetterFilter, part: WalkPart): AsyncGenerator<LetterPlace> =>
    walkLetters(queueOf, chosen(filter), filter, part);

  /** How many letters an act would be for, and where they lie; null: there are none. */
  const countRange = async ({
    filter,
    limit,
    cursor,
    until,
  }: ActQuery): Promise<{ matched: number; range: LetterRange } | null> => {
    let matched = 0;
    let newest: LetterPlace | null = null;
    let oldest: LetterPlace | null = null;
    // Without an end there is no need to go through them: Redis counts, and what fails from now on lies before the newest.
    const isOpen = limit === null && until === null && cursor === null;
    for await (const place of walk(filter, { cursor, within: until })) {
      newest ??= place;
      oldest = place;
      matched += 1;
      if (isOpen || matched === limit) break;
    }
    if (newest === null) return null;
    if (!isOpen) return { matched, range: { newest, oldest } };
    return { matched: await countFailed({ ...filter, until: newest.failedAt }), range: { newest, oldest: null } };
  };

  /** The letters at these places, in their order, and how many characters they have; one that is gone is left out. */
  const read = async (places: readonly LetterPlace[]): Promise<{ views: LetterView[]; characters: number }> => {
    const views = new Map<LetterPlace, LetterView>();
    let characters = 0;
    for (const [source, group] of Map.groupBy(places, (place) => place.source)) {
      const letters = await queueOf(source).read(group.map(({ id }) => id));
      for (const [index, place] of group.entries()) {
        const fields = letters[index];
        if (fields === undefined || (fields.name === null && fields.data === null)) continue;
        characters += fields.data?.length ?? 0;
        views.set(place, viewLetter(place, fields));
      }
    }
    return { views: places.flatMap((place) => views.get(place) ?? []), characters };
  };

  const actByIds = async (
    act: LetterAct,
    query: ActQuery,
    filter: LetterFilter & { readonly ids: readonly string[] },
    waiting: number,
  ): Promise<ActReport> => {
    const { found, missing } = await findByIds(queueOf, chosen(filter), filter, query.until);
    const places = found.slice(0, query.limit ?? maxLetters);
    const failed: FailedAct[] = missing.map((id) => ({
      id,
      source: null,
      error: 'there is no failed letter of this id',
    }));
    const errors = query.dryRun ? [] : await actOnLetters(deps, act, places);
    return {
      matched: places.length,
      done: query.dryRun ? 0 : places.length - errors.length,
      failed: [...failed, ...errors],
      waiting,
      next: null,
      until: query.dryRun ? untilOf(rangeOf(places)) : null,
    };
  };

  return {
    sources: new Set(options.sources),

    list: async ({ filter, limit, cursor }) => {
      const [failed, waiting] = await Promise.all([countFailed(filter), countWaiting(filter)]);
      const deadLetters: LetterView[] = [];
      let characters = 0;
      let next: string | null = null;
      for await (const { places, isLast } of takeBatches(walk(filter, { cursor, within: null }), {
        limit,
        size: readAtOnce,
      })) {
        const batch = await read(places);
        deadLetters.push(...batch.views);
        characters += batch.characters;
        const end = places.at(-1);
        next = isLast || end === undefined ? null : writeCursor(end);
        if (characters > maxPageCharacters) break;
      }
      return { total: failed + waiting, waiting, deadLetters, next };
    },

    show: async (source, id) => {
      if (!options.sources.includes(source)) return null;
      const queue = queueOf(source);
      // A key of another kind that stands beside the jobs (BullMQ's own) is no letter.
      if (!(await queue.has(id))) return null;
      const [[fields], [failedAt]] = await Promise.all([queue.read([id]), queue.failedAt([id])]);
      if (fields === undefined || fields.name === null) return null;
      return viewWholeLetter({ id, source }, fields, typeof failedAt === 'number' ? 'failed' : 'waiting');
    },

    act: async (act, query) => {
      const { filter, limit, cursor, until, dryRun } = query;
      const { ids } = filter;
      const waiting = await countWaiting(filter);
      if (ids !== undefined) return actByIds(act, query, { ...filter, ids }, waiting);
      if (dryRun) {
        const counted = await countRange(query);
        const answer = { matched: counted?.matched ?? 0, until: untilOf(counted?.range ?? null) };
        return { ...answer, done: 0, failed: [], waiting, next: null };
      }
      let matched = 0;
      let next: string | null = null;
      const failed: FailedAct[] = [];
      const batches = takeBatches(walk(filter, { cursor, within: until }), {
        limit: limit ?? maxLetters,
        size: actedAtOnce,
      });
      for await (const { places, isLast } of batches) {
        matched += places.length;
        failed.push(...(await actOnLetters(deps, act, places)));
        const end = places.at(-1);
        next = isLast || end === undefined ? null : writeCursor(end);
      }
      return { matched, done: matched - failed.length, failed, waiting, next, until: null };
    },
  };
};
