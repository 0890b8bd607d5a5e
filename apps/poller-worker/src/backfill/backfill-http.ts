// The HTTP of a backfill: as a poll's, under the same limits, and with a limit of its own below them, so that the past never
// takes more than half of what the source's provider allows and polls always find the rest. Nothing that a poll has used
// up answers it, and it uses nothing up: an answer of which a backfill took one week is news to a poll.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { PollHttp } from '../http/http-client.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import { rateLimitTarget } from '../http/target.ts';
import type { HttpClients } from '../http/undici-client.ts';

/** What it needs. */
export interface BackfillHttpDeps {
  readonly http: Pick<HttpClients, 'forPoll'>;
  readonly rateLimit: Pick<RateLimit, 'acquire'>;
  /** Requests per minute of the source's provider. */
  readonly limitOf: (sourceId: string) => number;
}

/** Requests per minute that backfills may make. Pure. */
export const backfillShare = (limitPerMinute: number): number => Math.max(1, Math.floor(limitPerMinute / 2));

/** Creates the clients. `fetch` also rejects with `budget_exhausted` when the share of backfills is used up. */
export const createBackfillHttp = (deps: BackfillHttpDeps): Pick<HttpClients, 'forPoll'> => ({
  forPoll: (poll) => {
    const http = deps.http.forPoll({ ...poll, isBackfill: true });
    const share = backfillShare(deps.limitOf(poll.source.id));
    const limited: PollHttp = {
      fetch: async (request) => {
        const target = `backfill-${rateLimitTarget(request.url, request.credential)}`;
        const permit = await deps.rateLimit.acquire(target, share);
        if (permit.granted) return http.fetch(request);
        throw new StreamManagerError(
          'budget_exhausted',
          `${request.url.host}: the ${share} requests per minute that backfills may make are used up`,
          { retryAfterMs: permit.waitMs },
        );
      },
      useUp: async () => {},
      distrust: () => http.distrust(),
    };
    return limited;
  },
});
