// What a source asks and gets during a look at it: every exchange is noted, and its answer kept whole, so that it can be
// shown and saved. Nothing that is noted holds a secret.
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import type { HttpClient, HttpRequest } from '../http/http-client.ts';
import { HttpStatusError } from '../http/http-status-error.ts';
import type { Redactor } from '../http/secrets.ts';
import { readAll, responseOfKept } from './kept-response.ts';

/** One exchange with a provider. */
export interface NotedExchange {
  readonly method: string;
  /** With secrets cut. */
  readonly url: string;
  readonly requestBody: string | null;
  /** Null when no answer came. */
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** As it came, decompressed; null when there is none. */
  readonly body: Buffer | null;
  readonly durationMs: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Headers of an answer that say something about it, and nothing about who asked. */
const toldHeaders = ['content-type', 'link', 'last-modified', 'etag', 'date', 'retry-after', 'x-ratelimit-remaining'];

const told = (headers: Readonly<Record<string, string>>, redact: Redactor): Record<string, string> =>
  Object.fromEntries(
    toldHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, redact(headers[name])]])),
  );

/** The address of a request as it may be shown; the same when the secret is not known and its variable stands there. */
export const shownUrl = (request: HttpRequest, redact: Redactor): string => redact(request.url.href);

/** A client that notes what goes through it. */
export const notingExchanges = (
  inner: HttpClient,
  deps: { readonly redact: Redactor; readonly now: () => number },
): { readonly http: HttpClient; readonly exchanges: readonly NotedExchange[] } => {
  const { redact, now } = deps;
  const exchanges: NotedExchange[] = [];
  const fetch: HttpClient['fetch'] = async (request) => {
    const startedAt = now();
    const url = shownUrl(request, redact);
    const asked = {
      method: request.method ?? 'GET',
      url,
      requestBody: request.body === undefined ? null : redact(request.body),
    };
    try {
      const response = await inner.fetch(request);
      const bytes = await readAll(response.body);
      exchanges.push({
        ...asked,
        status: response.status,
        headers: told(response.headers, redact),
        body: bytes,
        durationMs: now() - startedAt,
        error: null,
      });
      return responseOfKept({ status: response.status, headers: response.headers, bytes }, url, response.receivedAtMs);
    } catch (error) {
      exchanges.push({
        ...asked,
        status: error instanceof HttpStatusError ? error.status : null,
        headers: {},
        body: null,
        durationMs: now() - startedAt,
        error: { code: codeOf(error) ?? 'error', message: redact(messageOf(error)) },
      });
      throw error;
    }
  };
  return { http: { fetch }, exchanges };
};
