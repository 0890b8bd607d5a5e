// The time to drain out of what a decision says: JSON has no word for "never", which the gauges and `streamctl` need.
import type { ThrottleDecision } from './decision.ts';

/** Seconds until the worst group is through: Infinity while there is lag and nothing is read, null while that is not known. Pure. */
export const drainOf = ({
  records,
  trendPerSecond,
  drainSeconds,
}: Pick<ThrottleDecision, 'trendPerSecond' | 'drainSeconds'> & { readonly records: number | null }): number | null => {
  if (records === null) return null;
  if (drainSeconds !== null) return drainSeconds;
  // With a known trend the flow is known: then no time means that nothing is read.
  return trendPerSecond !== null && records > 0 ? Number.POSITIVE_INFINITY : null;
};
