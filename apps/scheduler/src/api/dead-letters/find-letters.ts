// Finds failed letters over one or all sources, newest first. A source without any is not walked; the others are merged
// place by place, so that no more than a page of each is ever in memory.
import {
  compareLetters,
  isWithin,
  type LetterPlace,
  type LetterRange,
  type WalkStart,
  walkStartOf,
} from './letter-order.ts';
import type { LetterFilter } from './letter-query.ts';
import type { LetterQueue } from './letter-queue.ts';

/** The queue of a source. */
export type QueueOf = (source: string) => LetterQueue;

/** Sources whose queues are read at the same time. */
const sourcesAtOnce = 16;

/** Asks `ask` of every source, a few at a time. */
export const askSources = async <T>(sources: readonly string[], ask: (source: string) => Promise<T>): Promise<T[]> => {
  const answers: T[] = [];
  for (let from = 0; from < sources.length; from += sourcesAtOnce)
    answers.push(...(await Promise.all(sources.slice(from, from + sourcesAtOnce).map(ask))));
  return answers;
};

/** Merges walks that are each in order. */
async function* merge(walks: readonly AsyncGenerator<LetterPlace>[]): AsyncGenerator<LetterPlace> {
  const heads: { place: LetterPlace; readonly walk: AsyncGenerator<LetterPlace> }[] = [];
  for (const walk of walks) {
    const first = await walk.next();
    if (!first.done) heads.push({ place: first.value, walk });
  }
  for (;;) {
    const [first, ...others] = heads;
    if (first === undefined) return;
    const next = others.reduce((best, head) => (compareLetters(head.place, best.place) < 0 ? head : best), first);
    yield next.place;
    const following = await next.walk.next();
    if (following.done) heads.splice(heads.indexOf(next), 1);
    else next.place = following.value;
  }
}

/** Letters by their ids, in order, those of a range only; `missing` = ids that no chosen source has among its failed letters. */
export const findByIds = async (
  queueOf: QueueOf,
  sources: readonly string[],
  filter: LetterFilter & { readonly ids: readonly string[] },
  within: LetterRange | null,
): Promise<{ readonly found: readonly LetterPlace[]; readonly missing: readonly string[] }> => {
  const missing = new Set(filter.ids);
  const found: LetterPlace[] = [];
  await askSources(sources, async (source) => {
    const queue = queueOf(source);
    const times = await queue.failedAt(filter.ids);
    const places = filter.ids.flatMap((id, index): LetterPlace[] => {
      const failedAt = times[index] ?? null;
      return failedAt === null ? [] : [{ failedAt, source, id }];
    });
    for (const { id } of places) missing.delete(id);
    const recent = places.filter(
      (place) => place.failedAt >= (filter.since ?? 0) && (within === null || isWithin(place, within)),
    );
    const { code } = filter;
    const names = code === undefined || recent.length === 0 ? [] : await queue.read(recent.map(({ id }) => id));
    found.push(...recent.filter((_, index) => code === undefined || names[index]?.name === code));
  });
  return { found: found.toSorted(compareLetters), missing: [...missing] };
};

/** Which part of the letters is walked through. */
export interface WalkPart {
  /** Behind this place; null: from the newest. */
  readonly cursor: LetterPlace | null;
  /** Only these; null: to the end. */
  readonly within: LetterRange | null;
}

/** Walks the failed letters that a filter without ids means. */
export async function* walkLetters(
  queueOf: QueueOf,
  sources: readonly string[],
  filter: Omit<LetterFilter, 'ids'>,
  { cursor, within }: WalkPart,
): AsyncGenerator<LetterPlace> {
  const counts = await askSources(sources, (source) =>
    queueOf(source).countFailed(filter.since === undefined ? {} : { since: filter.since }),
  );
  const holding = sources.filter((_, index) => (counts[index] ?? 0) > 0);
  const since = Math.max(filter.since ?? 0, within?.oldest?.failedAt ?? 0);
  const walks = holding.map((source) => {
    const start: WalkStart =
      cursor === null && within !== null
        ? { kind: 'at', failedAt: within.newest.failedAt }
        : walkStartOf(source, cursor);
    return queueOf(source).walk(start, { ...filter, since });
  });
  for await (const place of merge(walks)) if (within === null || isWithin(place, within)) yield place;
}

/** Up to `limit` places of a walk, in batches. `isLast`: the walk has no more; a batch is given after a look beyond it. */
export async function* takeBatches(
  walk: AsyncGenerator<LetterPlace>,
  { limit, size }: { readonly limit: number; readonly size: number },
): AsyncGenerator<{ readonly places: readonly LetterPlace[]; readonly isLast: boolean }> {
  let places: LetterPlace[] = [];
  let taken = 0;
  for await (const place of walk) {
    if (places.length === size || taken === limit) {
      yield { places, isLast: false };
      if (taken === limit) return;
      places = [];
    }
    places.push(place);
    taken += 1;
  }
  if (places.length > 0) yield { places, isLast: true };
}
