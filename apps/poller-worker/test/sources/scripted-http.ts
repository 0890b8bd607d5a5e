// An HTTP client that answers from a table, for tests of what a source makes of answers.

import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { HttpClient, HttpRequest, HttpResponse } from '../../src/http/http-client.ts';
import { HttpStatusError } from '../../src/http/http-status-error.ts';
import { answerInMemory } from '../../src/http/whole-answer.ts';
import type { Page, PollContext, Source } from '../../src/sources/source.ts';

export interface ScriptedHttp extends HttpClient {
  readonly requests: HttpRequest[];
}

/** An answer as text, as JSON, or a failure. */
export type Scripted = string | Buffer | object | Error;

export const createScriptedHttp = (
  answer: (path: string, request: HttpRequest) => Scripted | Promise<Scripted>,
): ScriptedHttp => {
  const requests: HttpRequest[] = [];
  return {
    requests,
    fetch: async (request) => {
      requests.push(request);
      const given = await answer(`${request.url.pathname}${request.url.search}`, request);
      if (given instanceof Error) throw given;
      const bytes =
        typeof given === 'string' || Buffer.isBuffer(given) ? Buffer.from(given) : Buffer.from(JSON.stringify(given));
      return responseOf(bytes);
    },
  };
};

const responseOf = (bytes: Buffer): HttpResponse => ({
  status: 200,
  headers: {},
  unchanged: null,
  receipt: () => null,
  charge: async () => {},
  receivedAtMs: 0,
  body: (async function* () {
    yield bytes;
  })(),
  whole: async () => answerInMemory(bytes.length === 0 ? [] : [bytes]),
  text: async () => bytes.toString('utf8'),
  json: async () => {
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      throw new StreamManagerError('response_unreadable', 'no JSON');
    }
  },
});

/** The same client whose answers have receipts; those of `known` addresses (path and query) bring no news. */
export const withReceipts = (http: HttpClient, known: readonly string[] = []): HttpClient => ({
  fetch: async (request) => {
    const response = await http.fetch(request);
    const address = `${request.url.pathname}${request.url.search}`;
    return known.includes(address)
      ? { ...response, unchanged: 'not_modified', json: refuseToRead, text: refuseToRead, whole: refuseToRead }
      : { ...response, receipt: () => ({ request: address, answer: 'its hash' }) };
  },
});

const refuseToRead = (): never => {
  throw new Error('an answer without news has no body to read');
};

/** A refusal by status, as the real client throws it. */
export const statusError = (status: number, excerpt = ''): HttpStatusError =>
  new HttpStatusError(
    status === 429 ? 'rate_limited' : status === 403 ? 'credentials_refused' : 'fetch_status',
    `answered ${status}: ${excerpt}`,
    { status, excerpt },
  );

/** All pages of a poll, and what ended it. */
export const pollAll = async (
  connector: Source,
  source: ResolvedSource,
  http: HttpClient,
  position: unknown = null,
  given: Partial<PollContext> = {},
): Promise<{ pages: Page[]; records: Page['records']; invalid: Page['invalid']; error: unknown }> => {
  const pages: Page[] = [];
  let error: unknown = null;
  try {
    const signal = new AbortController().signal;
    const window = { sinceMs: null, untilMs: 0 };
    const first = { source, position, scheduledFor: 0, cursor: null, window, isBackfill: false };
    const context = { ...first, maxInvalidShare: 0.5, http, signal, ...given };
    for await (const page of connector.poll(context)) pages.push(page);
  } catch (thrown) {
    error = thrown;
  }
  return {
    pages,
    records: pages.flatMap((page) => page.records),
    invalid: pages.flatMap((page) => page.invalid),
    error,
  };
};
