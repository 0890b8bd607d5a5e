import { type ErrorCode, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import { isUnanswered, verdictOf } from '../../src/breaker/verdict.ts';
import { HttpStatusError } from '../../src/http/http-status-error.ts';
import { OtherHostError } from '../../src/http/other-host-error.ts';

const error = (code: ErrorCode): Error => new StreamManagerError(code, 'no');
const status = (code: number): Error => new HttpStatusError('fetch_status', 'no', { status: code, excerpt: '' });
const over = (of: unknown, changes: { hasFetched?: boolean; isOver?: boolean } = {}) =>
  verdictOf({ kind: 'error', error: of, hasFetched: false, isOver: true, ...changes }, 30_000, 'cut');

describe('what the end of a poll says about its provider', () => {
  it.each([
    { name: 'refused, not found or reset', error: error('fetch_network') },
    { name: 'silent', error: error('fetch_timeout') },
    { name: 'a 500', error: status(500) },
    { name: 'a 503', error: status(503) },
  ])('no answer: $name', ({ error }) => {
    expect(over(error)).toEqual({ kind: 'unanswered', pauseMs: 30_000, error: 'cut' });
  });

  it.each([
    { name: 'a 404', error: status(404) },
    { name: 'a 400', error: status(400) },
    { name: 'a 429', error: error('rate_limited') },
    { name: 'a 401', error: error('credentials_refused') },
    { name: 'something unreadable', error: error('response_unreadable') },
    { name: 'another format', error: error('format_changed') },
    { name: 'too much', error: error('response_too_large') },
    { name: 'a redirect', error: error('fetch_redirect') },
  ])('an answer: $name', ({ error }) => {
    expect(over(error)).toEqual({ kind: 'answered' });
  });

  it.each([
    { name: 'refused', error: new StreamManagerError('fetch_network', 'no') },
    { name: 'a 503', error: new HttpStatusError('fetch_status', 'no', { status: 503, excerpt: '' }) },
    { name: 'a 401', error: new StreamManagerError('credentials_refused', 'no') },
  ])('nothing, if it happened at another host: $name', ({ error }) => {
    expect(over(new OtherHostError(error))).toEqual({ kind: 'neither' });
    expect(isUnanswered(new OtherHostError(error))).toBe(isUnanswered(error));
  });

  it.each(['budget_exhausted', 'host_busy', 'stopped', 'spool_failed', 'redis_unreachable'] as const)(
    'nothing: %s',
    (code) => {
      expect(over(error(code))).toEqual({ kind: 'neither' });
    },
  );

  it('nothing, when it is tried again, or when the error is somebody else’s', () => {
    expect(over(status(503), { isOver: false })).toEqual({ kind: 'neither' });
    expect(over(new TypeError('x is not a function'))).toEqual({ kind: 'neither' });
    expect(verdictOf({ kind: 'ended', hasFetched: false }, 1, '')).toEqual({ kind: 'neither' });
  });

  it('an answer, if it gave a page, whatever came after', () => {
    expect(over(error('fetch_timeout'), { hasFetched: true })).toEqual({ kind: 'answered' });
    expect(over(error('budget_exhausted'), { hasFetched: true, isOver: false })).toEqual({ kind: 'answered' });
    expect(verdictOf({ kind: 'ended', hasFetched: true }, 1, '')).toEqual({ kind: 'answered' });
  });
});
