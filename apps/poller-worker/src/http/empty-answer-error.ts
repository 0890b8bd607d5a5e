// An answer without a byte where JSON was expected. Only the source knows whether its provider means "no records" by that.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';

/** Thrown by `json()` for a body without a byte, or with nothing but blanks; code `response_unreadable`. */
export class EmptyAnswerError extends StreamManagerError {
  constructor(message: string) {
    super('response_unreadable', message);
    this.name = 'EmptyAnswerError';
  }
}
