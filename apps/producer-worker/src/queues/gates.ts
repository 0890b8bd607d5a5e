// The two gates of one queue as one: the breaker of this process' Kafka, and the fleet's throttle of the source. They say who
// may ask for leave, give it, and say how much may be fetched and held meanwhile.
//
//              breaker shut                        invited to the trial        throttle shut
//   fetched    nothing                             one chunk                   until one batch is in hand
//   held       nothing: others may send it         it                          one batch; nothing while it closes
//   sent       nothing                             one batch, at once          critical batches
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import type { AskingBatch, Leave } from '../delivery/collect.ts';
import type { Pass, SendGate } from '../kafka/breaker.ts';
import {
  createSendThrottle,
  openThrottle,
  type SendThrottleDeps,
  type SendThrottleOptions,
} from '../throttle/send-throttle.ts';

/** Both gates of one queue. */
export interface Gates {
  /** Which batches may ask now. */
  leave(): Leave;
  /** Leave for one batch, or null: not now, and nobody may ask before `onChange`. */
  enter(batch: AskingBatch): Promise<Pass | null>;
  mayFetch(): boolean;
  /** Whether a chunk may wait here for its send. */
  mayHold(): boolean;
  /** What waits here does so for the throttle, not just for its turn. */
  isHeldBack(): boolean;
  /** Records of a batch at most, by its class: critical ones are not measured by the rate. */
  batchRecords(priority: PriorityClass): number;
  /** Records that may be in hand. */
  recordsInHand(): number;
  /** From now on nothing waits here that is held back. */
  startClosing(): void;
  close(): void;
}

export interface GatesDeps extends Omit<SendThrottleDeps, 'onOpen'> {
  readonly breaker: SendGate;
  /** There may be more leave now, or none. */
  readonly onChange: () => void;
  /** The breaker is shut: what waits goes back. */
  readonly onShut: () => void;
}

export interface GatesOptions extends Omit<SendThrottleOptions, 'rates'> {
  /** The source's rates; null: it is gone from the config, and nobody samples its lag. */
  readonly rates: SendThrottleOptions['rates'] | null;
}

/** Creates the gates of one queue. */
export const createGates = (deps: GatesDeps, { rates, ...options }: GatesOptions): Gates => {
  const { breaker, onChange } = deps;
  const { sourceId } = options;
  const throttle =
    rates === null ? openThrottle(options) : createSendThrottle({ ...deps, onOpen: onChange }, { ...options, rates });
  let trial: 'none' | 'invited' | 'out' = 'none';
  let isClosing = false;

  const takesPart = (): boolean => trial !== 'none' && !isClosing;
  const leaveBreaker = breaker.join({
    sourceId,
    open: () => {
      trial = 'none';
      onChange();
    },
    shut: () => {
      trial = 'none';
      deps.onShut();
      onChange();
    },
    invite: () => {
      trial = 'invited';
      onChange();
    },
  });
  return {
    leave: () => {
      if (!breaker.isShut()) return throttle.leave();
      return trial === 'invited' ? 'any' : 'none';
    },
    enter: async (batch) => {
      // A trial asks nobody, and counts for nothing: whether Kafka is back must not hang on how fast this source may go, and
      // what fails must not be owed. It is one batch per `resetMs`.
      if (!breaker.isShut() && !(await throttle.ask(batch))) return null;
      const pass = breaker.enter(sourceId);
      if (breaker.isShut() && trial === 'invited') trial = 'out';
      return pass;
    },
    mayFetch: () => !breaker.isShut() || takesPart(),
    mayHold: () => (breaker.isShut() ? takesPart() : throttle.leave() === 'any' || !isClosing),
    isHeldBack: () => throttle.leave() !== 'any',
    batchRecords: (priority) => (priority === 1 ? options.batchSize : throttle.batchRecords()),
    recordsInHand: () => (breaker.isShut() ? 1 : throttle.recordsInHand()),
    startClosing: () => {
      isClosing = true;
    },
    close: () => {
      throttle.close();
      leaveBreaker();
    },
  };
};
