// The throttle before a poll: while the consumers are behind, a poll is delayed before each fetch, once, by the delay that the
// fleet has decided on. What fills the queue is met where it is full; this only takes the hurry out.
import type { PollDelayCause } from '@stream-manager/shared/jobs/payloads';
import type { StoredDecision } from '@stream-manager/shared/queues/throttle-store';
import type { PolledSource } from './polled-sources.ts';

/** Why a source is not polled now, and in how many milliseconds it looks again. */
export interface HeldBack {
  readonly by: PollDelayCause;
  readonly reason: string;
  readonly waitMs: number;
}

/** What of a poll decides whether the throttle delays it. */
export interface ThrottledPoll {
  /** A person asked for it. */
  readonly isRequested: boolean;
  /** It was delayed for the throttle since its last fetch. */
  readonly wasThrottled: boolean;
}

/** Whether the throttle may delay the poll at all: not what is urgent, what a person asked for, or what has waited. Pure. */
export const mayBeThrottled = ({ config }: Pick<PolledSource, 'config'>, poll: ThrottledPoll): boolean =>
  config.throttling.enabled && config.priority !== 'critical' && !poll.isRequested && !poll.wasThrottled;

/** The delay that a decision makes; null: none, or it is older than `holdsMs` (milliseconds) and says nothing about now. Pure. */
export const throttleDelay = (stored: StoredDecision | undefined, holdsMs: number): HeldBack | null => {
  if (stored === undefined || stored.ageMs > holdsMs || stored.decision.delayMs <= 0) return null;
  const { delayMs, reason } = stored.decision;
  return { by: 'throttle', reason: `the consumers are behind: ${reason}`, waitMs: delayMs };
};
