// What a poll's job says of its delay, so that Bull Board shows why a poll does not run and until when. It is written
// before the job is moved and taken away when the poll runs on: a poller that is killed between the two leaves a job that
// runs again and writes anew. Two marks beside it decide something: that the throttle has
// delayed the poll since its last fetch, and that a person has asked for it, which is for one fetch only.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { PollDelay, PollDelayCause, PollJobData } from '@stream-manager/shared/jobs/payloads';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Job } from 'bullmq';
import type { HeldBack } from '../throttle-gate.ts';

/** The delay of one poll job while its poll runs. */
export interface PollDelayMark {
  /** The throttle has delayed it since its last fetch. */
  readonly wasThrottled: boolean;
  /** A person asked for it. */
  readonly isRequested: boolean;
  /** How long it has been delayed for its host, look after look, in milliseconds. */
  readonly hostWaitedMs: number;
  /** How often it was tried again after its provider gave no answer. */
  readonly retries: number;
  /** Writes why it is delayed from now; secrets are cut. What a person asked for is over when it was fetched. Never rejects. */
  write(held: HeldBack & { readonly hasFetched: boolean }): Promise<void>;
  /** Takes the delay away, if there is one. Never rejects. */
  clear(): Promise<void>;
}

/** What a mark needs. */
export interface PollDelayDeps {
  readonly logger: Logger;
  readonly cutSecrets: (text: string) => string;
  /** The data of a job as it is now. */
  readonly readData: (jobId: string) => Promise<unknown>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Written by a process of ours or by a person in Bull Board: whatever cannot be read is not there. */
const fieldsOf = (value: unknown): Fields =>
  // An object of whatever; each field is checked where it is used.
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/**
 * Since when a job waits for that, look after look, in milliseconds since the epoch; null: what it was delayed for last is
 * something else. `delayed`: as it stands in the job's data. Pure.
 */
export const delayedSince = (delayed: unknown, by: PollDelayCause, now: number): number | null => {
  const earlier = fieldsOf(delayed);
  const sinceMs = typeof earlier['since'] === 'string' ? Date.parse(earlier['since']) : Number.NaN;
  return earlier['by'] === by && sinceMs <= now ? sinceMs : null;
};

/** How long a job has waited for its host's share, in milliseconds. Pure. */
export const waitedForHostMs = (delayed: unknown, now: number): number =>
  now - (delayedSince(delayed, 'host', now) ?? now);

/** A pause inside one fetch, after which it goes on where it is. */
const isPause = (by: PollDelayCause): boolean => by === 'budget' || by === 'host' || by === 'retry';

/** Reads the mark of a job that was just taken. */
export const pollDelayMark = (deps: PollDelayDeps, job: Job): PollDelayMark => {
  const { delayed, wasThrottled, isRequested, retries, ...rest } = fieldsOf(job.data) satisfies {
    readonly [name in keyof PollJobData]?: unknown;
  };
  let isMarked = delayed !== undefined;
  const isThrottled = wasThrottled === true;
  let tries = typeof retries === 'number' && retries > 0 ? Math.floor(retries) : 0;
  const dataOf = (marks: { readonly isThrottled: boolean; readonly isRequested: boolean }): Fields => ({
    ...rest,
    ...(tries > 0 ? { retries: tries } : {}),
    ...(marks.isRequested ? { isRequested: true } : {}),
    ...(marks.isThrottled ? { wasThrottled: true } : {}),
  });

  const update = async (data: Fields): Promise<void> => {
    try {
      await job.updateData(data);
    } catch (error) {
      // What is shown is not worth a poll: a Redis at its limit refuses this, and the move after it may still pass.
      deps.logger.debug({ jobId: job.id, error: messageOf(error) }, 'the delay of a poll is not shown');
    }
  };

  /** Somebody who stops the source takes the request back, also while its poll runs. */
  const isStillRequested = async (): Promise<boolean> => {
    try {
      return fieldsOf(await deps.readData(job.id ?? ''))['isRequested'] === true;
    } catch {
      // Without Redis the update below fails, too.
      return true;
    }
  };

  return {
    isRequested: isRequested === true,
    wasThrottled: isThrottled,
    retries: tries,
    hostWaitedMs: waitedForHostMs(delayed, deps.now()),
    write: async ({ by, reason, waitMs, hasFetched }) => {
      const now = deps.now();
      const earlierMs = hasFetched ? null : delayedSince(delayed, by, now);
      const mark: PollDelay = {
        by,
        reason: deps.cutSecrets(reason),
        since: new Date(earlierMs ?? now).toISOString(),
        until: new Date(now + waitMs).toISOString(),
      };
      isMarked = true;
      if (by === 'retry') tries += 1;
      const marks = {
        isThrottled: by === 'throttle' || (isThrottled && !hasFetched),
        isRequested: isRequested === true && (isPause(by) || !hasFetched) && (await isStillRequested()),
      };
      await update({ ...dataOf(marks), delayed: mark });
    },
    clear: async () => {
      if (!isMarked) return;
      isMarked = false;
      await update(dataOf({ isThrottled, isRequested: isRequested === true }));
    },
  };
};
