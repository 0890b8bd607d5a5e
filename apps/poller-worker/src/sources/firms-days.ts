// Which days a poll of FIRMS asks for, and in how many requests. A day is a calendar day in UTC, as the API counts.
// Pure, apart from the names of the data sets.
import { dayStartMs } from './instants.ts';

const dayMs = 86_400_000;

/**
 * Longest range of one request. The area API takes 1 to 5 days since 2025 and refuses more; before that it took 10. Every
 * version of it takes what the strictest one does.
 */
export const mostDaysOfRequest = 5;

/**
 * How far back near-real-time data go, in days. They are replaced by the standard product two to three months later; the
 * API says what it has under /api/data_availability.
 */
const keptNrtDays = 60;

/** NRT rows come within three hours of the overpass, as FIRMS says, and now and then later: for twice that a day is not over. */
const lateMs = 6 * 3_600_000;

/** Days that a poll asks for at most after an outage of ours, or when a standard product has grown, all requests together. */
export const mostDaysOfPoll = 31;

/** A day as its number since 1970-01-01 (UTC). */
export type Day = number;

/** One request: `days` from `from` on; `from` null: the last `days` days as the API sees them, today included. */
export interface DayRange {
  readonly from: Day | null;
  readonly days: number;
}

/** Days that a data set has, both included. */
export interface Available {
  readonly first: Day;
  readonly last: Day;
}

/** The day of an instant. */
export const dayOfMs = (ms: number): Day => Math.floor(ms / dayMs);

/** A day as `2025-01-04`. */
export const dayText = (day: Day): string => new Date(day * dayMs).toISOString().slice(0, 10);

/** A day given as `2025-01-04`, or null. */
export const parseDay = (text: unknown): Day | null => {
  const ms = typeof text === 'string' ? dayStartMs(text) : null;
  return ms === null ? null : dayOfMs(ms);
};

/** Standard products come months later and do not grow daily; what the others have ends today. */
export const isStandard = (dataset: string): boolean => dataset.endsWith('_SP');

/** The days from `first` to `last`, both included, in requests of a length that the API takes; the oldest first. */
export const splitDays = (first: Day, last: Day): readonly DayRange[] => {
  const ranges: DayRange[] = [];
  for (let from = first; from <= last; from += mostDaysOfRequest)
    ranges.push({ from, days: Math.min(mostDaysOfRequest, last - from + 1) });
  return ranges;
};

/**
 * What a poll of near-real-time data asks for: the last `dayRange` days, and all days since the last finished pass that
 * still got rows then. So an outage of ours leaves no gap, and what came in late around midnight none either. One request without a date where one will do: then the API's own clock says what today is.
 */
export const recentDays = (
  window: { readonly sinceMs: number | null; readonly untilMs: number },
  dayRange: number,
): readonly DayRange[] => {
  const today = dayOfMs(window.untilMs);
  const missed = window.sinceMs === null ? 0 : Math.min(mostDaysOfPoll, today - dayOfMs(window.sinceMs - lateMs) + 1);
  const days = Math.max(dayRange, missed);
  return days <= mostDaysOfRequest ? [{ from: null, days }] : splitDays(today - days + 1, today);
};

/**
 * What a poll of a standard product asks for: its newest `dayRange` days, and all that it has got since `done`, the last
 * day that an earlier poll had; not more than `mostDaysOfPoll` of them, the oldest first.
 */
export const grownDays = (available: Available, dayRange: number, done: Day | null): { first: Day; last: Day } => {
  const newest = Math.max(available.first, available.last - dayRange + 1);
  const first = done === null ? newest : Math.max(available.first, Math.min(newest, done + 1));
  return { first, last: Math.min(available.last, first + mostDaysOfPoll - 1) };
};

/** The days of a stretch of the past, its end not included. */
export const pastDays = (fromMs: number, toMs: number): { first: Day; last: Day } => ({
  first: dayOfMs(fromMs),
  last: Math.max(dayOfMs(fromMs), dayOfMs(toMs - 1)),
});

/** What the days that are wanted have and the data set has not, in words; null when it has them all. */
export const whatIsMissing = (
  dataset: string,
  wanted: { readonly first: Day; readonly last: Day },
  available: Available,
): string | null => {
  // Data of today may come after the answer about what there is was made.
  const last = isStandard(dataset) ? available.last : Number.POSITIVE_INFINITY;
  if (wanted.first >= available.first && wanted.last <= last) return null;
  const asked = `${dayText(wanted.first)} to ${dayText(wanted.last)}`;
  const has = `${dataset} has ${dayText(available.first)} to ${dayText(available.last)}`;
  const instead = isStandard(dataset)
    ? 'newer days are in the near-real-time data sets (…_NRT)'
    : 'older days are in the standard data sets (…_SP)';
  return `${asked} was asked for, and ${has}; ${instead}`;
};

/** What near-real-time data go back to when the API does not say it. */
export const usualAvailability = (nowMs: number): Available => ({
  first: dayOfMs(nowMs) - keptNrtDays,
  last: dayOfMs(nowMs),
});
