// The HTTP port of the poller, in the words of a source: one exchange with a provider, under the fleet-wide rate limit.
import type { Redactor } from './secrets.ts';
import type { WholeAnswer } from './whole-answer.ts';

/** One exchange. The body of the answer is bounded by polling.maxResponseBytes. */
export interface HttpRequest {
  readonly url: URL;
  /** Default GET. */
  readonly method?: 'GET' | 'POST';
  /** Sent as it is; whoever gives one names its `content-type` among the headers. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The `Accept` header; always sent (NWS answers days-old data without one). */
  readonly accept: string;
  /**
   * What the provider counts requests by beside the host: the API key or user, or null. Only its hash leaves the process.
   * Secrets that stand in the URL or headers must be named here, so that they are cut from every error and log line.
   */
  readonly credential: string | null;
  /** What the exchange will cost in the unit of `dailyBudget`, as far as it is known beforehand. Default 1. */
  readonly cost?: number;
  /**
   * The same request is made again by later polls: its answer may come from the response cache, and it is asked for
   * conditionally. Default true for GET and false for POST; false for an address that holds the time of the poll.
   */
  readonly isRepeatable?: boolean;
  /** Called when the request has leave and goes out, and again for each redirect. For the layers of the client. */
  readonly onLeave?: () => void;
  /** Called for each answer on the way to the last: redirects, and a token that was refused. For the layers of the client. */
  readonly onStep?: (step: RequestStep) => void;
}

/** One request on the way to an answer, as it really went out. */
export interface RequestStep {
  readonly method: 'GET' | 'POST';
  /** Its address as it may be shown. */
  readonly place: string;
  readonly status: number;
  /** Cuts everything that it showed to say who asks, such as a token. */
  readonly redact: Redactor;
}

/**
 * What an answer is known by when it comes again. A source hands it on with the page whose admission uses the answer up
 * (`Page.receipts`); only then is the answer asked for conditionally, or taken for old when the cache gives it.
 */
export interface Receipt {
  /** Hash of what was asked; no secret. */
  readonly request: string;
  /** Hash of the answer's bytes, or what the provider calls this version of it. */
  readonly answer: string;
  readonly etag?: string;
  readonly lastModified?: string;
}

/** An answer with a status below 300, or one that says that nothing changed. The body can be read once. */
export interface HttpResponse {
  readonly status: number;
  /**
   * This source has used up this very answer before: the provider says so (`not_modified`), or the cache knows (`cached`).
   * Then the body is empty and there is nothing to parse. Null: there may be news in it.
   */
  readonly unchanged: 'not_modified' | 'cached' | null;
  /** Null when the answer cannot be recognised; complete once the body was read to its end. */
  readonly receipt: () => Receipt | null;
  /** Says what the exchange cost when the answer shows it, in the unit of `dailyBudget`; instead of `HttpRequest.cost`. */
  charge(cost: number): Promise<void>;
  readonly headers: Readonly<Record<string, string>>;
  /** When the answer began to arrive, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
  /** Decompressed chunks. Rejects with `fetch_network` if cut off, `response_too_large`, `fetch_timeout`. */
  readonly body: AsyncIterable<Buffer>;
  /** Cuts everything that the request showed to say who asks, a token too. For the layers of the client. */
  readonly redact?: Redactor;
  /** The body, read to its end; in a temporary file if it is large. Whoever asks closes it. Rejects also with `spool_failed`. */
  whole(): Promise<WholeAnswer>;
  text(): Promise<string>;
  /**
   * Rejects with `response_unreadable` if the body is not JSON. A large one is parsed off the event loop, and what it means
   * comes over in slices, whatever its shape.
   */
  json(): Promise<unknown>;
}

/**
 * Bound to one source and one poll. Rejects with a StreamManagerError: `host_busy` (other polls have its
 * host's share of the slots), `budget_exhausted` (our limit; with retryAfterMs), `rate_limited` (429; with retryAfterMs when the provider gave one), `fetch_timeout`, `fetch_network`, `fetch_status`,
 * `credentials_refused` (401, 403), `fetch_redirect`, `response_too_large`, `stopped` when the signal aborts.
 */
export interface HttpClient {
  fetch(request: HttpRequest): Promise<HttpResponse>;
}

/** The client of one poll. */
export interface PollHttp extends HttpClient {
  /**
   * What these answers brought is admitted, a dead letter or known, all of it: from now on they bring no news to this
   * source. Not to be called for an answer of which anything was rejected, dropped or left out, nor for one that was only
   * read from a position on, unless what lies before it is the same as when it was read. Receipts that are not of this
   * poll are ignored. Never rejects: what cannot be remembered is fetched and looked through again.
   */
  useUp(receipts: readonly Receipt[]): Promise<void>;
  /**
   * An answer of this poll is not what it should be (unreadable, another format, a refusal with status 200): none of its
   * answers is given to anybody out of the response cache, so that whoever asks next asks the provider. Never rejects.
   */
  distrust(): Promise<void>;
}
