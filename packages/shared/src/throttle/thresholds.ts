// What the two thresholds mean in records. A number is that number; a time is the flow of that time, because a healthy
// consumer that commits every few seconds lags by the flow of those seconds, however much that is.
import { formatDuration } from '../config/durations.ts';
import { lagFloors } from '../config/lag-floors.ts';
import type { LagThreshold } from '../config/lag-threshold.ts';
import type { ThrottlingSettings } from '../config/sections/throttling.ts';
import type { LagThresholds } from './decision.ts';
import { mostIn } from './flow.ts';
import type { FlowHistory } from './slices.ts';

/** Before any sample. */
export const unknownThresholds: LagThresholds = { target: null, critical: null };

/**
 * The thresholds after the newest sample. `calm`: those of the time before the source was slowed, while it is; null at full
 * rate. Flow that a slowed source makes by catching up must not raise its own thresholds, or a backlog would be poured onto
 * consumers that never bore as much: then only flow that they got through counts above `calm`.
 */
export function lagThresholds(
  history: FlowHistory,
  settings: ThrottlingSettings,
  calm: LagThresholds | null,
): LagThresholds {
  const target = inRecords(settings.targetConsumerLag, lagFloors.targetRecords, calm?.target);
  const critical = inRecords(settings.criticalConsumerLag, lagFloors.criticalRecords, calm?.critical);
  // Critical alone would be a guess too: the target may turn out to be above it.
  if (target === null || critical === null) return { target, critical: null };
  return { target, critical: Math.max(target, critical) };

  function inRecords(threshold: LagThreshold, floor: number, before: number | null | undefined): number | null {
    if (threshold.kind === 'records') return threshold.records;
    const flow = mostIn(threshold.ms, history, settings);
    if (flow === null) return null;
    const published = oneMore(flow.published);
    const borne = before === undefined ? published : Math.max(before ?? 0, oneMore(flow.consumed));
    return Math.max(floor, Math.min(published, borne));
  }
}

/**
 * A consumer that was through with everything that long ago lags by at most what came since, and must not be throttled for
 * being exactly there: 5,000 records after an idle quarter of an hour are a lag of 5,000.
 */
const oneMore = (records: number): number => Math.ceil(records) + 1;

/** A threshold for people: `5,000`, or `90,001 (60s of flow)`. */
export const describeThreshold = (records: number, threshold: LagThreshold): string => {
  const number = records.toLocaleString('en-US');
  return threshold.kind === 'time' ? `${number} (${describeTime(threshold.ms)} of flow)` : number;
};

/** Up to two minutes in seconds, as the config writes its defaults. */
export const describeTime = (ms: number): string => (ms <= 120_000 ? `${ms / 1_000}s` : formatDuration(ms));
