// What a provider says about its own limit beside the answer: nothing is left, and until when. There are three spellings:
// X-RateLimit-Remaining and -Reset (everybody's), RateLimit-Remaining and -Reset (IETF drafts up to 6), and one RateLimit
// header (drafts from 7 on, and the form with commas before it).

import { longestRetryAfterMs } from './retry-after.ts';

/** A pause that only stands in such headers is believed for this long at most, in milliseconds: some reset once a month. */
export const longestQuietPauseMs = 3_600_000;

/**
 * How long nothing should be asked, in milliseconds, or null when the headers do not say that nothing is left. `status` 429
 * says so by itself.
 */
export const pauseOfRateHeaders = (
  headers: Readonly<Record<string, string>>,
  status: number,
  nowMs: number,
): number | null => {
  const isRefused = status === 429;
  const saidAtMs = Date.parse(headers['date'] ?? '');
  const at = Number.isNaN(saidAtMs) ? nowMs : saidAtMs;
  const waits = pairsOf(headers).flatMap(({ remaining, reset }) => {
    const isUsedUp = remaining === undefined ? isRefused : remaining <= 0;
    const waitMs = isUsedUp ? waitOf(reset, at) : null;
    return waitMs === null ? [] : [waitMs];
  });
  const longestMs = Math.max(0, ...waits);
  // Beside a 429 it is believed for as long as Retry-After is.
  return longestMs === 0 ? null : Math.min(longestMs, isRefused ? longestRetryAfterMs : longestQuietPauseMs);
};

interface Pair {
  readonly remaining: number | undefined;
  readonly reset: string | undefined;
}

const pairsOf = (headers: Readonly<Record<string, string>>): readonly Pair[] => {
  const separate = ['x-ratelimit', 'x-rate-limit', 'ratelimit'].map((name) => ({
    remaining: numberOf(headers[`${name}-remaining`]),
    reset: headers[`${name}-reset`],
  }));
  return [...separate, ...combinedPairs(headers['ratelimit'] ?? '')].filter(({ reset }) => reset !== undefined);
};

/** `limit=100, remaining=0, reset=50`, or `"default";r=0;t=50` for each policy. */
const combinedPairs = (text: string): readonly Pair[] => {
  const field = (part: string, name: string): string | undefined =>
    new RegExp(`(?:^|[;,\\s])${name}\\s*=\\s*(\\d+)`, 'i').exec(part)?.[1];
  if (/remaining\s*=/i.test(text))
    return [{ remaining: numberOf(field(text, 'remaining')), reset: field(text, 'reset') }];
  return text.split(',').map((policy) => ({ remaining: numberOf(field(policy, 'r')), reset: field(policy, 't') }));
};

/** Of several values of one header (`10, 20`) the first counts. */
const numberOf = (text: string | undefined): number | undefined => {
  const number = /^\s*(\d+(?:\.\d+)?)/.exec(text ?? '')?.[1];
  return number === undefined ? undefined : Number(number);
};

/** Seconds from now, seconds or milliseconds since the epoch, or a date. Null for anything else; never below 0. */
const waitOf = (reset: string | undefined, atMs: number): number | null => {
  const text = reset?.trim() ?? '';
  // Of an HTTP date or an ISO time; Date.parse alone would read a number as a year.
  if (/^[A-Z][a-z]{2},|^\d{4}-\d{2}-\d{2}T/.test(text)) {
    const dateMs = Date.parse(text);
    return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - atMs);
  }
  const number = numberOf(text);
  if (number === undefined) return null;
  if (number >= 1e11) return Math.max(0, number - atMs);
  if (number >= 1e8) return Math.max(0, number * 1000 - atMs);
  return Math.ceil(number * 1000);
};
