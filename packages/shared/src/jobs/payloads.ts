// What jobs carry. Small on purpose: Bull Board shows it, BullMQ parses it, and no secret may ever be in it.
import type { PriorityClass } from '../records/priority.ts';

/** A tick (job `tick` of queue `poll`), armed by the source's job scheduler; it only adds the poll. */
export interface TickJobData {
  readonly sourceId: string;
  /** Hash of the schedule's definition: the reconciler compares it before it writes. */
  readonly definition: string;
}

/**
 * What a poll waits for: the lag of the consumers (`throttle`), room in its queue, our rate limit (`budget`), the
 * provider's (`rate_limited`), memory of Redis, room for dead letters, its share of a poller's slots (`host`), a provider
 * that does not answer any poll (`breaker`), or another try after a failed one (`retry`). Only a backfill waits for its
 * source, which is paused or stopped (`source`), for an earlier one of the source (`earlier`), or after an error (`error`).
 */
export type PollDelayCause =
  | 'throttle'
  | 'room'
  | 'budget'
  | 'rate_limited'
  | 'memory'
  | 'letters'
  | 'host'
  | 'breaker'
  | 'retry'
  | 'source'
  | 'earlier'
  | 'error';

/** Why a poll is delayed, for whoever looks at its job; without secrets. */
export interface PollDelay {
  readonly by: PollDelayCause;
  /** One sentence for people. */
  readonly reason: string;
  /** When it began to wait for this, ISO 8601: a poll that looks again and is delayed again keeps it. */
  readonly since: string;
  /** When it looks again, ISO 8601. */
  readonly until: string;
}

/** One poll of one source (job `poll` of queue `poll`). */
export interface PollJobData {
  readonly sourceId: string;
  /** The tick this poll belongs to, in milliseconds since the epoch (poll now: the time of the request). */
  readonly scheduledFor: number;
  /** A person asked for it: it runs although the source is stopped or disabled. For one fetch, and until somebody stops the source. */
  readonly isRequested?: true;
  /** Why it is delayed; taken away when it runs on. */
  readonly delayed?: PollDelay;
  /** It was delayed for the throttle since its last fetch: it is not again before the next. */
  readonly wasThrottled?: true;
  /** How often it failed and was tried again. */
  readonly retries?: number;
}

/**
 * The past of a source, fetched slice by slice (job `backfill` of queue `poll`). Id: `backfill-<source id>-<backfill id>`.
 * What counts is its entry in Redis (queues/backfill-store.ts); all but the two ids is for whoever looks at the job.
 */
export interface BackfillJobData {
  readonly sourceId: string;
  readonly backfillId: string;
  /** ISO 8601, like all times here. */
  readonly from: string;
  readonly to: string;
  /** All before it is in the queues. */
  readonly doneUntil: string;
  /** New or corrected so far. */
  readonly records: number;
  readonly requestedAt: string;
  readonly requestedBy: string;
  /** Why it is delayed; taken away when it runs on. */
  readonly delayed?: PollDelay;
}

/**
 * A row that was invalid and is to be parsed again (job `reparse` of queue `poll`), because the parsers live in the
 * pollers: the replay of a letter with a raw row. Id: `reparse-<letter's job id>`.
 */
export interface ReparseJobData {
  readonly sourceId: string;
  /** Job id of the letter; it waits until its mark is among the seen ids (queues/dead-letters/letter-mark.ts). */
  readonly letterId: string;
  /** When the letter's job was added, in milliseconds since the epoch: the same id may be another letter's later. */
  readonly letterAddedAt: number;
  readonly raw: string;
  /** `DeadLetterJobData.rawContext`; empty if it has none. */
  readonly rawContext: string;
  /** The rest is the letter's, for the letter that takes its place if the row is still invalid. */
  readonly code: string;
  readonly replays: number;
  readonly pollId: string;
  readonly firstFailedAt: string;
}

/** The name of every chunk job. */
export const chunkJobName = 'chunk';

/** A chunk job; its id (job.id) is the chunk's id. The records lie in the chunk's payload key. */
export interface ChunkJobData {
  readonly records: number;
  readonly priority: PriorityClass;
  readonly pollId: string;
  readonly payloadVersion: number;
  /** Up to three records as they will stand in Kafka, for whoever looks at the job. */
  readonly sample: readonly unknown[];
}

/** One attempt to publish a record. */
export interface SendAttempt {
  readonly at: string;
  readonly error: string;
}

/**
 * A dead letter: a record that could not be published, or a row that is no record. Exactly one of `record` and `raw`.
 * The job's name is the letter's code, so that Bull Board shows and finds it.
 */
export interface DeadLetterJobData {
  readonly sourceId: string;
  readonly code: string;
  readonly reason: string;
  readonly topic: string | null;
  readonly record?: unknown;
  readonly raw?: string;
  /** What the raw row cannot be read without (`InvalidRow.context`). */
  readonly rawContext?: string;
  /** `raw` is not the whole row: it cannot be parsed again. */
  readonly rawIsIncomplete?: true;
  readonly attempts: readonly SendAttempt[];
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
  readonly pollId: string;
  readonly payloadVersion: number;
  /** How often this record was replayed before. */
  readonly replays: number;
}
