// The BullMQ worker of queue `poll`: as many polls at a time as the config allows, and an end that hands back what runs.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Service } from '@stream-manager/shared/ops/service';
import { openWorker, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { createWorkerGuard } from '@stream-manager/shared/queues/worker-guard';
import type { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { PollJobProcessor } from './poll-jobs.ts';

/** What the worker needs. */
export interface PollWorkerDeps {
  readonly redis: Redis;
  readonly logger: Logger;
  readonly process: PollJobProcessor;
  /** Ends the running polls; called after the worker has stopped taking new ones. */
  readonly endPolls: () => void;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
}

/** One process' worker. `name` is shown in Bull Board and in `processedBy`. */
export interface PollWorkerOptions {
  readonly keyPrefix: string;
  readonly concurrency: number;
  readonly name: string;
}

/** One process' worker of queue `poll`. */
export interface PollWorker extends Service {
  /** Takes no new jobs and resolves when those that run have ended by themselves; nothing is handed back. */
  finish(): Promise<void>;
}

/** Creates the worker; it takes jobs from `start` until `finish` or `stop`. */
export const createPollWorker = (deps: PollWorkerDeps, options: PollWorkerOptions): PollWorker => {
  const address = pollQueueAddress(options.keyPrefix);
  let worker: Worker | undefined;
  let closing: Promise<void> | undefined;
  const guard = createWorkerGuard(
    { logger: deps.logger, now: deps.monotonicNow, after: deps.after },
    { queue: address.name },
  );

  const close = (): Promise<void> => {
    guard.stop();
    closing ??= worker?.close() ?? Promise.resolve();
    return closing;
  };

  return {
    start: async () => {
      if (closing !== undefined) return;
      worker = openWorker(address, deps.redis, deps.process, options, guard.onError);
      guard.watch(worker);
      // The job is another worker's now: what it still does here would only be done twice.
      worker.on('lockRenewalFailed', (jobIds) => {
        for (const jobId of jobIds) worker?.cancelJob(jobId);
      });
      await worker.waitUntilReady();
    },
    finish: close,
    stop: async () => {
      // In this order: a poll that is handed back must not be taken by the worker that is closing.
      const closed = close();
      deps.endPolls();
      await closed;
    },
  };
};
