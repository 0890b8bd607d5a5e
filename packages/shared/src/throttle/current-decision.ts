// What holds for a source right now: the last decision, unless the lag could not be read for too long. The same rule
// stands in the Lua of `askToSend`, which asks by itself before every batch.
import type { ThrottlingSettings } from '../config/sections/throttling.ts';
import { decisionHoldsMs, type ThrottleDecision } from './decision.ts';

/** A decision and the time since the sample that it was made from, in milliseconds. */
export interface AgedDecision {
  readonly decision: ThrottleDecision;
  readonly ageMs: number;
}

/**
 * The decision that holds. `stored` undefined: the source was never sampled, which means full rate and no delay, never "no
 * lag". Within `decisionHoldsMs` the last decision holds, its rate within the present bounds; after that at most half of
 * its rate, and its delay, until a sample comes: consumers whose lag nobody can read are not flooded, nor cut off. With
 * throttling turned off nothing is held back, whatever was decided before. Pure.
 *
 * @param sampleIntervalMs `throttling.sampleIntervalMs` of the fleet, not of the source.
 */
export function currentDecision(
  stored: AgedDecision | undefined,
  settings: ThrottlingSettings,
  sampleIntervalMs: number,
): ThrottleDecision {
  if (stored === undefined) return { ...nothingKnown, allowedRate: settings.maxSendRate };
  const { decision, ageMs } = stored;
  const isHeld = ageMs <= decisionHoldsMs(sampleIntervalMs);
  if (!settings.enabled) return withoutThrottle(isHeld ? decision : forgetLag(decision, ageMs), settings);
  if (isHeld) return { ...decision, allowedRate: within(decision.allowedRate, settings) };
  return {
    ...forgetLag(decision, ageMs),
    allowedRate: within(within(decision.allowedRate, settings) / 2, settings),
    reason: `${unreadFor(ageMs)}, so at most half of the last allowed rate`,
  };
}

const nothingKnown = {
  action: 'no_sample',
  level: 0,
  delayMs: 0,
  lag: null,
  averageLag: null,
  targetRecords: null,
  criticalRecords: null,
  trendPerSecond: null,
  drainSeconds: null,
  reason: 'lag was never read for this source',
} as const;

const within = (rate: number, { minSendRate, maxSendRate }: ThrottlingSettings): number =>
  Math.min(maxSendRate, Math.max(minSendRate, rate));

/** An old lag is none: neither it nor what was computed from it is shown as the present. */
const forgetLag = (decision: ThrottleDecision, ageMs: number): ThrottleDecision => ({
  ...decision,
  action: 'no_sample',
  lag: null,
  averageLag: null,
  trendPerSecond: null,
  drainSeconds: null,
  reason: unreadFor(ageMs),
});

const unreadFor = (ageMs: number): string => `no lag could be read for ${Math.floor(ageMs / 1_000)}s`;

const withoutThrottle = (decision: ThrottleDecision, { maxSendRate }: ThrottlingSettings): ThrottleDecision => ({
  ...decision,
  action: decision.lag === null ? 'no_sample' : 'none',
  level: 0,
  delayMs: 0,
  allowedRate: maxSendRate,
  reason: decision.delayMs === 0 ? decision.reason : 'throttling is turned off',
});
