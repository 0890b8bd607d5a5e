// How many records came to a source's topics, and how many its consumers got through, in a given time of the history.
import type { ThrottlingSettings } from '../config/sections/throttling.ts';
import type { Slice } from './decision.ts';
import { type FlowHistory, slicesOver, spanMs } from './slices.ts';

/** Records in the busiest time of some length. */
export interface Flow {
  readonly published: number;
  /** What was published less what the lag grew by. */
  readonly consumed: number;
}

/**
 * The most records in any `ms` of the history; of a time that is not wholly watched yet extrapolated from what was. Null until
 * half of it (of the history, if that is shorter) was watched: within that time no healthy consumer lags by more than was
 * seen to come, and nobody can fall behind by more than the threshold allows.
 */
export function mostIn(ms: number, history: FlowHistory, settings: ThrottlingSettings): Flow | null {
  const watchedMs = Math.min(history.at - history.since, spanMs(settings));
  if (watchedMs < Math.min(ms, spanMs(settings)) / 2) return null;
  const most = (recordsOf: readonly number[]): number => {
    const inSlots = mostInSlots(history.slices, recordsOf, slicesOver(ms, history.sliceMs));
    return watchedMs >= ms ? inSlots : Math.max(inSlots, (sinceWatched(history, recordsOf) * ms) / watchedMs);
  };
  return {
    published: most(history.slices.map(({ published }) => published)),
    consumed: most(consumedIn(history.slices)),
  };
}

function sinceWatched({ slices, since, sliceMs }: FlowHistory, recordsOf: readonly number[]): number {
  const firstSlot = Math.floor(since / sliceMs);
  return slices.reduce((sum, { slot }, index) => (slot < firstSlot ? sum : sum + (recordsOf[index] ?? 0)), 0);
}

/** Slice by slice; below 0 where the lag grew by more than came, as between two commits. */
function consumedIn(slices: readonly Slice[]): readonly number[] {
  let lag: number | null = null;
  return slices.map(({ published, lagSum, samples }) => {
    if (samples === 0) return published;
    const now = lagSum / samples;
    const grown = lag === null ? 0 : now - lag;
    lag = now;
    return published - grown;
  });
}

function mostInSlots(slices: readonly Slice[], recordsOf: readonly number[], slots: number): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const [index, { slot }] of slices.entries()) {
    sum += recordsOf[index] ?? 0;
    for (let out = slices[first]; out !== undefined && out.slot <= slot - slots; out = slices[first]) {
      sum -= recordsOf[first] ?? 0;
      first += 1;
    }
    most = Math.max(most, sum);
  }
  return most;
}
