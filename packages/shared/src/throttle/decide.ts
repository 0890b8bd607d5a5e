// The throttle's decision: one sample of lag more, and what follows from it for a source. A pure function, so that tables,
// properties and hours of simulated time can test it; Redis makes sure that one sample is one step for the whole fleet.
//
//   no_sample ── no group has a commit: full rate, level 0          throttle_moderate ── at least the target: rate ÷ factor
//   none ── below the target: after `recoveryChecks` in a row       throttle_critical ── at least critical: level + 1,
//           level 0, and rate × factor per sample                                         rate ÷ factor²
import type { ThrottlingSettings } from '../config/sections/throttling.ts';
import {
  highestLevel,
  type LagSample,
  type LagThresholds,
  type ThrottleAction,
  type ThrottleDecision,
  type ThrottleState,
} from './decision.ts';
import { type LagWindow, lagWindow } from './lag-window.ts';
import { explain, type ThrottleRule } from './reason.ts';
import { addSample } from './slices.ts';
import { lagThresholds, unknownThresholds } from './thresholds.ts';

/** How fast the source may go, apart from the past. */
type Pace = Pick<ThrottleState, 'level' | 'allowedRate' | 'lowSamples'>;

/**
 * The step from one sample to the next; `state` null: the source was never sampled. Never throws. Settings may differ from
 * those of the last step: the rate is brought within the new bounds, and slices of another length begin anew.
 */
export function decide(
  state: ThrottleState | null,
  sample: LagSample,
  settings: ThrottlingSettings,
): { readonly state: ThrottleState; readonly decision: ThrottleDecision } {
  const history = addSample(state, sample, settings);
  const before = paceWithin(state, settings);
  const calm = state?.calm ?? unknownThresholds;
  const isSlowed = before.allowedRate < settings.maxSendRate;
  const thresholds = lagThresholds(history, settings, isSlowed ? calm : null);
  const window = lagWindow(history, sample.lag, settings.windowSeconds * 1_000);
  const rule = chooseRule(sample.lag, window, thresholds, settings);
  const pace = nextPace(rule, before, settings);
  const action = actionOf(rule, sample.lag);
  return {
    state: { ...pace, calm: pace.allowedRate < settings.maxSendRate ? calm : thresholds, ...history },
    decision: {
      action,
      level: pace.level,
      delayMs: delayMs(action, pace.level, settings),
      allowedRate: pace.allowedRate,
      lag: sample.lag,
      ...window,
      targetRecords: thresholds.target,
      criticalRecords: thresholds.critical,
      reason: explain({ rule, sample, window, thresholds, pace, watchedMs: history.at - history.since }, settings),
    },
  };
}

function chooseRule(
  lag: number | null,
  { averageLag }: LagWindow,
  { target, critical }: LagThresholds,
  settings: ThrottlingSettings,
): ThrottleRule {
  if (!settings.enabled) return 'off';
  if (lag === null) return 'no_group';
  if (target === null) return 'flow_unknown';
  if (lag < target) return 'low';
  if (critical !== null && lag >= critical) return 'critical';
  if (critical !== null && averageLag !== null && averageLag >= critical) return 'critical_average';
  return 'target';
}

function actionOf(rule: ThrottleRule, lag: number | null): ThrottleAction {
  switch (rule) {
    case 'off':
      return lag === null ? 'no_sample' : 'none';
    case 'no_group':
      return 'no_sample';
    case 'flow_unknown':
    case 'low':
      return 'none';
    case 'target':
      return 'throttle_moderate';
    case 'critical':
    case 'critical_average':
      return 'throttle_critical';
  }
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

function paceWithin(state: ThrottleState | null, settings: ThrottlingSettings): Pace {
  if (state === null) return { level: 0, allowedRate: settings.maxSendRate, lowSamples: 0 };
  return {
    level: clamp(state.level, 0, highestLevel),
    allowedRate: clamp(state.allowedRate, settings.minSendRate, settings.maxSendRate),
    lowSamples: state.lowSamples,
  };
}

function nextPace(rule: ThrottleRule, pace: Pace, settings: ThrottlingSettings): Pace {
  const { adjustmentFactor: factor, minSendRate, maxSendRate, recoveryChecks } = settings;
  switch (rule) {
    case 'off':
    case 'no_group':
      return { level: 0, allowedRate: maxSendRate, lowSamples: 0 };
    // Neither a low sample nor a high one: what held goes on holding.
    case 'flow_unknown':
      return pace;
    case 'low': {
      const lowSamples = Math.min(recoveryChecks, pace.lowSamples + 1);
      if (lowSamples < recoveryChecks) return { ...pace, lowSamples };
      return { level: 0, allowedRate: Math.min(maxSendRate, pace.allowedRate * factor), lowSamples };
    }
    case 'target':
      return { ...pace, allowedRate: Math.max(minSendRate, pace.allowedRate / factor), lowSamples: 0 };
    case 'critical':
    case 'critical_average':
      return {
        level: Math.min(highestLevel, pace.level + 1),
        allowedRate: Math.max(minSendRate, pace.allowedRate / factor ** 2),
        lowSamples: 0,
      };
  }
}

/** The pause before the fleet's next batch, in whole milliseconds; 0 unless the source is throttled. */
function delayMs(action: ThrottleAction, level: number, settings: ThrottlingSettings): number {
  if (action === 'none' || action === 'no_sample') return 0;
  return Math.min(settings.maxDelayMs, Math.round(settings.baseDelayMs * settings.adjustmentFactor ** level));
}
