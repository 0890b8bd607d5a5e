// What the end of a poll says about its provider. Pure. An answer is whatever comes back below 500: a page, a 404, a 429, a
// redirect, something unreadable. Whoever refuses, is not found, is silent or answers 5xx gave none.
import { codeOf, type ErrorCode } from '@stream-manager/shared/failures/errors';
import type { ProviderVerdict } from '@stream-manager/shared/queues/provider-breaker-store';
import { HttpStatusError } from '../http/http-status-error.ts';
import { OtherHostError } from '../http/other-host-error.ts';

/** How a poll ended, as far as it concerns its provider. */
export type ProviderEnd =
  /** Without an error, or before one: `hasFetched`, the provider gave a page. */
  | { readonly kind: 'ended'; readonly hasFetched: boolean }
  /** `isOver`: the poll failed and is not tried again before the next tick. */
  | { readonly kind: 'error'; readonly error: unknown; readonly hasFetched: boolean; readonly isOver: boolean };

/** Errors that tell of an answer. */
const answeredCodes: ReadonlySet<ErrorCode | null> = new Set<ErrorCode>([
  'rate_limited',
  'fetch_redirect',
  'response_too_large',
  'response_unreadable',
  'format_changed',
  'credentials_refused',
]);

/** Whether who was asked last gave no answer to what ended with this. */
export const isUnanswered = (error: unknown): boolean => {
  if (error instanceof OtherHostError) return isUnanswered(error.cause);
  const code = codeOf(error);
  if (code === 'fetch_status') return error instanceof HttpStatusError && error.status >= 500;
  return code === 'fetch_network' || code === 'fetch_timeout';
};

/** `pauseMs`: the source's period. `text`: the error without secrets. */
export const verdictOf = (end: ProviderEnd, pauseMs: number, text: string): ProviderVerdict => {
  if (end.hasFetched) return { kind: 'answered' };
  if (end.kind === 'ended') return { kind: 'neither' };
  // Its own provider may be well, and may not have been asked at all.
  if (end.error instanceof OtherHostError) return { kind: 'neither' };
  if (isUnanswered(end.error)) return end.isOver ? { kind: 'unanswered', pauseMs, error: text } : { kind: 'neither' };
  const code = codeOf(end.error);
  return { kind: code === 'fetch_status' || answeredCodes.has(code) ? 'answered' : 'neither' };
};
