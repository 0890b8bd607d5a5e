// What the throttle remembers of the past: the time cut into slices, each with the lag that was seen in it and the records
// that came to the source's topics. At most about 120 slices whatever the settings, so that the state stays small.
import type { ThrottlingSettings } from '../config/sections/throttling.ts';
import { decisionHoldsMs, type LagSample, type Slice, type ThrottleState } from './decision.ts';

/** The part of the state that is the past. */
export type FlowHistory = Pick<ThrottleState, 'at' | 'ends' | 'since' | 'sliceMs' | 'slices'>;

const slicesPerSpan = 120;
const longestSpanMs = 3_600_000;
/** Topics that vanished are remembered, so that their return is no flow; from this number on only those that exist. */
const mostTopics = 200;

/** How far back the history goes in milliseconds: the window, or the longer of two times given as thresholds; at most 1 h. */
export const spanMs = (settings: ThrottlingSettings): number =>
  Math.min(
    longestSpanMs,
    Math.max(settings.windowSeconds * 1_000, timeOf(settings.targetConsumerLag), timeOf(settings.criticalConsumerLag)),
  );

const timeOf = (threshold: ThrottlingSettings['targetConsumerLag']): number =>
  threshold.kind === 'time' ? threshold.ms : 0;

/** Length of a slice in milliseconds: that of a sample, unless the span would then have more than 120. */
const sliceLengthMs = (settings: ThrottlingSettings): number =>
  Math.ceil(Math.max(settings.sampleIntervalMs, spanMs(settings) / slicesPerSpan));

/** Slices that cover `ms` wherever it begins: one more than fit in, so that a sum over them is never too small. */
export const slicesOver = (ms: number, sliceMs: number): number => Math.ceil(ms / sliceMs) + 1;

/** The history with one sample more. Never throws; a clock that went back loses the slices that are in the future now. */
export function addSample(previous: FlowHistory | null, sample: LagSample, settings: ThrottlingSettings): FlowHistory {
  const sliceMs = sliceLengthMs(settings);
  const slot = Math.floor(sample.at / sliceMs);
  const addition: Slice = {
    slot,
    lagSum: sample.lag ?? 0,
    samples: sample.lag === null ? 0 : 1,
    published: publishedSince(previous, sample, settings),
  };
  const oldest = slot - slicesOver(spanMs(settings), sliceMs) + 1;
  const slices = previous?.sliceMs === sliceMs ? previous.slices.filter((slice) => slice.slot >= oldest) : [];
  const before = slices.filter((slice) => slice.slot < slot);
  const same = slices.find((slice) => slice.slot === slot);
  return {
    at: sample.at,
    ends: knownEnds(previous, sample),
    since: watchedSince(previous, sample, settings, sliceMs),
    sliceMs,
    slices: [...before, same === undefined ? addition : sumOf(same, addition)],
  };
}

const sumOf = (one: Slice, other: Slice): Slice => ({
  slot: one.slot,
  lagSum: one.lagSum + other.lagSum,
  samples: one.samples + other.samples,
  published: one.published + other.published,
});

/** After a pause in sampling that is longer than the history, the flow in between says nothing about the present. */
const isAfterPause = (previous: FlowHistory, sample: LagSample, settings: ThrottlingSettings): boolean =>
  sample.at - previous.at > Math.max(spanMs(settings), decisionHoldsMs(settings.sampleIntervalMs));

/**
 * Records that came between two samples. All of them count for the slice of the later one: a healthy consumer's lag may be
 * the last of them. A topic that is new, or was made anew (its end went back), counts from the next sample on.
 */
function publishedSince(previous: FlowHistory | null, sample: LagSample, settings: ThrottlingSettings): number {
  if (previous === null || isAfterPause(previous, sample, settings)) return 0;
  let published = 0;
  for (const [topic, end] of Object.entries(sample.ends)) published += Math.max(0, end - (previous.ends[topic] ?? end));
  return published;
}

/** Since when nothing is missing in the slices; see `ThrottleState.since`. */
function watchedSince(
  previous: FlowHistory | null,
  sample: LagSample,
  settings: ThrottlingSettings,
  sliceMs: number,
): number {
  if (previous === null || isAfterPause(previous, sample, settings)) return sample.at;
  const areTopicsKnown = Object.entries(sample.ends).every(([topic, end]) => end >= (previous.ends[topic] ?? Infinity));
  if (!areTopicsKnown || sample.at < previous.at) return sample.at;
  return previous.sliceMs === sliceMs ? previous.since : previous.at;
}

function knownEnds(previous: FlowHistory | null, sample: LagSample): Readonly<Record<string, number>> {
  const all = { ...previous?.ends, ...sample.ends };
  return Object.keys(all).length > mostTopics ? sample.ends : all;
}
