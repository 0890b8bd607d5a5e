// One host's share of the slots: at most half of a poller's polls ask one host at a time, so that a provider which answers
// slowly, or not at all, leaves the other half to all others. A poll holds a place in the share only while a request of its
// own is on its way. One that finds the share in use waits in its slot for a moment, in order of arrival and behind those of
// critical sources, and at most a quarter of the slots wait so; beyond that the poll is delayed and holds no slot, and
// another poller of the fleet may have room for it.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { halfOfSlots } from '../slots.ts';

/** One poll's place in the shares of the hosts that it asks. */
export interface HostPlace {
  /**
   * Enters with one request; however many of them a poll has on their way, it holds one place. Gives how to leave
   * (idempotent). Rejects with `host_busy`, or with `stopped` when the poll's signal aborts.
   */
  enter(host: string): Promise<() => void>;
}

/** The slots of one process, by host. */
export interface HostShares {
  /** A poll that begins; `isUrgent`: its source is critical. */
  forPoll(poll: { readonly isUrgent: boolean; readonly signal: AbortSignal }): HostPlace;
}

/** How many slots may be held by polls that wait for their host's share: a quarter, or none. */
const placesToWait = (concurrency: number): number => Math.floor(concurrency / 4);

/** How long a poll waits in its slot, in milliseconds; as long as for a permit of the rate limit. */
const waitMs = 250;
/** A poll of a critical source, which is worth a slot for longer than most answers take. */
const urgentWaitMs = 1_000;

interface Waiter {
  readonly host: string;
  readonly isUrgent: boolean;
  /** With how to give the place back, or null: there is none. Takes it off the list. */
  answer(giveBack: (() => void) | null): void;
}

const stopped = (host: string, signal: AbortSignal): StreamManagerError =>
  new StreamManagerError('stopped', `stopped before asking ${host}`, { cause: signal.reason });

/** Creates the shares of one process with `concurrency` slots. Nothing is kept of a host that nobody asks. */
export const createHostShares = (
  deps: {
    /** Runs an act later; returns the undo. */
    readonly after: (delayMs: number, act: () => void) => () => void;
  },
  { concurrency }: { readonly concurrency: number },
): HostShares => {
  const slots = halfOfSlots(concurrency);
  const maxWaiting = placesToWait(concurrency);
  const taken = new Map<string, number>();
  /** Of all hosts, those who go first in front. */
  const waiting: Waiter[] = [];

  const take = (host: string): (() => void) => {
    taken.set(host, (taken.get(host) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (taken.get(host) ?? 0) - 1;
      if (left > 0) taken.set(host, left);
      else taken.delete(host);
      waiting.find((waiter) => waiter.host === host)?.answer(take(host));
    };
  };

  const wait = (host: string, isUrgent: boolean, signal: AbortSignal): Promise<(() => void) | null> =>
    new Promise((resolve) => {
      const waiter: Waiter = {
        host,
        isUrgent,
        answer: (giveBack) => {
          waiting.splice(waiting.indexOf(waiter), 1);
          cancel();
          signal.removeEventListener('abort', refuse);
          resolve(giveBack);
        },
      };
      const refuse = (): void => waiter.answer(null);
      const cancel = deps.after(isUrgent ? urgentWaitMs : waitMs, refuse);
      signal.addEventListener('abort', refuse, { once: true });
      const behind = isUrgent ? waiting.findIndex((other) => !other.isUrgent) : -1;
      waiting.splice(behind === -1 ? waiting.length : behind, 0, waiter);
      if (waiting.length > maxWaiting) waiting.at(-1)?.answer(null);
    });

  return {
    forPoll: ({ isUrgent, signal }) => {
      const places = new Map<string, { requests: number; readonly share: Promise<(() => void) | null> }>();
      return {
        enter: async (host) => {
          if (signal.aborted) throw stopped(host, signal);
          const isFree = (taken.get(host) ?? 0) < slots;
          const place = places.get(host) ?? {
            requests: 0,
            share: isFree ? Promise.resolve(take(host)) : wait(host, isUrgent, signal),
          };
          places.set(host, place);
          place.requests += 1;
          const giveBack = await place.share;
          let isIn = true;
          const leave = (): void => {
            if (!isIn) return;
            isIn = false;
            place.requests -= 1;
            if (place.requests > 0) return;
            places.delete(host);
            giveBack?.();
          };
          if (giveBack !== null && !signal.aborted) return leave;
          leave();
          if (signal.aborted) throw stopped(host, signal);
          const message = `${slots} polls of this poller ask ${host} already, which is its share of the slots`;
          throw new StreamManagerError('host_busy', message);
        },
      };
    },
  };
};
