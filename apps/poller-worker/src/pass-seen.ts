// What a pass has met on its pages so far, all of its runs together: how many rows, what is newest, whether there was any news,
// and what it hands on to the passes after it. Pure; it is stored with the pass.
import type { PreparedRows } from './admission/prepare.ts';
import type { Page } from './sources/source.ts';

/** What the pages of a pass were. */
export interface PassSeen {
  /** `ok`: a page had to be looked through; otherwise why none had; null: there was none yet. */
  readonly outcome: 'ok' | 'not_modified' | 'cached' | null;
  /** Records and invalid rows, before dedupe; null: not known, because a page was unchanged or read a second time. */
  readonly rows: number | null;
  /** In milliseconds since the epoch; null: no page had records. */
  readonly newestObservedAtMs: number | null;
  /** The last cursor that a page gave; absent: none gave one. */
  readonly cursor?: unknown;
  /** Newcomers were refused that a later answer may bring again: nothing of the pass counts as used up. */
  readonly isRefused: boolean;
}

/** Before the first page. */
export const nothingSeen: PassSeen = { outcome: null, rows: 0, newestObservedAtMs: null, isRefused: false };

/** A page that was admitted. */
export interface SeenPage {
  readonly page: Page;
  readonly rows: PreparedRows;
  /** It is the first one after a cut: of an answer in several pages, some may have been counted before. */
  readonly isResumed: boolean;
}

/** Adds a page. */
export const seePage = (seen: PassSeen, { page, rows, isResumed }: SeenPage): PassSeen => {
  const isCounted = page.unchanged === undefined && !(isResumed && page.isPart === true);
  return {
    ...seen,
    outcome: outcomeOf(seen.outcome, page.unchanged ?? 'ok'),
    rows: seen.rows === null || !isCounted ? null : seen.rows + page.records.length + page.invalid.length,
    newestObservedAtMs: newer(seen.newestObservedAtMs, rows.newestObservedAtMs),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
};

const newer = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

const outcomeOf = (
  before: PassSeen['outcome'],
  page: 'ok' | 'not_modified' | 'cached',
): Exclude<PassSeen['outcome'], null> => {
  if (before === null || before === page) return page;
  // Some came from the cache, the provider was asked for the others.
  return before === 'ok' || page === 'ok' ? 'ok' : 'not_modified';
};

/** Reads what was stored with a pass; null if it is nothing of ours. */
export const readSeen = (stored: unknown): PassSeen | null => {
  if (typeof stored !== 'object' || stored === null) return null;
  // Every field is looked at below.
  const fields = stored as Partial<Record<keyof PassSeen, unknown>>;
  const { outcome, rows, newestObservedAtMs, isRefused } = fields;
  const isOutcome = outcome === null || outcome === 'ok' || outcome === 'not_modified' || outcome === 'cached';
  if (!isOutcome || typeof isRefused !== 'boolean') return null;
  if (![rows, newestObservedAtMs].every((value) => value === null || typeof value === 'number')) return null;
  return stored as PassSeen;
};
