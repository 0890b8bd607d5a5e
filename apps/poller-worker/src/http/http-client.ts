// The HTTP port of the poller, in the words of a source: one exchange with a provider, under the fleet-wide rate limit.
import type { WholeAnswer } from './whole-answer.ts';

/** One exchange. Redirects are followed only inside the same origin; the body is bounded by polling.maxResponseBytes. */
export interface HttpRequest {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** The `Accept` header; always sent (NWS answers days-old data without one). */
  readonly accept: string;
  /**
   * What the provider counts requests by beside the host: the API key or user, or null. Only its hash leaves the process.
   * Secrets that stand in the URL or headers must be named here, so that they are cut from every error and log line.
   */
  readonly credential: string | null;
}

/** An answer with a status below 300. The body can be read once. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** When the answer began to arrive, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
  /** Decompressed chunks. Rejects with `fetch_network` if cut off, `response_too_large`, `fetch_timeout`. */
  readonly body: AsyncIterable<Buffer>;
  /** The body, read to its end; in a temporary file if it is large. Whoever asks closes it. Rejects also with `spool_failed`. */
  whole(): Promise<WholeAnswer>;
  text(): Promise<string>;
  /** Rejects with `response_unreadable` if the body is not JSON. */
  json(): Promise<unknown>;
}

/**
 * Bound to one source and one poll. Rejects with a StreamManagerError: `host_busy` (other polls have its
 * host's share of the slots), `budget_exhausted` (our limit; with retryAfterMs), `rate_limited` (429; with retryAfterMs when the provider gave one), `fetch_timeout`, `fetch_network`, `fetch_status`,
 * `credentials_refused` (401, 403), `fetch_redirect`, `response_too_large`, `stopped` when the signal aborts.
 */
export interface HttpClient {
  get(request: HttpRequest): Promise<HttpResponse>;
}
