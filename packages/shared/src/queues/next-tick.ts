// When a source's next tick comes. Ticks are BullMQ's business, so a cron expression is read by BullMQ's own reader here:
// what is computed is what its job scheduler arms.
import { getNextMillis } from 'bullmq';

/** What decides when a source is polled. */
export interface Timetable {
  /** Milliseconds between two ticks; with `cron` the shortest time between two. */
  readonly periodMs: number;
  /** Times of ticks, in place of the period. */
  readonly cron?: string | undefined;
  /** Time zone of `cron`; default UTC. */
  readonly tz?: string | undefined;
}

/**
 * Milliseconds from `now` (since the epoch) until the source's next tick has come: with `cron` until exactly then, else
 * one period, within which it comes. Throws for an expression that BullMQ cannot read.
 */
export const untilNextTickMs = ({ periodMs, cron, tz }: Timetable, now: number): number => {
  if (cron === undefined) return periodMs;
  // An expression without another time (a day that its month does not have) is none for BullMQ either.
  const next = getNextMillis(now, { pattern: cron, tz: tz ?? 'UTC' });
  return next === undefined ? periodMs : Math.max(0, next - now);
};

/**
 * Milliseconds from `now` until the tick after a poll's own one (`scheduledFor`), both since the epoch. Ticks of a period are
 * that long apart; a poll that a person asked for stands between two of them, and then this is the longest that it can be.
 */
export const untilTickAfterMs = (timetable: Timetable, scheduledFor: number, now: number): number => {
  if (timetable.cron !== undefined) return untilNextTickMs(timetable, now);
  const { periodMs } = timetable;
  return periodMs - (Math.max(0, now - scheduledFor) % periodMs);
};
