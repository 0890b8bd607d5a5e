// The HTTP client of all sources, on undici. One request is: who asks (auth), the sending under the limits, redirects (each a
// request of its own for the limit), a token once more after a 401, and the meaning of the status. Of what says who asks,
// nothing goes to another origin than that of the source.
// No error and no log line that leaves this file holds a secret of the request.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { codeOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { createAccess, createSecretsOfSource, createTokenKeepers } from './access.ts';
import { credentialOf, noGrant, urlWith } from './auth.ts';
import { acceptEncoding, readBeginning } from './body.ts';
import { type ConnectionsOptions, createConnections } from './connections.ts';
import { type Answer, placeOf } from './exchange.ts';
import type { HostShares } from './host-share.ts';
import type { HttpRequest, HttpResponse, PollHttp } from './http-client.ts';
import { HttpStatusError } from './http-status-error.ts';
import { ofOtherHost } from './other-host-error.ts';
import { createJsonParser, type JsonParser } from './parse-large-json.ts';
import { proxiesOf } from './proxy.ts';
import type { RateLimit } from './rate-limit.ts';
import { bodyReaders, type ReadOptions } from './read-answer.ts';
import { decideRedirect, foreignHeaders, foreignRefusal, whereOf } from './redirect.ts';
import { refusalOf } from './refusal.ts';
import { createRedactor } from './secrets.ts';
import { createSend, type ExchangeFacts } from './send.ts';
import { createTlsSettings, foreignTls, type TlsSettings } from './tls-settings.ts';
import { type Spool, temporarySpool } from './whole-answer.ts';

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
  /** Where the addresses of proxies are taken from (HTTP_PROXY and the like); default none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** All secrets that this process knows (`secretValues`); those that stand in a source's entry are its own. Default none. */
  readonly secrets?: readonly string[];
  /** Trust and certificates of the sources; default read when a source first asks. */
  readonly tls?: TlsSettings;
  /** Where large JSON is parsed; default a parser of our own, which `close` ends. */
  readonly jsonParser?: JsonParser;
  /** See `createConnections`; for tests. */
  readonly network?: Pick<ConnectionsOptions, 'lookup' | 'kindOf'>;
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

/** Header names come as operators spell them; the last one of a name wins. An empty one is none: NWS would refuse it. */
const mergeHeaders = (...layers: readonly Readonly<Record<string, string>>[]): Record<string, string> => {
  const merged: Record<string, string> = {};
  for (const layer of layers)
    for (const [name, value] of Object.entries(layer)) if (value !== '') merged[name.toLowerCase()] = value;
  return merged;
};

/** The next request on the way to an answer. */
interface Step {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  /** It goes to another origin than that of the source. */
  readonly isForeign: boolean;
  /** Its way began at a public address, so it may not end at a private one. */
  readonly isGuarded: boolean;
  readonly redirects: number;
}

