// What the two thresholds mean in records. A number is that number; a time is the flow of that time, because a healthy
// consumer that commits every few seconds lags by the flow of those seconds, however much that is.
import { formatDuration } from '../config/durations.ts';
import { type LagThreshold, lagFloors } from '../config/lag-threshold.ts';
import type { ThrottlingSettings } from '../config/sections/throttling.ts';
import { type FlowHistory, mostPublishedIn } from './slices.ts';

/** In records; null: a time whose flow is not known yet. `critical` is never below `target`. */
export interface LagThresholds {
  readonly target: number | null;
  readonly critical: number | null;
}

/** The thresholds as they stand after the newest sample. */
export function lagThresholds(history: FlowHistory, settings: ThrottlingSettings): LagThresholds {
  const target = inRecords(settings.targetConsumerLag, lagFloors.targetRecords, history, settings);
  const critical = inRecords(settings.criticalConsumerLag, lagFloors.criticalRecords, history, settings);
  // Critical alone would be a guess too: the target may turn out to be above it.
  if (target === null || critical === null) return { target, critical: null };
  return { target, critical: Math.max(target, critical) };
}

/**
 * One more than was published: a consumer that was through with everything that long ago lags by at most what came since,
 * and must not be throttled for being exactly there (5,000 records after an idle quarter of an hour are a lag of 5,000).
 */
function inRecords(
  threshold: LagThreshold,
  floor: number,
  history: FlowHistory,
  settings: ThrottlingSettings,
): number | null {
  if (threshold.kind === 'records') return threshold.records;
  const published = mostPublishedIn(history, threshold.ms, settings);
  return published === null ? null : Math.max(floor, Math.ceil(published) + 1);
}

/** A threshold for people: `5,000`, or `90,001 (60s of flow)`. */
export const describeThreshold = (records: number, threshold: LagThreshold): string => {
  const number = records.toLocaleString('en-US');
  return threshold.kind === 'time' ? `${number} (${formatDuration(threshold.ms)} of flow)` : number;
};
