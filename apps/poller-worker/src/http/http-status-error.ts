// The one error of the HTTP client that a source may have to look into: which status a provider refused with. A station
// without observations answers 404, and only the source knows that this is no failure.
import { type ErrorCode, StreamManagerError } from '@stream-manager/shared/failures/errors';

/** Thrown for statuses of 400 and more, with code `rate_limited`, `credentials_refused` or `fetch_status`. */
export class HttpStatusError extends StreamManagerError {
  readonly status: number;
  /** Beginning of the body as text, at most 200 characters, without control characters and secrets; may be empty. */
  readonly excerpt: string;

  constructor(
    code: ErrorCode,
    message: string,
    answer: { readonly status: number; readonly excerpt: string; readonly retryAfterMs?: number },
  ) {
    super(code, message, answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs });
    this.name = 'HttpStatusError';
    this.status = answer.status;
    this.excerpt = answer.excerpt;
  }
}
