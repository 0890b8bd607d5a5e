// A source of type http and answers for it, for tests: the source as the config gives it, the answers from a function.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { EmptyAnswerError } from '../../../src/http/empty-answer-error.ts';
import { parseExactJson } from '../../../src/http/exact-json.ts';
import type { HttpClient, HttpRequest, HttpResponse, Receipt } from '../../../src/http/http-client.ts';
import { answerInMemory } from '../../../src/http/whole-answer.ts';
import { createHttp } from '../../../src/sources/http.ts';
import type { Page, PollContext, Source } from '../../../src/sources/source.ts';
import { resolvedSource } from '../resolved-source.ts';

/** Beside the body, what an answer may have. */
interface Given {
  readonly body: string | Buffer | object;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly unchanged?: 'not_modified' | 'cached';
}

export type Answers = (request: HttpRequest, number: number) => Given | Error;

const responseOf = (request: HttpRequest, { body, status = 200, headers = {}, unchanged }: Given): HttpResponse => {
  const bytes =
    typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const receipt: Receipt = { request: request.url.href, answer: 'hash' };
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65_536) blocks.push(bytes.subarray(at, at + 65_536));
  return {
    status,
    headers,
    unchanged: unchanged ?? null,
    receipt: () => receipt,
    charge: async () => {},
    receivedAtMs: 0,
    body: (async function* () {
      yield bytes;
    })(),
    whole: async () => answerInMemory(blocks),
    text: async () => bytes.toString('utf8'),
    json: async () => {
      if (bytes.length === 0) throw new EmptyAnswerError('the answer has no byte');
      try {
        return parseExactJson(bytes.toString('utf8').replace(/^\uFEFF/, ''));
      } catch {
        throw new StreamManagerError('response_unreadable', 'the answer is no JSON');
      }
    },
  };
};

interface Polled {
  readonly pages: readonly Page[];
  readonly records: Page['records'];
  readonly invalid: Page['invalid'];
  readonly requests: readonly HttpRequest[];
  readonly error: unknown;
}

export interface Api {
  readonly source: ResolvedSource;
  readonly connector: Source;
  /** Polls; after `cutAfter` pages the poll is left, as when it was killed. */
  readonly poll: (answers: Answers, context?: Partial<PollContext>, cutAfter?: number) => Promise<Polled>;
}

/** The tick of polls that say nothing else. */
export const tickMs = Date.parse('2025-07-04T18:00:00Z');

/** A source with these params beside `id` and a time `t` in seconds. */
export const anApi = (
  params: Readonly<Record<string, unknown>> = {},
  entry: Readonly<Record<string, unknown>> = {},
  variables: readonly string[] = [],
): Api => {
  const source = resolvedSource({
    type: 'http',
    baseUrl: 'https://api.example.org',
    ...entry,
    params: { format: 'json', id: 'id', time: 't', timeFormat: 'unix_s', ...params },
  });
  const connector = createHttp({ variables })(source);
  return {
    source,
    connector,
    poll: async (answers, given = {}, cutAfter = Number.POSITIVE_INFINITY) => {
      const pages: Page[] = [];
      const requests: HttpRequest[] = [];
      let error: unknown = null;
      const http: HttpClient = {
        fetch: async (request) => {
          requests.push(request);
          const answer = answers(request, requests.length);
          if (answer instanceof Error) throw answer;
          return responseOf(request, answer);
        },
      };
      const context = {
        source,
        position: null,
        scheduledFor: tickMs,
        cursor: null,
        window: { sinceMs: null, untilMs: tickMs },
        isBackfill: false,
        maxInvalidShare: 0.5,
        http: { ...http, useUp: async () => {}, distrust: async () => {} },
        signal: new AbortController().signal,
        ...given,
      };
      try {
        for await (const page of connector.poll(context)) {
          pages.push(page);
          if (pages.length === cutAfter) break;
        }
      } catch (thrown) {
        error = thrown;
      }
      const records = pages.flatMap((page) => page.records);
      return { pages, records, invalid: pages.flatMap((page) => page.invalid), requests, error };
    },
  };
};

/** Rows with ids from `from` on, each a second later than the one before. */
export const rowsFrom = (from: number, count: number): readonly { readonly id: number; readonly t: number }[] =>
  Array.from({ length: count }, (_row, at) => ({ id: from + at, t: 1_700_000_000 + from + at }));

export const idsOf = ({ records }: { readonly records: Page['records'] }): readonly number[] =>
  records.map(({ naturalKey }) => Number(naturalKey));
