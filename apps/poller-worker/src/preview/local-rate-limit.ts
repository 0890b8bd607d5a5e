// The rate limit of one process that knows no Redis: for a look at a source from a terminal. It does not know what the
// fleet asks meanwhile.
import type { RateLimit } from '../http/rate-limit.ts';

const windowMs = 60_000;

/** Creates it. `now`: milliseconds since the epoch. */
export const createLocalRateLimit = (now: () => number): RateLimit => {
  const sent = new Map<string, number[]>();
  const closedTill = new Map<string, number>();
  return {
    acquire: async (target, limitPerWindow) => {
      const at = now();
      const closed = closedTill.get(target) ?? 0;
      if (closed > at) return { granted: false, waitMs: closed - at, reason: 'closed' };
      const recent = (sent.get(target) ?? []).filter((time) => time > at - windowMs);
      const oldest = recent.length < limitPerWindow ? undefined : recent[recent.length - limitPerWindow];
      if (oldest !== undefined) return { granted: false, waitMs: oldest + windowMs - at, reason: 'used_up' };
      sent.set(target, [...recent, at]);
      return { granted: true, ticket: `${at}` };
    },
    settle: async () => {},
    close: async (target, waitMs) => {
      closedTill.set(target, Math.max(closedTill.get(target) ?? 0, now() + waitMs));
    },
  };
};
