// The HTTP client of all sources, on undici. One GET is: leave from the host's share and the fleet's rate limit, the exchange, redirects
// inside the same origin (each a request of its own for the limit), and the meaning of the status.
// No error and no log line that leaves this file holds a secret of the request.
import { tmpdir } from 'node:os';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { Agent, type Dispatcher } from 'undici';
import { acceptEncoding, readBeginning } from './body.ts';
import { type Answer, exchange, placeOf } from './exchange.ts';
import type { HostShares } from './host-share.ts';
import type { HttpRequest, HttpResponse, PollHttp } from './http-client.ts';
import { HttpStatusError } from './http-status-error.ts';
import { unlessStopped, waitForLeave } from './permit.ts';
import type { RateLimit } from './rate-limit.ts';
import { bodyReaders } from './read-answer.ts';
import { parseRetryAfter } from './retry-after.ts';
import { createRedactor, excerptOf, type Redactor, secretHeaderValues } from './secrets.ts';
import { rateLimitTarget } from './target.ts';
import { type Spool, spoolAboveBytes } from './whole-answer.ts';

/** What one exchange cost, for metrics. */
export interface ExchangeFacts {
  readonly sourceId: string;
  /** Null when no answer came. */
  readonly status: number | null;
  /** From the request's start to the end of the answer's body. */
  readonly durationMs: number;
}

export interface HttpClientOptions {
  readonly rateLimit: RateLimit;
  readonly hostShares: HostShares;
  /** Bound of one answer after decompression (`polling.maxResponseBytes`). */
  readonly maxResponseBytes: number;
  /** Where large answers are kept until they are used up; default above 16 MiB, in the system's temporary directory. */
  readonly spool?: Spool;
  /** See `composeUserAgent`. A `User-Agent` among a source's own headers wins. */
  readonly userAgent: string;
  /** Requests per minute of a source's target; default its own value. See `limitFor`. */
  readonly limitOf?: (source: ResolvedSource) => number;
  /** Where requests go out; default an agent of our own, which `close` ends. */
  readonly dispatcher?: Dispatcher;
  /** How long a request may wait for the rate limit inside the client, where it holds the poll's slot, in milliseconds. Default 250. */
  readonly maxWaitMs?: number;
  readonly now?: () => number;
  readonly logger?: Logger;
  readonly onExchange?: (facts: ExchangeFacts) => void;
}

export interface HttpClients {
  /**
   * The client of one poll: bound to the source's headers, timeout and limit, ended by the signal. `progress` is called
   * for a permit, the beginning and end of an answer, and every piece of it.
   */
  forPoll(poll: {
    readonly source: ResolvedSource;
    readonly signal: AbortSignal;
    readonly progress?: () => void;
    /** It fetches the past: nothing of it is remembered, and nothing that is remembered answers it. Default false. */
    readonly isBackfill?: boolean;
  }): PollHttp;
  /** Ends idle connections after the exchanges that still go on. Idempotent. */
  close(): Promise<void>;
}

const maxRedirects = 5;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/** How much of an error's body is looked at, in bytes. */
const errorBodyBytes = 4096;

/** Header names come as operators spell them; the last one of a name wins. An empty one is none: NWS would refuse it. */
const mergeHeaders = (...layers: readonly Readonly<Record<string, string>>[]): Record<string, string> => {
  const merged: Record<string, string> = {};
  for (const layer of layers)
    for (const [name, value] of Object.entries(layer)) if (value !== '') merged[name.toLowerCase()] = value;
  return merged;
};

/** Where a redirect leads, or null when it leaves the origin or cannot be read. */
const redirectTarget = (from: URL, location: string | undefined): URL | null => {
  const to = location === undefined ? null : URL.parse(location, from.href);
  if (to === null || to.origin !== from.origin || to.username !== '' || to.password !== '') return null;
  return to;
};

