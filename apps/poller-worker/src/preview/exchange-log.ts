// What a source asks and gets during a look at it: every exchange is noted, and its answer kept whole, so that it can be
// shown and saved. Nothing that is noted holds a secret: neither one of the config nor a token that was asked for.
import { isUtf8 } from 'node:buffer';
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import { readBlocks } from '../http/body.ts';
import type { HttpClient, HttpRequest, RequestStep } from '../http/http-client.ts';
import { HttpStatusError } from '../http/http-status-error.ts';
import type { JsonParser } from '../http/parse-large-json.ts';
import type { Redactor } from '../http/secrets.ts';
import { responseOfKept } from './kept-response.ts';

/** One exchange with a provider. */
export interface NotedExchange {
  readonly method: string;
  /** As the source asked for it. */
  readonly url: string;
  readonly requestBody: string | null;
  /** The requests that were really sent for it, with their answers: one, or more when it was redirected. */
  readonly steps: readonly Pick<RequestStep, 'method' | 'place' | 'status'>[];
  /** Of the last answer; null when none came. */
  readonly status: number | null;
  /** Of an answer that was taken; those that say nothing of who asked. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it came, decompressed, with secrets cut; null when no answer was taken. */
  readonly body: Buffer | null;
  /** Size of the answer that was taken, decompressed. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly error: NotedError | null;
}

/** Why no answer was taken. */
export interface NotedError {
  readonly code: string;
  readonly message: string;
  /** Beginning of a refusal's body. */
  readonly excerpt: string;
}

/** Headers of an answer that say something about it, and nothing about who asked. */
const toldHeaders = [
  'content-type',
  'link',
  'last-modified',
  'etag',
  'cache-control',
  'date',
  'retry-after',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'ratelimit',
];

const told = (headers: Readonly<Record<string, string>>, redact: Redactor): Record<string, string> =>
  Object.fromEntries(
    toldHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, redact(headers[name])]])),
  );

/** The address of a request as it may be shown; the same when the secret is not known and its variable stands there. */
export const shownUrl = (request: HttpRequest, redact: Redactor): string => redact(request.url.href);

/** Bytes that are no UTF-8 lose their secrets, too: those that consist of ASCII. */
const cutBytes = (bytes: Buffer, redact: Redactor): Buffer => {
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  return Buffer.from(redact(bytes.toString(encoding)), encoding);
};

/** A client that notes what goes through it. */
export const notingExchanges = (
  inner: HttpClient,
  deps: {
    readonly redact: Redactor;
    readonly now: () => number;
    readonly jsonParser: JsonParser;
    readonly signal: AbortSignal;
  },
): { readonly http: HttpClient; readonly exchanges: readonly NotedExchange[] } => {
  const { now, jsonParser, signal } = deps;
  const exchanges: NotedExchange[] = [];
  const fetch: HttpClient['fetch'] = async (request) => {
    const startedAt = now();
    const url = shownUrl(request, deps.redact);
    const steps: RequestStep[] = [];
    /** Knows the tokens that were shown, too. */
    const redact: Redactor = (text) => steps.reduce((rest, step) => step.redact(rest), deps.redact(text));
    const asked = () => ({
      method: request.method ?? 'GET',
      url,
      requestBody: request.body === undefined ? null : redact(request.body),
      steps: steps.map(({ method, place, status }) => ({ method, place: redact(place), status })),
      durationMs: now() - startedAt,
    });
    try {
      const response = await inner.fetch({ ...request, onStep: (step) => steps.push(step) });
      const { status, headers, receivedAtMs } = response;
      const bytes = Buffer.concat(await readBlocks(response.body));
      const body = cutBytes(bytes, redact);
      exchanges.push({ ...asked(), status, headers: told(headers, redact), body, bytes: bytes.length, error: null });
      return responseOfKept({ status, headers, bytes, receivedAtMs }, { place: url, redact, jsonParser, signal });
    } catch (error) {
      const isRefusal = error instanceof HttpStatusError;
      exchanges.push({
        ...asked(),
        status: isRefusal ? error.status : null,
        headers: {},
        body: null,
        bytes: 0,
        error: {
          code: codeOf(error) ?? 'error',
          message: redact(messageOf(error)),
          excerpt: isRefusal ? redact(error.excerpt) : '',
        },
      });
      throw error;
    }
  };
  return { http: { fetch }, exchanges };
};
