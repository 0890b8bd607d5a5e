// One host's share of the slots: at most half of a poller's polls serve one host, so that a provider which answers slowly,
// or not at all, leaves the other half to all others. Its further polls are delayed a moment and hold no slot meanwhile;
// another poller of the fleet may have room for them.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';

/** The slots of one process, by host. */
export interface HostShares {
  /** How many polls of one host may run at a time. */
  readonly slots: number;
  /** Takes a slot for a poll that runs now; gives how to give it back (idempotent), or null if the share is in use. */
  take(host: string): (() => void) | null;
}

/** Half of the slots, and one at least. */
export const hostSlots = (concurrency: number): number => Math.max(1, Math.floor(concurrency / 2));

/** Creates the shares of one process with `concurrency` slots. Nothing is kept of a host that no poll serves. */
export const createHostShares = (concurrency: number): HostShares => {
  const slots = hostSlots(concurrency);
  const taken = new Map<string, number>();
  return {
    slots,
    take: (host) => {
      const before = taken.get(host) ?? 0;
      if (before >= slots) return null;
      taken.set(host, before + 1);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (taken.get(host) ?? 0) - 1;
        if (left > 0) taken.set(host, left);
        else taken.delete(host);
      };
    },
  };
};

/** The host of a source as `scheme://host:port`; null for one that asks none. */
export const hostOf = ({ baseUrl }: Pick<ResolvedSource, 'baseUrl'>): string | null =>
  baseUrl === undefined ? null : new URL(baseUrl).origin;

const shortestWaitMs = 1_000;
const longestWaitMs = 4_000;
/** The next look comes when this part of what was waited so far has gone by again. */
const growth = 0.25;
/** Part of the wait by which it may be longer or shorter: polls that were delayed together must not come back together. */
const spread = 0.25;

/**
 * When a poll looks again that found its host's share in use, in milliseconds: about a second, and up to about four when
 * it has waited for long. `random` from 0 to 1. Pure.
 */
export const hostWaitMs = (waitedMs: number, random: number): number => {
  const waitMs = Math.min(Math.max(waitedMs * growth, shortestWaitMs), longestWaitMs);
  return Math.round(waitMs * (1 + spread * (2 * random - 1)));
};
