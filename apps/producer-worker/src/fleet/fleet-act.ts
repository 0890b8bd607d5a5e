// An act that one process of the fleet does at a fixed interval: the sweep, the lag sample. Errors are told once per
// kind and never end the process.
//
// Whoever holds the lease acts once per interval and renews it while it acts, so that a slow act does not gather the other
// processes around what makes it slow. Who does not hold it tries again at the moment at which it ends: with a lease of one
// and a half intervals a dead holder is replaced within two.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Service } from '@stream-manager/shared/ops/service';
import type { Lease } from './lease.ts';

export interface FleetActDeps {
  readonly lease: Lease;
  /** Does the act once; `signal` aborts when the process stops. */
  readonly act: (signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** How long a lease lasts, as a multiple of the interval. */
export const leaseIntervals = 1.5;
/** An act that takes longer is not waited for by the fleet: its lease is not renewed any more, in milliseconds. */
export const longestActMs = 60_000;

/** When it is tried again by who does not hold the lease, in milliseconds. Pure. */
export const nextTryMs = (freeInMs: number, intervalMs: number): number =>
  // A lease of another length (another config's, one without an end) is not waited for in good faith.
  Math.min(freeInMs + 1, leaseIntervals * intervalMs + 1);

/** Repeats an act while this process holds its lease. `stop` waits for an act that runs, and lets the lease go. */
export const createFleetAct = (
  deps: FleetActDeps,
  options: { readonly name: string; readonly intervalMs: number },
): Service => {
  const { lease, logger, after, now } = deps;
  const { name, intervalMs } = options;
  const stopping = new AbortController();
  let cancelNext = (): void => {};
  let running: Promise<void> | null = null;
  let reported = '';

  /** Renews the lease until the undo is called. */
  const keepHolding = (): (() => void) => {
    const endsAt = now() + longestActMs;
    let isOver = false;
    let cancel = (): void => {};
    const renewLater = (): void => {
      if (isOver || now() >= endsAt) return;
      cancel = after(intervalMs / 2, () => {
        // One that cannot be renewed now may be so the next time; one that is lost is another's.
        lease.hold().then(renewLater, renewLater);
      });
    };
    renewLater();
    return () => {
      isOver = true;
      cancel();
    };
  };

  const actOnce = async (): Promise<void> => {
    const letGo = keepHolding();
    try {
      await deps.act(stopping.signal);
    } finally {
      letGo();
    }
    if (reported !== '') logger.info(`${name} works again`);
    reported = '';
  };

  /** Tries once; gives the time until the next try. */
  const tryOnce = async (): Promise<number> => {
    const begunAt = now();
    try {
      const hold = await lease.hold();
      if (!hold.isHeld) return nextTryMs(hold.freeInMs, intervalMs);
      if (!stopping.signal.aborted) await actOnce();
    } catch (error) {
      const message = messageOf(error);
      if (message !== reported && !stopping.signal.aborted)
        logger.warn({ error: message }, `${name} failed; it is tried again`);
      reported = message;
    }
    // An act that takes longer than the interval leaves out the times that it missed.
    return intervalMs - ((now() - begunAt) % intervalMs);
  };

  const run = (): void => {
    running = tryOnce().then((nextMs) => {
      running = null;
      if (!stopping.signal.aborted) cancelNext = after(nextMs, run);
    });
  };
  return {
    start: async () => {
      if (!stopping.signal.aborted) run();
    },
    stop: async () => {
      if (stopping.signal.aborted) return;
      stopping.abort();
      cancelNext();
      await running;
      // A lease that cannot be let go ends by itself.
      await lease.release().catch(() => {});
    },
  };
};
