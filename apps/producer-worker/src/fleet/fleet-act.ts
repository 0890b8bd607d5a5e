// An act that one process of the fleet does at a fixed interval: the sweep, the lag sample. Errors are told once per
// kind and never end the process; a holder that dies is replaced when its lease has run out.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Service } from '@stream-manager/shared/ops/service';
import type { Lease } from './lease.ts';

export interface FleetActDeps {
  readonly lease: Lease;
  /** Does the act once; `signal` aborts when the process stops. */
  readonly act: (signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
}

/** Repeats an act while this process holds its lease. `stop` waits for an act that runs, and lets the lease go. */
export const createFleetAct = (
  deps: FleetActDeps,
  options: { readonly name: string; readonly intervalMs: number },
): Service => {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let reported = '';
  const once = async (): Promise<void> => {
    try {
      if (!(await deps.lease.hold()) || stopping.signal.aborted) return;
      await deps.act(stopping.signal);
      if (reported !== '') deps.logger.info(`${options.name} works again`);
      reported = '';
    } catch (error) {
      if (stopping.signal.aborted) return;
      const message = messageOf(error);
      if (message !== reported) deps.logger.warn({ error: message }, `${options.name} failed; it is tried again`);
      reported = message;
    }
  };
  const tick = (): void => {
    // An act that takes longer than the interval is not started twice.
    running ??= once().finally(() => {
      running = null;
    });
  };
  return {
    start: async () => {
      tick();
      timer = setInterval(tick, options.intervalMs);
    },
    stop: async () => {
      if (stopping.signal.aborted) return;
      stopping.abort();
      clearInterval(timer);
      await running;
      // A lease that cannot be let go ends by itself.
      await deps.lease.release().catch(() => {});
    },
  };
};
