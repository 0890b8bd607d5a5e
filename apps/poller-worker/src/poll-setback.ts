// What a poll does about an error of its source. Pure. A poll that is only too early is delayed and goes on at its page,
// without an attempt being used. One whose provider gave no answer is tried again twice, if that comes before the source's next
// tick; any other error fails it, and the next tick is the retry.
import { codeOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { isUnanswered } from './breaker/verdict.ts';
import { HttpStatusError } from './http/http-status-error.ts';
import { OtherHostError } from './http/other-host-error.ts';

/** `later`: delay the poll by `waitMs`. `fail`: it cannot go on. */
export type Setback =
  | { readonly act: 'later'; readonly by: 'budget' | 'rate_limited' | 'host' | 'retry'; readonly waitMs: number }
  | { readonly act: 'fail' };

/** A 429 that names no time: not before this, in milliseconds, because providers count per minute. */
const unnamedWaitMs = 60_000;
/** A poll that comes back sooner would get one permit at a time, and a look at the queue for each. */
const shortestWaitMs = 1_000;
/** Whatever a provider names, it is asked again after this, in milliseconds. */
const longestWaitMs = 24 * 3_600_000;

const bounded = (waitMs: number): number => Math.min(Math.max(waitMs, shortestWaitMs), longestWaitMs);

/** The first look of a poll that found its host's share in use comes after this, in milliseconds. */
const shortestHostWaitMs = 1_000;
const longestHostWaitMs = 4_000;
/** The next look comes when this part of what was waited so far has gone by again. */
const growth = 0.25;
/** Part of the wait by which it may be longer or shorter: polls that were delayed together must not come back together. */
const spread = 0.25;

const hostWaitMs = (waitedMs: number, random: number): number => {
  const waitMs = Math.min(Math.max(waitedMs * growth, shortestHostWaitMs), longestHostWaitMs);
  return Math.round(waitMs * (1 + spread * (2 * random - 1)));
};

/** The pauses before another try, in milliseconds; each may be shorter, so that polls which failed together come back apart. */
const retryPausesMs = [1_000, 2_000] as const;
/** Statuses below 500 that say "not now": the request took too long, it came too early. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425]);

const isWorthRetrying = (error: unknown): boolean => {
  const said = error instanceof OtherHostError ? error.cause : error;
  return isUnanswered(said) || (said instanceof HttpStatusError && passingStatuses.has(said.status));
};

/** The pause before another try; null: there is none before the next tick. */
const retryWaitMs = (namedMs: number | null, { retries, beforeTickMs, random }: SetbackContext): number | null => {
  const pauseMs = retryPausesMs[retries];
  if (pauseMs === undefined || Math.max(pauseMs, namedMs ?? 0) >= beforeTickMs) return null;
  return namedMs ?? Math.round(pauseMs * random);
};

/** What a wait depends on. */
export interface SetbackContext {
  /** Milliseconds until the tick after the poll's own one; a retry comes before it, or not at all. */
  readonly beforeTickMs: number;
  /** How often the poll was tried again. */
  readonly retries: number;
  /** It decides for all sources of its provider whether that answers again: it is not tried again by itself. */
  readonly isTrial: boolean;
  /** Milliseconds until the source's next tick. */
  readonly untilNextTickMs: number;
  /** How long its host's share was found in use so far, look after look, in milliseconds. */
  readonly hostWaitedMs: number;
  /** From 0 to 1. */
  readonly random: number;
}

/** Decides, from the error's code and the wait it names. */
export const chooseSetback = (error: unknown, context: SetbackContext): Setback => {
  const { untilNextTickMs, hostWaitedMs, random } = context;
  const namedMs = error instanceof StreamManagerError ? error.retryAfterMs : null;
  const code = codeOf(error);
  if (code === 'host_busy') return { act: 'later', by: 'host', waitMs: hostWaitMs(hostWaitedMs, random) };
  if (code === 'budget_exhausted') return { act: 'later', by: 'budget', waitMs: bounded(namedMs ?? unnamedWaitMs) };
  if (code === 'rate_limited') {
    const waitMs = bounded(namedMs ?? Math.max(unnamedWaitMs, untilNextTickMs));
    return { act: 'later', by: 'rate_limited', waitMs };
  }
  const waitMs = isWorthRetrying(error) && !context.isTrial ? retryWaitMs(namedMs, context) : null;
  return waitMs === null ? { act: 'fail' } : { act: 'later', by: 'retry', waitMs };
};
