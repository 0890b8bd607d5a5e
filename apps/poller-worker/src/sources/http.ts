// Any API of JSON, GeoJSON, NDJSON or CSV, from config alone (docs/http-source.md). One poll is one pass over the pages
// of an answer; each page is admitted by itself, and a poll that was cut off goes on at its page. What is kept for the next
// pass (the largest value, or a token) is given with the last page only, so it does not matter which end an API begins at.
import type { HttpParams } from '@stream-manager/shared/config/source-params/http';
import { templatesOf } from '@stream-manager/shared/config/source-params/http';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { HttpStatusError } from '../http/http-status-error.ts';
import { createRedactor } from '../http/secrets.ts';
import { createMapper } from '../mapping/mapper.ts';
import { createPathReader } from '../mapping/read-path.ts';
import { answerPages } from './http/answer-pages.ts';
import { readAnswerRows } from './http/answer-rows.ts';
import { createRequestComposer } from './http/compose-request.ts';
import type { TemplateValues } from './http/fill-in.ts';
import type { Mark } from './http/high-water.ts';
import { createKeptRowParser } from './http/kept-row.ts';
import { createNextPageReader } from './http/next-page.ts';
import { firstPlace, isMark, nextPlace, type Place, readPlace } from './http/place.ts';
import { receiptsOf, unchangedPage } from './receipts.ts';
import type { Page, PollContext, SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

/**
 * Makes the connector of a source of type http; `variables` is what came into the config from the environment. Throws
 * `config_invalid` for params that the schema would refuse.
 */
export const createHttp =
  (deps: { readonly variables?: readonly string[] } = {}): SourceFactory =>
  (source) => {
    if (source.type !== 'http') throw unsupported(source, 'http');
    const { params } = source;
    const { pagination, cursor } = params;
    const composer = createRequestComposer(source, deps.variables);
    const redact = createRedactor(composer.secrets);
    const map = createMapper({ ...params, recordType: 'record' });
    const readMark = cursor?.max === undefined ? null : createPathReader(cursor.max);
    const readToken = cursor?.path === undefined ? null : createPathReader(cursor.path);
    const readNext = createNextPageReader(pagination, composer.withoutSecrets, redact);

    const poll = async function* (context: PollContext): AsyncGenerator<Page> {
      const { http, maxInvalidShare, isBackfill } = context;
      const kept = isMark(context.cursor) ? context.cursor : null;
      const from = readPosition(context.position, params);
      let place = from?.place ?? firstPlace(pagination);
      let high = from?.high ?? kept;
      const asked = new Set([JSON.stringify(place)]);
      let lastDigest = '';
      const cursorNow = (): Pick<Page, 'cursor'> =>
        cursor === undefined || isBackfill || high === null ? {} : { cursor: high };
      for (let pages = 1; ; pages += 1) {
        const request = composer.compose(place, valuesOf(params, context, place, kept));
        const response = await http.fetch(request).catch((error: unknown) => {
          if (isBehindLast(error, pagination.endStatus, place, pagination)) return null;
          throw error;
        });
        if (response === null) {
          yield { records: [], invalid: [], position: null, ...cursorNow() };
          return;
        }
        if (response.unchanged !== null) {
          yield { ...unchangedPage(response.unchanged, null), ...cursorNow() };
          return;
        }
        const answer = await readAnswerRows(response, params, redact);
        let next: Place | null = null;
        try {
          const said = readNext({ document: answer.document, headers: response.headers, url: request.url });
          const token = readToken?.(answer.document) ?? null;
          if (token !== null && !isMark(token))
            throw unreadable(`expected a text or a number at ${cursor?.path}, which is kept as the cursor`);
          const here: Position = { place, high };
          yield* answerPages(answer, {
            map,
            readMark,
            high,
            maxInvalidShare,
            redact,
            position: here,
            end: (summary) => {
              high = token ?? summary.high;
              next = nextPlace(pagination, place, { ...said, rows: summary.rows });
              if (next !== null) refuseLoop(next, asked, summary, lastDigest);
              lastDigest = summary.digest;
              const position: Position | null = next === null ? null : { place: next, high };
              return { position, ...receiptsOf(response), ...(position === null ? cursorNow() : {}) };
            },
          });
        } finally {
          await answer.close();
        }
        if (next === null) return;
        place = next;
        if (pages === pagination.maxPages)
          throw unreadable(
            `the answer has more than pagination.maxPages (${pagination.maxPages}) pages; what came is kept, and the next poll goes on there`,
          );
      }
    };

    const used = templatesOf(params);
    const canBackfill = used.has('since') && used.has('until') && cursor === undefined;
    return {
      poll,
      parseRow: createKeptRowParser(params, map),
      ...(canBackfill ? { backfill: { sliceMs: params.backfill.slice } } : {}),
    };
  };

/** Where a poll goes on. */
interface Position {
  readonly place: Place;
  readonly high: Mark | null;
}

const readPosition = (kept: unknown, { pagination }: HttpParams): Position | null => {
  if (typeof kept !== 'object' || kept === null || !('place' in kept)) return null;
  const place = readPlace(kept.place, pagination);
  if (place === null) return null;
  return { place, high: 'high' in kept && isMark(kept.high) ? kept.high : null };
};

const valuesOf = (
  { overlap, lookBack, cursor }: HttpParams,
  { window, isBackfill }: PollContext,
  place: Place,
  kept: Mark | null,
): TemplateValues => {
  const since = window.sinceMs === null ? window.untilMs - lookBack : window.sinceMs - (isBackfill ? 0 : overlap);
  return {
    since: Math.max(0, since),
    until: window.untilMs,
    cursor: kept ?? cursor?.initial ?? null,
    page: place.kind === 'page' ? place.page : null,
    offset: place.kind === 'offset' ? place.offset : null,
    next: place.kind === 'cursor' ? place.next : null,
  };
};

/** The status that the config says an API has for a page behind its last. */
const isBehindLast = (
  error: unknown,
  endStatus: number | undefined,
  place: Place,
  pagination: HttpParams['pagination'],
): boolean =>
  error instanceof HttpStatusError &&
  error.status === endStatus &&
  JSON.stringify(place) !== JSON.stringify(firstPlace(pagination));

/** Throws if the pages go round in a circle. */
const refuseLoop = (
  next: Place,
  asked: Set<string>,
  { rows, digest }: { readonly rows: number; readonly digest: string },
  lastDigest: string,
): void => {
  const key = JSON.stringify(next);
  if (asked.has(key))
    throw unreadable('the answer names a next page that was read already: its pages go round in a circle');
  asked.add(key);
  const isCounted = next.kind === 'page' || next.kind === 'offset';
  if (isCounted && rows > 0 && digest === lastDigest)
    throw unreadable('a page holds the same records as the one before it: does the API know pagination.parameter?');
};

const unreadable = (message: string): StreamManagerError => new StreamManagerError('response_unreadable', message);