/** Creates the client of this process. Throws `config_invalid` for proxies in the environment that cannot be used. */
export const createHttpClient = (options: HttpClientOptions): HttpClients => {
  const { rateLimit, hostShares, maxResponseBytes, userAgent, logger } = options;
  const { maxWaitMs = 250, now = Date.now, limitOf = (source) => source.rateLimitPerMinute } = options;
  const { spool = temporarySpool() } = options;
  const { tls: tlsSettings = createTlsSettings(), jsonParser = createJsonParser() } = options;
  const proxies = proxiesOf(options.env ?? {});
  const connections = createConnections({ proxies, ...options.network });
  const { onExchange } = options;
  const secretsOfSource = createSecretsOfSource(options.secrets ?? []);
  const keeperOf = createTokenKeepers({ now, secretsOfSource });

  const forPoll: HttpClients['forPoll'] = ({ source, signal, progress = () => {} }) => {
    const send = createSend(
      { connections, rateLimit, hostShares, limitOf, maxWaitMs, now, logger, onExchange },
      { source, signal, progress },
    );
    const home = source.baseUrl === undefined ? null : new URL(source.baseUrl);

    /** A link of an answer may lead to another origin: it is followed as a redirect there would be. */
    const firstStep = ({ url, method = 'GET' }: HttpRequest, redact: ReadOptions['redact']): Step => {
      const isForeign = home !== null && url.origin !== home.origin;
      const refusal = isForeign ? foreignRefusal({ from: home, to: url, method, redact }) : null;
      if (refusal !== null)
        throw new StreamManagerError('fetch_redirect', `${placeOf(url, redact)} is not asked: ${refusal}`);
      return { url, method, isForeign, isGuarded: isForeign && connections.isPublic(home), redirects: 0 };
    };

    const nextStep = (step: Step, answer: Answer, redact: ReadOptions['redact']): Step => {
      const { url: from, method, redirects } = step;
      const location = answer.headers['location'];
      const next = decideRedirect({ from, method, status: answer.status, location, redirects, redact });
      if ('to' in next)
        return {
          url: next.to,
          method: next.method,
          isForeign: step.isForeign || next.isForeign,
          isGuarded: step.isGuarded || (next.isForeign && connections.isPublic(from)),
          redirects: redirects + 1,
        };
      const where = whereOf(location, redact);
      const message = `${placeOf(from, redact)} answered ${answer.status} and redirects ${where}: ${next.refusal}`;
      throw new StreamManagerError('fetch_redirect', message);
    };

    const fetch = async (request: HttpRequest): Promise<HttpResponse> => {
      const tls = tlsSettings.of(source);
      const known = [request.credential, ...secretsOfSource(source), ...proxies.secrets];
      const access = createAccess(keeperOf(source), { source, tls, send, signal, userAgent, now, secrets: known });
      const own = mergeHeaders(
        { 'user-agent': userAgent, accept: request.accept, 'accept-encoding': acceptEncoding },
        source.headers,
        request.headers ?? {},
      );
      const isConditional = 'if-none-match' in own || 'if-modified-since' in own;
      let step = firstStep(request, createRedactor(known));
      for (;;) {
        const { method, isForeign, isGuarded } = step;
        const grant = isForeign ? noGrant : await access.grant();
        const redact = createRedactor([...known, ...grant.secrets]);
        const url = urlWith(step.url, grant);
        const answer = await send({
          url,
          method,
          headers: isForeign ? foreignHeaders(own) : { ...own, ...grant.headers },
          body: method === 'POST' ? request.body : undefined,
          way: { tls: isForeign ? foreignTls(tls) : tls, isGuarded },
          credential: isForeign ? null : credentialOf(request.credential, source.auth),
          maxResponseBytes,
          redact,
          onLeave: request.onLeave,
        }).catch((error: unknown) => {
          // Where its own provider must not lead is that provider's doing.
          throw isForeign && codeOf(error) !== 'fetch_redirect' ? ofOtherHost(error) : error;
        });
        const { status } = answer;
        const place = placeOf(url, redact);
        request.onStep?.({ method, place, status, redact });
        const reading = { place, redact, spool, jsonParser, signal };
        if (status === 206 && !('range' in own)) {
          answer.discard();
          throw new HttpStatusError('fetch_status', `${place} answered 206, a part of what was asked for`, {
            status,
            excerpt: '',
          });
        }
        if (status < 300) return responseOf(answer, null, reading);
        if (status === 304 && isConditional) {
          // It has no body; read to its end, its connection serves the next request.
          await readBeginning(answer.body, 1);
          return responseOf(answer, 'not_modified', reading);
        }
        if (status === 401 && access.refused(grant)) answer.discard();
        else if (status >= 400) {
          const refusal = await refusalOf(answer, { place, redact, nowMs: now() });
          // Below 500 its status is what a source may look at.
          throw isForeign && status >= 500 ? ofOtherHost(refusal) : refusal;
        } else {
          answer.discard();
          step = nextStep({ ...step, url }, answer, redact);
        }
      }
    };
    return { fetch, useUp: async () => {}, distrust: async () => {} };
  };

  let closing: Promise<void> | null = null;
  return {
    forPoll,
    close: async () => {
      closing ??= (async () => {
        if (options.jsonParser === undefined) await jsonParser.close();
        await connections.close();
      })();
      await closing;
    },
  };
};

async function* nothing(): AsyncGenerator<Buffer> {}

const responseOf = (answer: Answer, unchanged: HttpResponse['unchanged'], reading: ReadOptions): HttpResponse => ({
  status: answer.status,
  headers: answer.headers,
  unchanged,
  receipt: () => null,
  charge: async () => {},
  receivedAtMs: answer.receivedAtMs,
  redact: reading.redact,
  ...bodyReaders(unchanged === null ? answer.body : nothing(), reading),
});
