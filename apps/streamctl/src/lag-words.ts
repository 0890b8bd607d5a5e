// Lag and throttle in words, for `streamctl lag` and `status`. Pure. What is not known is said to be unknown, never shown
// as 0.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { drainOf } from '@stream-manager/shared/throttle/drain-of';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** A number of records or of records/s; small ones with one decimal. */
export const amount = (value: number): string => (value < 10 ? tenths : whole).format(value);

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** A span in its one unit that reads best: `0.5 s`, `45 s`, `12 min`, `5 h`, `3 d`. */
export const span = (seconds: number): string => {
  if (seconds < 10) return `${tenths.format(seconds)} s`;
  if (seconds < 2 * minute) return `${whole.format(seconds)} s`;
  if (seconds < 2 * hour) return `${whole.format(seconds / minute)} min`;
  if (seconds < 2 * day) return `${whole.format(seconds / hour)} h`;
  return `${whole.format(seconds / day)} d`;
};

/** Less than this in records/s is no movement that anybody would act on. */
const steadyBelow = 1;

/** Which way the lag goes: `rising 120/s`, `falling 30/s`, `steady`, `–` while that is not known. */
export const trendWords = (trendPerSecond: number | null): string => {
  if (trendPerSecond === null) return '–';
  const speed = Math.abs(trendPerSecond);
  if (speed < steadyBelow) return 'steady';
  return `${trendPerSecond > 0 ? 'rising' : 'falling'} ${amount(speed)}/s`;
};

/** How long until the lag is gone: a span, `never` while nothing is read, `–` while that is not known. */
export const drainWords = (lag: StreamAnswer['lag']): string => {
  const seconds = drainOf(lag);
  if (seconds === null) return '–';
  return seconds === Number.POSITIVE_INFINITY ? 'never' : span(seconds);
};

const isLowered = ({ allowedRate, maxSendRate }: StreamAnswer['throttle']): boolean => allowedRate < maxSendRate;

const rateWords = (throttle: StreamAnswer['throttle']): string =>
  isLowered(throttle)
    ? `${amount(throttle.allowedRate)} of ${amount(throttle.maxSendRate)} records/s`
    : `up to ${amount(throttle.maxSendRate)} records/s`;

const actionWords = (throttle: StreamAnswer['throttle']): string => {
  switch (throttle.action) {
    case 'none':
      return isLowered(throttle) ? 'recovering' : 'not throttled';
    case 'throttle_moderate':
      return `throttled, level ${throttle.level}`;
    case 'throttle_critical':
      return `throttled hard, level ${throttle.level}`;
    case 'no_sample':
      return 'lag unknown';
    default:
      // A newer scheduler may know more.
      return throttle.action;
  }
};

/** The decision in words: `throttled hard, level 2: 312 of 100,000 records/s, 2.3 s between batches`. */
export const decisionWords = (throttle: StreamAnswer['throttle']): string => {
  const pause = throttle.delayMs > 0 ? `, ${span(throttle.delayMs / 1000)} between batches` : '';
  return `${actionWords(throttle)}: ${rateWords(throttle)}${pause}`;
};

/** The decision in the few letters that a column has: `–` at full speed, `critical 312/s +2.3 s` at worst. */
export const shortDecision = (throttle: StreamAnswer['throttle']): string => {
  const pause = throttle.delayMs > 0 ? ` +${span(throttle.delayMs / 1000)}` : '';
  const rate = isLowered(throttle) ? ` ${amount(throttle.allowedRate)}/s` : '';
  switch (throttle.action) {
    case 'none':
      return isLowered(throttle) ? `recovering${rate}` : '–';
    case 'no_sample':
      return `no sample${rate}${pause}`;
    default:
      return `${throttle.action.replace(/^throttle_/, '')}${rate}${pause}`;
  }
};

/** Whether the throttle slows the source now because of its lag. */
export const isThrottled = ({ action }: StreamAnswer['throttle']): boolean =>
  action === 'throttle_moderate' || action === 'throttle_critical';