/** Creates the client of this process. */
export const createHttpClient = (options: HttpClientOptions): HttpClients => {
  const { rateLimit, maxResponseBytes, logger } = options;
  const { maxWaitMs = 250, now = Date.now, limitOf = (source) => source.rateLimitPerMinute } = options;
  const { spool = { aboveBytes: spoolAboveBytes, directory: tmpdir() } } = options;
  const dispatcher = options.dispatcher ?? new Agent({ allowH2: false });

  const forPoll: HttpClients['forPoll'] = ({ source, signal, progress = () => {} }) => {
    const timeoutMs = source.timeoutMs;
    const shares = options.hostShares.forPoll({ isUrgent: source.priority === 'critical', signal });

    const send = async (
      url: URL,
      headers: Readonly<Record<string, string>>,
      request: HttpRequest,
      redact: Redactor,
    ) => {
      const target = rateLimitTarget(url, request.credential);
      const place = placeOf(url, redact);
      const { ticket, leave } = await waitForLeave(rateLimit, {
        enter: () => shares.enter(url.origin),
        target,
        place,
        limitPerMinute: limitOf(source),
        maxWaitMs,
        now,
        signal,
      });
      request.onLeave?.();
      progress();
      const startedAtMs = now();
      let answeredStatus: number | null = null;
      return exchange({
        dispatcher,
        url,
        headers,
        timeoutMs,
        maxResponseBytes,
        signal,
        redact,
        now,
        onPiece: progress,
        onAnswer: (status) => {
          answeredStatus = status;
          progress();
          // Not waited for: without it the request counts from its permit, which is right to within the way to the provider.
          rateLimit.settle(target, ticket).catch((error: unknown) => {
            logger?.warn({ sourceId: source.id, error: messageOf(error) }, 'rate limit not settled');
          });
        },
        onEnd: () => {
          leave();
          progress();
          const durationMs = now() - startedAtMs;
          options.onExchange?.({ sourceId: source.id, status: answeredStatus, durationMs });
          logger?.debug({ sourceId: source.id, place, status: answeredStatus, durationMs }, 'exchange');
        },
      });
    };

    const refuse = async (answer: Answer, url: URL, request: HttpRequest, redact: Redactor): Promise<never> => {
      const { status, headers } = answer;
      const retryAfterMs = parseRetryAfter(headers['retry-after'], headers['date'], now());
      if (status === 429 && retryAfterMs !== null)
        await unlessStopped(
          rateLimit.close(rateLimitTarget(url, request.credential), retryAfterMs),
          signal,
          url.origin,
        );
      const { text, isWhole } = await readBeginning(answer.body, errorBodyBytes);
      const excerpt = excerptOf(text, redact, !isWhole);
      const code =
        status === 429 ? 'rate_limited' : status === 401 || status === 403 ? 'credentials_refused' : 'fetch_status';
      throw new HttpStatusError(
        code,
        `${placeOf(url, redact)} answered ${status}${excerpt === '' ? '' : `: ${excerpt}`}`,
        {
          status,
          excerpt,
          ...(retryAfterMs === null ? {} : { retryAfterMs }),
        },
      );
    };

    const fetch = async (request: HttpRequest): Promise<HttpResponse> => {
      const redact = createRedactor([request.credential, ...secretHeaderValues(source.headers)]);
      const headers = mergeHeaders(
        { 'user-agent': options.userAgent, accept: request.accept, 'accept-encoding': acceptEncoding },
        source.headers,
        request.headers ?? {},
      );
      let url = request.url;
      for (let redirects = 0; ; redirects += 1) {
        const answer = await send(url, headers, request, redact);
        if (answer.status >= 400) return refuse(answer, url, request, redact).finally(() => answer.discard());
        if (answer.status < 300) return responseOf(answer, placeOf(url, redact), redact, spool);
        answer.discard();
        const location = answer.headers['location'];
        const next = redirectStatuses.has(answer.status) ? redirectTarget(url, location) : null;
        if (next === null || redirects === maxRedirects) {
          const where = location === undefined ? 'nowhere' : `to ${excerptOf(location, redact)}`;
          const rule =
            next === null
              ? 'only redirects inside the same origin are followed'
              : `more than ${maxRedirects} redirects`;
          const message = `${placeOf(url, redact)} answered ${answer.status} and redirects ${where}: ${rule}`;
          throw new StreamManagerError('fetch_redirect', message);
        }
        url = next;
      }
    };
    return { fetch, useUp: async () => {}, distrust: async () => {} };
  };

  let closing: Promise<void> | null = null;
  return {
    forPoll,
    close: async () => {
      closing ??= options.dispatcher === undefined ? dispatcher.close() : Promise.resolve();
      await closing;
    },
  };
};

const responseOf = (answer: Answer, place: string, redact: Redactor, spool: Spool): HttpResponse => ({
  status: answer.status,
  headers: answer.headers,
  unchanged: null,
  receipt: () => null,
  charge: async () => {},
  receivedAtMs: answer.receivedAtMs,
  ...bodyReaders(answer.body, { place, redact, spool }),
});
