// How a poll gets into queue `poll`, whoever asks for it: a tick, a source that is new, a person. One set of options, so
// that every poll is deduplicated, kept and retried alike. And how a row gets there that is to be parsed again.
import type { Queue } from 'bullmq';
import type { PollJobData, ReparseJobData } from '../jobs/payloads.ts';
import { classOf, type PriorityClass } from '../records/priority.ts';

/** Completed and failed polls and ticks that are kept for whoever looks. */
export const keptPolls = { count: 100 } as const;

/** A poll to be added. */
export interface NewPoll {
  readonly sourceId: string;
  /** The tick, or the time of the request, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  readonly priority: PriorityClass;
  /** A person asked for it: it runs although the source is stopped or disabled. */
  readonly isRequested?: boolean;
  /** If a poll of the source is active, this one is kept and begins when that ends; of several only the last. Default: it is let go. */
  readonly followsActive?: boolean;
}

/**
 * Adds a poll unless the source has one that waits, is delayed or is active. The tick is in the job's id, so that a tick
 * that is run twice (its poller was killed) adds one poll.
 */
export const addPoll = async (queue: Queue, poll: NewPoll): Promise<'queued' | 'coalesced'> => {
  const jobId = `${poll.sourceId}.${poll.scheduledFor}`;
  const data: PollJobData = {
    sourceId: poll.sourceId,
    scheduledFor: poll.scheduledFor,
    ...(poll.isRequested === true ? { isRequested: true } : {}),
  };
  const job = await queue.add('poll', data, {
    jobId,
    priority: poll.priority,
    deduplication: { id: poll.sourceId, ...(poll.followsActive === true ? { keepLastIfActive: true } : {}) },
    // The next tick is the retry.
    attempts: 1,
    removeOnComplete: keptPolls,
    removeOnFail: keptPolls,
    stackTraceLimit: 1,
  });
  // BullMQ answers the id of the job that was there first.
  return job.id === jobId ? 'queued' : 'coalesced';
};

/** Id of the job that parses the row of a letter again. */
export const reparseJobId = (letterId: string): string => `reparse-${letterId}`;

/** Adds a row that is to be parsed again; nothing if it is there. How many may be there: dead-letters/ask-reparse.ts. */
export const requestReparse = async (queue: Queue, data: ReparseJobData): Promise<void> => {
  await queue.add('reparse', data, {
    jobId: reparseJobId(data.letterId),
    // Polls come first: a thousand replayed rows must not keep a source from its tick.
    priority: classOf('low'),
    // The letter asks again.
    attempts: 1,
    removeOnComplete: true,
    removeOnFail: keptPolls,
    stackTraceLimit: 1,
  });
};
