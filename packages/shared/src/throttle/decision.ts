// The words of the throttle: what a sample of lag brings, what is decided from it, and what is remembered from sample to
// sample. Plain data, so that it can lie in Redis and go through the API as it is.

/** What the throttle does about a source. `no_sample`: the lag is not known, and that is never taken for "no lag". */
export type ThrottleAction = 'none' | 'throttle_moderate' | 'throttle_critical' | 'no_sample';

/** Highest level; the multiplier of level n is `adjustmentFactor`^n. */
export const highestLevel = 4;

/**
 * How long a decision holds while no lag can be read, in milliseconds: 30 s, and never less than three samples (lag may be
 * sampled as seldom as once a minute). `sampleIntervalMs` is that of the fleet, not of a source. Pure.
 */
export const decisionHoldsMs = (sampleIntervalMs: number): number => Math.max(30_000, 3 * sampleIntervalMs);

/** Records that were published and lag that was seen in one slice of time. */
export interface Slice {
  /** Number of the slice: its begin divided by the length of a slice. */
  readonly slot: number;
  readonly lagSum: number;
  readonly samples: number;
  /** Records that came to the source's topics, from whomever. */
  readonly published: number;
}

/** The two thresholds in records; null: a time whose flow is not known yet. `critical` is never below `target`. */
export interface LagThresholds {
  readonly target: number | null;
  readonly critical: number | null;
}

/** What is remembered of a source between two samples. */
export interface ThrottleState {
  readonly level: number;
  /** Records/s. */
  readonly allowedRate: number;
  /** Samples below the target in a row. */
  readonly lowSamples: number;
  /** The thresholds at the last sample that left the source at full rate; absent: there was none yet. */
  readonly calm?: LagThresholds;
  /** Time of the last sample, in milliseconds by Redis' clock. */
  readonly at: number;
  /** Ends of the source's topics at the last sample, each the sum over its partitions. */
  readonly ends: Readonly<Record<string, number>>;
  /** Since when all that came to the topics is counted in the slices, in milliseconds by Redis' clock; at most `at`. */
  readonly since: number;
  /** Length of a slice in milliseconds; slices of another length are of other settings and worth nothing. */
  readonly sliceMs: number;
  /** Oldest first; slices without a sample are left out. */
  readonly slices: readonly Slice[];
}

/** One sample of a source's lag. */
export interface LagSample {
  /** In milliseconds by Redis' clock. */
  readonly at: number;
  /** Lag of the worst group in records; null: no group has a commit on the source's topics. */
  readonly lag: number | null;
  /** That group, and the topic on which it is furthest behind; null as `lag`. */
  readonly group: string | null;
  readonly topic: string | null;
  /** Ends of the source's topics, as far as they exist: each the sum over its partitions. */
  readonly ends: Readonly<Record<string, number>>;
}

/** What is decided for a source until the next sample. */
export interface ThrottleDecision {
  readonly action: ThrottleAction;
  /** 0 to 4. */
  readonly level: number;
  /** Pause until the fleet's next batch of the source, and before its next poll, in milliseconds; 0 unless it is throttled. */
  readonly delayMs: number;
  /** Records/s of the source over the whole fleet. */
  readonly allowedRate: number;
  /** The sample, in records; null as in the sample. */
  readonly lag: number | null;
  /** Average of the window in records; null without a sample in it. */
  readonly averageLag: number | null;
  /** What the two thresholds mean in records now; null: it is a time, and the flow has not been watched for half of it yet. */
  readonly targetRecords: number | null;
  readonly criticalRecords: number | null;
  /** Change of the lag over the window in records/s, above 0 = it grows; null: not known yet. */
  readonly trendPerSecond: number | null;
  /** Time until the group is through with what lies before it, at the rate at which it has read over the window, in seconds; null: not known, or it reads nothing. 0 without lag. */
  readonly drainSeconds: number | null;
  /** Why, for people: one clause without a full stop, numbers and names in it. */
  readonly reason: string;
}
