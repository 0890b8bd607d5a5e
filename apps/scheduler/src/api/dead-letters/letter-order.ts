// The order in which letters are listed and worked through: the newest failure first, over all sources. A cursor is a place
// in that order, not a number of letters, so that letters which come or go shift nothing: those that fail later stand
// before it, and a walk from it to the end always ends. A range is two places: the letters that a dry run has counted, and
// no others, as far as the clocks of the workers agree on when a letter failed.

/** Where a letter stands. */
export interface LetterPlace {
  /** When its job failed last, in milliseconds since the epoch. */
  readonly failedAt: number;
  readonly source: string;
  /** Job id. */
  readonly id: string;
}

// By code units: ids are ASCII, where this is the order of Redis, too.
const compareText = (a: string, b: string): number => {
  if (a === b) return 0;
  return a > b ? -1 : 1;
};

/** Below 0: `a` comes first. Pure. */
export const compareLetters = (a: LetterPlace, b: LetterPlace): number =>
  b.failedAt - a.failedAt || compareText(a.source, b.source) || compareText(a.id, b.id);

/** A cursor that stands behind a letter. */
export const writeCursor = ({ failedAt, source, id }: LetterPlace): string =>
  Buffer.from(`${failedAt}/${source}/${id}`, 'utf8').toString('base64url');

/** Reads a cursor; null for what is none. */
export const readCursor = (text: string): LetterPlace | null => {
  const parts = /^(\d{1,16})\/([^/]+)\/(.+)$/s.exec(Buffer.from(text, 'base64url').toString('utf8'));
  const [, failedAt, source, id] = parts ?? [];
  if (failedAt === undefined || source === undefined || id === undefined) return null;
  return { failedAt: Number(failedAt), source, id };
};

/** Letters from one place to another, both included. */
export interface LetterRange {
  readonly newest: LetterPlace;
  /** Null: to the end. */
  readonly oldest: LetterPlace | null;
}

/** Whether a letter lies in a range. Pure. */
export const isWithin = (place: LetterPlace, { newest, oldest }: LetterRange): boolean =>
  compareLetters(newest, place) <= 0 && (oldest === null || compareLetters(place, oldest) <= 0);

/** A range as a text. */
export const writeRange = ({ newest, oldest }: LetterRange): string =>
  oldest === null ? writeCursor(newest) : `${writeCursor(newest)}.${writeCursor(oldest)}`;

/** Reads a range; null for what is none. */
export const readRange = (text: string): LetterRange | null => {
  const [first = '', last, ...more] = text.split('.');
  const newest = readCursor(first);
  const oldest = last === undefined ? null : readCursor(last);
  if (newest === null || more.length > 0 || (last !== undefined && oldest === null)) return null;
  return { newest, oldest };
};

/** Where the walk of one source begins that goes on behind a place of all sources. */
export type WalkStart =
  | { readonly kind: 'newest' }
  /** With letters that failed at this time or before. */
  | { readonly kind: 'at'; readonly failedAt: number }
  /** Behind this letter. */
  | { readonly kind: 'behind'; readonly place: LetterPlace };

/** Where `source` goes on behind `cursor`. Pure. */
export const walkStartOf = (source: string, cursor: LetterPlace | null): WalkStart => {
  if (cursor === null) return { kind: 'newest' };
  if (source === cursor.source) return { kind: 'behind', place: cursor };
  // Of the same moment, sources behind the cursor's still have all, those before it have none left.
  const isBehind = compareText(cursor.source, source) < 0;
  return { kind: 'at', failedAt: isBehind ? cursor.failedAt : cursor.failedAt - 1 };
};
