// A backfill goes from old to new in slices, each one pass of its source. Where they are cut hangs on nothing but the times,
// so that a slice that runs twice asks for the same. Pure.
import type { PollWindow } from '../sources/source.ts';

/**
 * The slice that begins at `doneMs`: to `toMs`, or to the next whole multiple of `sliceMs` since the epoch if that comes
 * first. So slices of whole days begin at midnight UTC, whatever the backfill begins with.
 */
export const nextSlice = (doneMs: number, toMs: number, sliceMs: number): PollWindow => ({
  sinceMs: doneMs,
  untilMs: Math.min(toMs, (Math.floor(doneMs / sliceMs) + 1) * sliceMs),
});

/** Errors in a row after which a backfill has failed: an hour, with the waits below. */
export const mostFailures = 8;
const firstWaitMs = 60_000;
const longestWaitMs = 15 * 60_000;

/** The wait after the `failures`-th error in a row, in milliseconds: 1 minute, doubling, at most 15. */
export const failureWaitMs = (failures: number): number =>
  Math.min(longestWaitMs, firstWaitMs * 2 ** Math.max(0, failures - 1));
