// What went wrong at another host than that of the source: a token endpoint, or where a redirect led. It fails the poll like
// any other error, and says nothing of the source's provider, whose breaker stands for all sources that ask it.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';

/** Has the code, message and wait of its cause. */
export class OtherHostError extends StreamManagerError {
  constructor(cause: StreamManagerError) {
    const { code, message, retryAfterMs } = cause;
    super(code, message, retryAfterMs === null ? { cause } : { cause, retryAfterMs });
    this.name = 'OtherHostError';
  }
}

/** What was thrown while another host was asked, as an OtherHostError if it is an error of ours. */
export const ofOtherHost = (error: unknown): unknown =>
  error instanceof StreamManagerError ? new OtherHostError(error) : error;
