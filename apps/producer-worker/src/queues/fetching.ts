// Whether a BullMQ worker takes jobs, as the gate wants it. While it does not, its check for the jobs of dead workers goes
// on in a worker that only checks: BullMQ's pause ends it, and with the workers of all processes paused nobody would
// recover what a dead one held.

import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';

/** What is switched; BullMQ's Worker fits. */
export interface SwitchedWorker {
  pause(doNotWaitActive?: boolean): Promise<void>;
  resume(): Promise<void> | void;
  isPaused(): boolean;
}

/** The switch of one worker. */
export interface Fetching {
  /** Asks for a state; the last one asked for comes about, whatever is still being switched. */
  set(isFetching: boolean): void;
  /** For the worker's guard: pauses of its own, and resumes only where the gate agrees. */
  readonly guarded: SwitchedWorker;
  /** Ends the check that stands in. */
  close(): Promise<void>;
}

/** Creates the switch of a worker that fetches. `startCheck` starts the check that stands in, and gives how to end it. */
export const createFetching = (
  worker: SwitchedWorker,
  deps: { readonly startCheck: () => () => Promise<void>; readonly logger: Pick<Logger, 'warn'> },
): Fetching => {
  let wanted = true;
  let endCheck: (() => Promise<void>) | null = null;
  let switching = Promise.resolve();
  let isClosed = false;

  const stopCheck = async (): Promise<void> => {
    const end = endCheck;
    endCheck = null;
    await end?.();
  };
  const turn = async (): Promise<void> => {
    if (isClosed) return;
    if (!wanted) {
      endCheck ??= deps.startCheck();
      // Without waiting for what is on its way: only fetching stops.
      if (!worker.isPaused()) await worker.pause(true);
      return;
    }
    if (worker.isPaused()) await worker.resume();
    await stopCheck();
  };
  return {
    set: (isFetching) => {
      if (isFetching === wanted) return;
      wanted = isFetching;
      switching = switching.then(turn).catch((error: unknown) => {
        deps.logger.warn({ error: messageOf(error) }, 'a queue worker could not be switched');
      });
    },
    guarded: {
      pause: (doNotWaitActive) => worker.pause(doNotWaitActive),
      resume: () => (wanted ? worker.resume() : undefined),
      isPaused: () => worker.isPaused(),
    },
    close: async () => {
      isClosed = true;
      await switching;
      await stopCheck();
    },
  };
};
