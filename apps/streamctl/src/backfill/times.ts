// The times of a backfill from the command line: dates, times, or how long ago. Pure.
import { apiTime } from '../api-time.ts';
import { UsageError } from '../usage-error.ts';

/** The clocks of this machine and of the scheduler differ by less than this, in milliseconds: `now` must not be its future. */
const clockMs = 5_000;

/** From when to when; `now` in milliseconds since the epoch. Without `to`: until now. Throws `UsageError`. */
export const readTimes = (
  from: string | undefined,
  to: string | undefined,
  now: number,
): { readonly from: string; readonly to: string } => {
  if (from === undefined) throw new UsageError('say from when: --from 2026-05-01, or --from 7d for seven days ago');
  return {
    from: apiTime(from, now),
    to: to === undefined ? new Date(now - clockMs).toISOString() : apiTime(to, now),
  };
};
