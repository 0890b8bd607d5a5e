// The throttle as the fleet shares it: the last decision of every source, the step from one sample to the next, and leave
// to send. Everything of a source lies under its hash tag; times are Redis' own.
import type { PriorityClass } from '../records/priority.ts';
import type { Slice, ThrottleDecision, ThrottleState } from '../throttle/decision.ts';
import type { LagReading } from './source-state.ts';

/** The last decision of a source. */
export interface StoredDecision {
  readonly decision: ThrottleDecision;
  /** Time since the sample that it was made from, in milliseconds by Redis' clock. */
  readonly ageMs: number;
}

/** Where a source's sampling stands; `number` 0 and `state` null: it was never sampled. */
export interface SamplingState {
  readonly number: number;
  readonly state: ThrottleState | null;
  /** The slices that stand in Redis, where these are not those of the state: it has lost some. */
  readonly written?: readonly Slice[];
}

/** One step: the sample after `from`, in place of what that left behind. */
export interface ThrottleStep {
  /** What the step was made from, as `load` gave it or the step before wrote it. */
  readonly from: SamplingState;
  readonly state: ThrottleState;
  readonly decision: ThrottleDecision;
  /** How long the decision holds if no other follows, in milliseconds; after that at most half of its rate is allowed. */
  readonly holdsMs: number;
  /** What is shown of the lag; its time is that of the state. */
  readonly lag: LagReading;
}

/** A batch that wants to go. */
export interface SendRequest {
  /** 0: nothing wants to go, it is only asked what holds. */
  readonly records: number;
  /** The class of its records; critical ones (1) wait for nothing and take rate first. */
  readonly priority: PriorityClass;
  /** Who asks, by a name unique over the fleet: of those who wait the most urgent goes first, of equals who has waited longest. */
  readonly asker: string;
  /** `throttling.maxSendRate` of the source, in records/s. */
  readonly maxRate: number;
  /** `throttling.minSendRate`; null: the throttle is turned off, and neither lag nor its absence slows anything. */
  readonly minRate: number | null;
}

/** Who was refused asks again after this many milliseconds at most: a new sample may have brought a milder decision. */
export const longestAskWaitMs = 1_000;

/** The answer to a batch. `waitMs`: how long until it may go if nothing else is decided and nobody else sends. */
export interface SendLeave {
  readonly isGranted: boolean;
  readonly waitMs: number;
  /** What holds now: records/s, and the pause between two batches in milliseconds. */
  readonly allowedRate: number;
  readonly delayMs: number;
}

/** The fleet's throttle. Calls reject with what Redis answered. */
export interface ThrottleStore {
  /** Redis' clock in milliseconds. */
  now(): Promise<number>;
  /** The last decisions; sources that were never sampled are left out. */
  read(sourceIds: readonly string[]): Promise<ReadonlyMap<string, StoredDecision>>;
  /** Where sampling stands, for a process that begins to sample or has lost a step to another. */
  load(sourceIds: readonly string[]): Promise<ReadonlyMap<string, SamplingState>>;
  /** Writes steps whose `from` is still the last sample; gives the sources whose step was written. */
  step(steps: ReadonlyMap<string, ThrottleStep>): Promise<ReadonlySet<string>>;
  /** Asks for leave to send one batch; granted, it counts against the rate at once, whether it is sent or not. */
  askToSend(sourceId: string, request: SendRequest): Promise<SendLeave>;
}
