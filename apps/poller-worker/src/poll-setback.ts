// What a poll does about an error of its source. Pure. A poll that is only too early is delayed and goes on at its page,
// without an attempt being used; any other error fails it, and the next tick is the retry.
import { codeOf, StreamManagerError } from '@stream-manager/shared/failures/errors';

/** `later`: delay the poll by `waitMs`. `fail`: it cannot go on. */
export type Setback =
  | { readonly act: 'later'; readonly by: 'budget' | 'rate_limited'; readonly waitMs: number }
  | { readonly act: 'fail' };

/** A 429 that names no time: not before this, in milliseconds, because providers count per minute. */
const unnamedWaitMs = 60_000;
/** A poll that comes back sooner would get one permit at a time, and a look at the queue for each. */
const shortestWaitMs = 1_000;
/** Whatever a provider names, it is asked again after this, in milliseconds. */
const longestWaitMs = 24 * 3_600_000;

const bounded = (waitMs: number): number => Math.min(Math.max(waitMs, shortestWaitMs), longestWaitMs);

/** Decides, from the error's code and the wait it names; `untilNextTickMs` = milliseconds until the source's next tick. */
export const chooseSetback = (error: unknown, untilNextTickMs: number): Setback => {
  const namedMs = error instanceof StreamManagerError ? error.retryAfterMs : null;
  const code = codeOf(error);
  if (code === 'budget_exhausted') return { act: 'later', by: 'budget', waitMs: bounded(namedMs ?? unnamedWaitMs) };
  if (code === 'rate_limited') {
    const waitMs = bounded(namedMs ?? Math.max(unnamedWaitMs, untilNextTickMs));
    return { act: 'later', by: 'rate_limited', waitMs };
  }
  return { act: 'fail' };
};
