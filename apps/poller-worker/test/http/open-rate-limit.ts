// A rate limit that refuses nothing and writes down what it was asked, for tests of the client itself.
import type { Permit, RateLimit } from '../../src/http/rate-limit.ts';

export interface OpenRateLimit extends RateLimit {
  readonly asked: string[];
  readonly settled: string[];
  readonly closed: { target: string; waitMs: number }[];
  /** Answers to give first, instead of leave. */
  readonly refusals: Extract<Permit, { granted: false }>[];
}

export const createOpenRateLimit = (): OpenRateLimit => {
  const limit: OpenRateLimit = {
    asked: [],
    settled: [],
    closed: [],
    refusals: [],
    acquire: async (target) => {
      limit.asked.push(target);
      return limit.refusals.shift() ?? { granted: true, ticket: `ticket-${limit.asked.length}` };
    },
    settle: async (_target, ticket) => {
      limit.settled.push(ticket);
    },
    close: async (target, waitMs) => {
      limit.closed.push({ target, waitMs });
    },
  };
  return limit;
};
