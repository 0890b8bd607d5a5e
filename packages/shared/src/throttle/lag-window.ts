// How the lag went over the window: its average, whether it grows, and how long the consumers need for it.
import type { FlowHistory } from './slices.ts';

/** See the fields of the same names in `ThrottleDecision`. */
export interface LagWindow {
  readonly averageLag: number | null;
  readonly trendPerSecond: number | null;
  readonly drainSeconds: number | null;
}

/** The window that ends with the newest sample, whose lag is `lag` (null: not known, which the trend of older ones says nothing about). */
export function lagWindow(history: FlowHistory, lag: number | null, windowMs: number): LagWindow {
  const newestSlot = Math.floor(history.at / history.sliceMs);
  const slices = history.slices.filter(({ slot }) => slot > newestSlot - Math.ceil(windowMs / history.sliceMs));
  const sampled = slices.filter(({ samples }) => samples > 0);
  const oldest = sampled[0];
  const newest = sampled.at(-1);
  if (lag === null || oldest === undefined || newest === undefined)
    return { averageLag: averageOf(sampled), trendPerSecond: null, drainSeconds: null };
  const seconds = ((newest.slot - oldest.slot) * history.sliceMs) / 1_000;
  if (seconds === 0)
    return { averageLag: averageOf(sampled), trendPerSecond: null, drainSeconds: lag === 0 ? 0 : null };
  const trendPerSecond = (newest.lagSum / newest.samples - oldest.lagSum / oldest.samples) / seconds;
  let published = 0;
  for (const slice of slices) if (slice.slot > oldest.slot) published += slice.published;
  const consumedPerSecond = published / seconds - trendPerSecond;
  return { averageLag: averageOf(sampled), trendPerSecond, drainSeconds: drainSeconds(lag, consumedPerSecond) };
}

function averageOf(sampled: FlowHistory['slices']): number | null {
  let lagSum = 0;
  let samples = 0;
  for (const slice of sampled) {
    lagSum += slice.lagSum;
    samples += slice.samples;
  }
  return samples === 0 ? null : lagSum / samples;
}

const drainSeconds = (lag: number, consumedPerSecond: number): number | null => {
  if (lag === 0) return 0;
  return consumedPerSecond > 0 ? lag / consumedPerSecond : null;
};
