// Where a poll is in the pages of its source, and where it goes on: pure. A place is kept as the poll's position, so that
// one that was cut off goes on at its page; it holds no secret.
import type { HttpParams } from '@stream-manager/shared/config/source-params/http';

/** A page. */
export type Place =
  | { readonly kind: 'only' }
  /** Path and query below `baseUrl`. */
  | { readonly kind: 'link'; readonly url: string }
  | { readonly kind: 'cursor'; readonly next: string | number | null }
  | { readonly kind: 'page'; readonly page: number }
  | { readonly kind: 'offset'; readonly offset: number };

/** What is known of a page that was read. */
export interface PageFacts {
  /** Rows of it, valid or not. */
  readonly rows: number;
  /** The next address below `baseUrl`, if the answer gave one. */
  readonly link: string | null;
  /** The next value, if the answer gave one. */
  readonly next: string | number | null;
  /** What the answer says of there being more; null: nothing. */
  readonly more: boolean | null;
}

type Pagination = HttpParams['pagination'];

/** The first page. */
export const firstPlace = ({ kind, start }: Pagination): Place => {
  switch (kind) {
    case 'none':
    case 'link':
      return { kind: 'only' };
    case 'cursor':
      return { kind, next: null };
    case 'page':
      return { kind, page: start ?? 1 };
    case 'offset':
      return { kind, offset: start ?? 0 };
  }
};

/** The page behind one that was read; null: it was the last. */
export const nextPlace = (
  pagination: Pagination,
  place: Place,
  { rows, link, next, more }: PageFacts,
): Place | null => {
  const { kind, size } = pagination;
  if (kind === 'none' || more === false) return null;
  // Some APIs give a link for ever: behind a page without rows there is nothing.
  if (kind === 'link') return link === null || rows === 0 ? null : { kind, url: link };
  if (kind === 'cursor') {
    // Some APIs give a value for ever, too: a page without rows that names itself is the last. Another value behind one is
    // followed, since an API that filters gives pages without rows in between.
    const isItself = rows === 0 && place.kind === kind && String(place.next) === String(next);
    return next === null || isItself ? null : { kind, next };
  }
  // An answer that says there is more is believed, but not for a page without rows.
  const isFull = rows > 0 && (more === true || size === undefined || rows >= size);
  if (!isFull) return null;
  if (place.kind === 'page') return { kind: 'page', page: place.page + 1 };
  if (place.kind !== 'offset') return null;
  // A page that holds more than it was asked for holds some of the next one, or some rows twice.
  return { kind: 'offset', offset: place.offset + Math.min(rows, size ?? rows) };
};

/** Reads a place that was kept; null if it is none of this source's, whose config may have changed. */
export const readPlace = (kept: unknown, { kind }: Pagination): Place | null => {
  if (typeof kept !== 'object' || kept === null || !('kind' in kept)) return null;
  if (kept.kind === 'only') return kind === 'none' || kind === 'link' ? { kind: 'only' } : null;
  if (kept.kind !== kind) return null;
  if (kind === 'link' && 'url' in kept && typeof kept.url === 'string' && kept.url.startsWith('/'))
    return { kind, url: kept.url };
  if (kind === 'cursor' && 'next' in kept && isMark(kept.next)) return { kind, next: kept.next };
  if (kind === 'cursor' && 'next' in kept && kept.next === null) return { kind, next: null };
  if (kind === 'page' && 'page' in kept && typeof kept.page === 'number') return { kind, page: kept.page };
  return kind === 'offset' && 'offset' in kept && typeof kept.offset === 'number'
    ? { kind, offset: kept.offset }
    : null;
};

/** A value that a cursor can have. */
export const isMark = (value: unknown): value is string | number =>
  (typeof value === 'string' && value !== '' && value.length <= 4_096) ||
  (typeof value === 'number' && Number.isFinite(value));
