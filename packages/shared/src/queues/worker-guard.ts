// Keeps a BullMQ worker from spinning and from flooding the log. A worker whose fetch Redis refuses (OOM at `maxmemory`,
// NOAUTH) asks again at once, 2,491 times a second (m): after a few errors in a row it is paused for a second by us.
import type { Logger } from '../observability/logger.ts';

/** What the guard does to a worker; BullMQ's Worker fits. */
export interface PausableWorker {
  pause(doNotWaitActive?: boolean): Promise<void>;
  resume(): Promise<void> | void;
  isPaused(): boolean;
}

/** Errors within this time … */
const spinWindowMs = 1_000;
/** … of this number are a spin … */
const spinErrors = 5;
/** … and cost this pause. */
const spinPauseMs = 1_000;
/** The same message is logged once in this time. */
const repeatLogMs = 30_000;

/** Errors that tell of one job whose lock is lost; the job is in other hands, and the worker is well. */
const isAboutOneJob = (message: string): boolean =>
  /^(Missing lock|Lock mismatch|Missing key|could not renew lock)/.test(message) ||
  message.includes('is not in the active state');

/** Watches the errors of one worker. */
export interface WorkerGuard {
  /** Takes an error of the worker's `error` event. */
  readonly onError: (error: Error) => void;
  /** Names the worker, which exists only after its error handler. */
  watch(worker: PausableWorker): void;
  /** Undoes a pending resume; the worker is about to close. */
  stop(): void;
}

/** Creates a guard. `after` runs an act later and returns the undo. */
export const createWorkerGuard = (
  deps: {
    readonly logger: Logger;
    readonly now: () => number;
    readonly after: (delayMs: number, act: () => void) => () => void;
  },
  options: { readonly queue: string },
): WorkerGuard => {
  let worker: PausableWorker | undefined;
  let recent: number[] = [];
  let cancelResume: (() => void) | null = null;
  let isStopped = false;
  const loggedAt = new Map<string, number>();

  const log = (message: string): void => {
    const now = deps.now();
    const last = loggedAt.get(message);
    if (last !== undefined && now - last < repeatLogMs) return;
    if (loggedAt.size >= 100) loggedAt.clear();
    loggedAt.set(message, now);
    deps.logger.warn({ queue: options.queue, error: message }, 'queue worker reports an error');
  };
  const rest = (): void => {
    if (worker === undefined || cancelResume !== null || isStopped || worker.isPaused()) return;
    const paused = worker;
    // Without waiting for what is in hand: only fetching stops. A pause that fails leaves the worker as it was.
    paused.pause(true).catch(() => {});
    cancelResume = deps.after(spinPauseMs, () => {
      cancelResume = null;
      void paused.resume();
    });
  };
  return {
    onError: (error) => {
      if (isAboutOneJob(error.message)) {
        // Job ids are in these messages: one line for all of a kind.
        log(error.message.replace(/job \S+/g, 'a job').replace(/\d{3,}/g, 'n'));
        return;
      }
      log(error.message);
      const now = deps.now();
      recent = [...recent.filter((at) => now - at < spinWindowMs), now];
      if (recent.length < spinErrors) return;
      recent = [];
      rest();
    },
    watch: (started) => {
      worker = started;
    },
    stop: () => {
      isStopped = true;
      cancelResume?.();
      cancelResume = null;
    },
  };
};
