// What an answer says of the page behind it: a link in it or in its headers, a value, or whether there is more.
import type { HttpParams } from '@stream-manager/shared/config/source-params/http';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { excerptOf, type Redactor } from '../../http/secrets.ts';
import { createPathReader } from '../../mapping/read-path.ts';
import { isMark, type PageFacts } from './place.ts';

/** Reads what an answer says of its next page. */
export type NextPageReader = (answer: {
  readonly document: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from: links are relative to it. */
  readonly url: URL;
}) => Omit<PageFacts, 'rows'>;

const nothing = { link: null, next: null, more: null } as const;

/** `keep`: an address as it may be kept. The reader throws `response_unreadable` for what leads elsewhere, or is no value. */
export const createNextPageReader = (
  { kind, path, more }: HttpParams['pagination'],
  keep: (url: URL) => string,
  redact: Redactor,
): NextPageReader => {
  const readPath = path === undefined ? null : createPathReader(path);
  const readMore = more === undefined ? null : createPathReader(more);
  const refused = (expected: string, found: unknown): StreamManagerError =>
    new StreamManagerError(
      'response_unreadable',
      `${expected}, found ${excerptOf(JSON.stringify(found) ?? '', redact)}`,
    );

  const moreOf = (document: unknown): boolean | null => {
    const value = readMore?.(document) ?? null;
    if (value === null) return null;
    if (typeof value === 'boolean') return value;
    // 0 and 1, and the number of pages or records that are left.
    if (typeof value === 'number') return value > 0;
    if (value === 'true' || value === 'false') return value === 'true';
    throw refused(`expected true or false at ${more}`, value);
  };

  return ({ document, headers, url }) => {
    if (kind === 'none') return nothing;
    if (kind === 'link') {
      const given = readPath === null ? linkHeader(headers['link']) : (readPath(document) ?? null);
      if (given === null || given === '' || given === false) return nothing;
      const link = typeof given === 'string' ? sameOrigin(given, url) : null;
      if (link === null) throw refused(`expected the next page at ${url.origin}`, given);
      return { ...nothing, link: keep(link) };
    }
    const next = kind === 'cursor' ? (readPath?.(document) ?? null) : null;
    if (next !== null && next !== '' && next !== false && !isMark(next))
      throw refused(`expected a text or a number for the next page at ${path}`, next);
    return { link: null, next: isMark(next) ? next : null, more: moreOf(document) };
  };
};

/** A link inside the origin. APIs behind a proxy often write http for https: that is the same place, asked for as we do. */
const sameOrigin = (given: string, from: URL): URL | null => {
  const url = URL.parse(given, from.href);
  if (url === null || url.username !== '' || url.password !== '') return null;
  if (url.origin === from.origin) return url;
  const isDowngraded = url.protocol === 'http:' && from.protocol === 'https:' && url.port === '' && from.port === '';
  return isDowngraded && url.hostname === from.hostname ? new URL(`${url.pathname}${url.search}`, from.origin) : null;
};

/** The address with rel="next" in a Link header; null without one. */
const linkHeader = (header: string | undefined): string | null => {
  for (const [, address = '', parameters = ''] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters);
    const words = (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/);
    if (words.includes('next')) return address;
  }
  return null;
};
