// Lag thresholds of the throttle: a number of records, or a time. A time stands for the most records that were published
// to the source's topics in any such time of the window, so that a healthy consumer that commits every few seconds is
// not throttled for the records of its commit interval.
import { z } from 'zod';
import { durationForm, formatDuration, parseDuration } from './durations.ts';
import { fieldFacts } from './fields.ts';
import { lagFloors } from './lag-floors.ts';

/** Either a fixed number of records, or the flow of the last `ms` milliseconds. */
export type LagThreshold =
  | { readonly kind: 'records'; readonly records: number }
  | { readonly kind: 'time'; readonly ms: number };

const mostRecords = 1_000_000_000_000;
const longestMs = 86_400_000;

/** A threshold as a field of the config. */
export const lagThreshold = (about: string) =>
  z
    .union([z.number(), z.string()])
    .transform((value, context): LagThreshold => {
      if (typeof value === 'number') {
        if (Number.isInteger(value) && value >= 1 && value <= mostRecords) return { kind: 'records', records: value };
      } else {
        const ms = parseDuration(value);
        if (ms !== undefined && ms >= 1_000 && ms <= longestMs) return { kind: 'time', ms };
      }
      context.addIssue({ code: 'custom', params: { plain: true } });
      return z.NEVER;
    })
    .describe(about)
    .register(fieldFacts, { expects: `a whole number of records from 1, or ${durationForm} (1s to 24h)` });

/** As the config would write it: `1000 records` or `15s`. */
export const printThreshold = (threshold: LagThreshold): string =>
  threshold.kind === 'records' ? `${threshold.records} records` : formatDuration(threshold.ms);

/**
 * Can the target be above the critical threshold? `always` is an error; `sometimes` (one is a time and the flow decides)
 * only a warning, because the throttle then takes the higher of the two as critical.
 */
export function targetAboveCritical(target: LagThreshold, critical: LagThreshold): 'never' | 'sometimes' | 'always' {
  if (target.kind === 'records' && critical.kind === 'records')
    return target.records > critical.records ? 'always' : 'never';
  if (target.kind === 'time' && critical.kind === 'time') return target.ms > critical.ms ? 'always' : 'never';
  if (target.kind === 'records') return target.records > lagFloors.criticalRecords ? 'sometimes' : 'never';
  if (critical.kind === 'records') return critical.records < lagFloors.targetRecords ? 'always' : 'sometimes';
  return 'never';
}
