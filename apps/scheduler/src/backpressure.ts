// What is seen of a source's backpressure: its consumers' lag and the throttle's decision as they hold now, for the API, the
// overview and the gauges alike. Pure. An old lag is none: it is never shown as the present.
import type { ThrottlingSettings } from '@stream-manager/shared/config/sections/throttling';
import type { LagOfGroup, LagState } from '@stream-manager/shared/queues/source-state';
import type { StoredDecision } from '@stream-manager/shared/queues/throttle-store';
import { currentDecision } from '@stream-manager/shared/throttle/current-decision';
import { decisionHoldsMs, type ThrottleAction } from '@stream-manager/shared/throttle/decision';

/** The lag of a source. Records null = unknown; then the trend and the time to drain are, too. */
export interface LagView {
  /** Of the worst group. */
  readonly records: number | null;
  /** That group, and the topic on which it is furthest behind. */
  readonly group: string | null;
  readonly topic: string | null;
  /** ISO 8601, by Redis' clock; also of a sample that is too old to count. */
  readonly sampledAt: string | null;
  readonly ageMs: number | null;
  readonly groups: readonly LagOfGroup[];
  /** Groups left out because their commits have not moved for a day. */
  readonly abandonedGroups: readonly string[];
  /** Change over the window in records/s, above 0 = it grows. */
  readonly trendPerSecond: number | null;
  /** 0 without lag; null when unknown, and, while the trend is known, when nothing is read. */
  readonly drainSeconds: number | null;
}

/** What the throttle does about it. */
export interface ThrottleView {
  readonly action: ThrottleAction;
  readonly level: number;
  readonly delayMs: number;
  /** Records/s over the whole fleet. */
  readonly allowedRate: number;
  /** The same without a throttle. */
  readonly maxSendRate: number;
  /** One clause without a full stop. */
  readonly reason: string;
  readonly targetRecords: number | null;
  readonly criticalRecords: number | null;
}

/** Both. */
export interface Backpressure {
  readonly lag: LagView;
  readonly throttle: ThrottleView;
}

/** What they are made of. */
export interface BackpressureFacts {
  /** As the state of the source has it. */
  readonly lag: LagState | null;
  /** The last decision; undefined: never sampled. */
  readonly stored: StoredDecision | undefined;
  /** Of the source, as resolved. */
  readonly settings: ThrottlingSettings;
  /** `throttling.sampleIntervalMs` of the fleet. */
  readonly sampleIntervalMs: number;
}

const noLag: LagView = {
  records: null,
  group: null,
  topic: null,
  sampledAt: null,
  ageMs: null,
  groups: [],
  abandonedGroups: [],
  trendPerSecond: null,
  drainSeconds: null,
};

const viewLag = ({ lag, stored, sampleIntervalMs }: BackpressureFacts): LagView => {
  // Lag and decision are written in one step: a lag without a decision was left by an older version.
  if (lag === null || stored === undefined) return noLag;
  const { sampledAt, records, group, topic, groups, abandoned } = lag;
  const { ageMs, decision } = stored;
  if (ageMs > decisionHoldsMs(sampleIntervalMs)) return { ...noLag, sampledAt, ageMs };
  const { trendPerSecond, drainSeconds } = decision;
  return { records, group, topic, sampledAt, ageMs, groups, abandonedGroups: abandoned, trendPerSecond, drainSeconds };
};

/** The backpressure of a source of the config. */
export const viewBackpressure = (facts: BackpressureFacts): Backpressure => {
  const { settings } = facts;
  const decision = currentDecision(facts.stored, settings, facts.sampleIntervalMs);
  const { action, level, delayMs, allowedRate, reason, targetRecords, criticalRecords } = decision;
  return {
    lag: viewLag(facts),
    throttle: {
      action,
      level,
      delayMs,
      allowedRate,
      maxSendRate: settings.maxSendRate,
      reason,
      targetRecords,
      criticalRecords,
    },
  };
};

/** That of a source that is gone from the config: nobody samples its lag, and the last sample would be shown for ever. */
export const retiredBackpressure = (maxSendRate: number): Backpressure => ({
  lag: noLag,
  throttle: {
    action: 'no_sample',
    level: 0,
    delayMs: 0,
    allowedRate: maxSendRate,
    maxSendRate,
    reason: 'the source is gone from the config, so its lag is not read any more',
    targetRecords: null,
    criticalRecords: null,
  },
});
