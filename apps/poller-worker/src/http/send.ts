// Sends one request of a poll: leave from its host's share and the fleet's rate limit, the exchange, and what the answer
// says about the provider's own limit, which closes the target for the whole fleet.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Connections, Way } from './connections.ts';
import { type Answer, exchange, placeOf } from './exchange.ts';
import type { HostShares } from './host-share.ts';
import { unlessStopped, waitForLeave } from './permit.ts';
import { pauseOfRateHeaders } from './rate-headers.ts';
import type { RateLimit } from './rate-limit.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { Redactor } from './secrets.ts';
import { rateLimitTarget } from './target.ts';

/** What one exchange cost, for metrics. */
export interface ExchangeFacts {
  readonly sourceId: string;
  /** Null when no answer came. */
  readonly status: number | null;
  /** From the request's start to the end of the answer's body. */
  readonly durationMs: number;
}

/** A request as it goes out. */
export interface Outgoing {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly way: Way;
  /** What its host counts it by. */
  readonly credential: string | null;
  /** Bound of the answer after decompression. */
  readonly maxResponseBytes: number;
  readonly redact: Redactor;
  readonly onLeave?: (() => void) | undefined;
}

/** Gives the answer, whatever its status. Rejects with `host_busy`, `budget_exhausted`, and as `exchange` does. */
export type Send = (request: Outgoing) => Promise<Answer>;

export interface SendDeps {
  readonly connections: Connections;
  readonly rateLimit: RateLimit;
  readonly hostShares: HostShares;
  readonly limitOf: (source: ResolvedSource) => number;
  /** How long a request may wait for the rate limit in its slot, in milliseconds. */
  readonly maxWaitMs: number;
  readonly now: () => number;
  readonly logger: Logger | undefined;
  readonly onExchange: ((facts: ExchangeFacts) => void) | undefined;
}

/** The requests of one poll. */
export const createSend = (
  deps: SendDeps,
  poll: { readonly source: ResolvedSource; readonly signal: AbortSignal; readonly progress: () => void },
): Send => {
  const { rateLimit, now, logger } = deps;
  const { source, signal, progress } = poll;
  const shares = deps.hostShares.forPoll({ isUrgent: source.priority === 'critical', signal });

  /** A provider that says so is left alone by everybody. That the others cannot be told must not cost an answer. */
  const heedLimits = async ({ status, headers }: Answer, target: string, url: URL): Promise<void> => {
    const pauseMs = pauseOf(status, headers, now());
    if (pauseMs === null) return;
    const told = rateLimit.close(target, pauseMs).catch((error: unknown) => {
      if (status >= 400) throw error;
      logger?.warn({ sourceId: source.id, error: messageOf(error) }, 'pause of a provider not kept');
    });
    await unlessStopped(told, signal, url.origin);
  };

  return async ({ url, method, headers, body, way, credential, maxResponseBytes, redact, onLeave }) => {
    const dispatcher = deps.connections.to(url, way);
    const target = rateLimitTarget(url, credential);
    const place = placeOf(url, redact);
    const { ticket, leave } = await waitForLeave(rateLimit, {
      enter: () => shares.enter(url.origin),
      target,
      place,
      limitPerMinute: deps.limitOf(source),
      maxWaitMs: deps.maxWaitMs,
      now,
      signal,
    });
    onLeave?.();
    progress();
    const startedAtMs = now();
    let answeredStatus: number | null = null;
    const answer = await exchange({
      dispatcher,
      url,
      method,
      headers,
      body,
      timeoutMs: source.timeoutMs,
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
        deps.onExchange?.({ sourceId: source.id, status: answeredStatus, durationMs });
        logger?.debug({ sourceId: source.id, place, status: answeredStatus, durationMs }, 'exchange');
      },
    });
    try {
      await heedLimits(answer, target, url);
    } catch (error) {
      answer.discard();
      throw error;
    }
    return answer;
  };
};

/** Retry-After is the provider's word to this very request, and wins over what its other headers say. */
const pauseOf = (status: number, headers: Readonly<Record<string, string>>, nowMs: number): number | null => {
  const retryAfterMs =
    status === 429 || status === 503 ? parseRetryAfter(headers['retry-after'], headers['date'], nowMs) : null;
  return retryAfterMs ?? pauseOfRateHeaders(headers, status, nowMs);
};
