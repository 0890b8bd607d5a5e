// When a provider says "come back later": both forms of the Retry-After header (RFC 9110, 10.2.3).

/** A longer wait is taken for this: one day, in milliseconds. */
export const longestRetryAfterMs = 86_400_000;

/**
 * The wait in milliseconds, or null without a header that can be read. A date counts from the answer's own `Date`
 * header if it has one, so that the provider's clock may be wrong; else from `nowMs`. A date in the past is 0.
 */
export const parseRetryAfter = (value: string | undefined, date: string | undefined, nowMs: number): number | null => {
  const text = value?.trim() ?? '';
  // Sent twice it comes as a list: the first counts.
  const seconds = /^(\d+(?:\.\d+)?)\s*(?:,|$)/.exec(text)?.[1];
  if (seconds !== undefined) return Math.min(Math.ceil(Number(seconds) * 1000), longestRetryAfterMs);
  // Only the forms of HTTP dates begin with a day's name; Date.parse alone would read "-5" or "7 apples" as a year.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)) return null;
  const untilMs = Date.parse(text);
  if (Number.isNaN(untilMs)) return null;
  const saidAtMs = date === undefined ? Number.NaN : Date.parse(date);
  const waitMs = untilMs - (Number.isNaN(saidAtMs) ? nowMs : saidAtMs);
  return Math.min(Math.max(waitMs, 0), longestRetryAfterMs);
};
