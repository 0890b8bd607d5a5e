// One exchange and the day's budget of its source: what it will cost is taken before it leaves, given back if it never left
// or brought nothing but "not modified", and corrected when the answer shows what it did cost.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { DayBudget, Spender, Taking } from './day-budget.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts';

/** What spending needs. */
export interface SpendingDeps {
  readonly budget: DayBudget;
  /** The budget that a source draws on. */
  readonly budgetOf: (source: ResolvedSource) => Omit<Spender, 'sourceId'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Milliseconds that only grow. */
  readonly monotonicNow: () => number;
}

/** An answer that was paid for. */
export interface PaidAnswer {
  readonly response: HttpResponse;
  /** See `HttpResponse.charge`. */
  readonly charge: (cost: number) => Promise<void>;
}

/** Nothing was taken: only what an answer shows is counted. */
const nothing: Taking = { ticket: '', day: -1, cost: 0, leftMs: Number.POSITIVE_INFINITY };

/** Sends a request of the source at its cost. Rejects as the client does, and with `budget_exhausted` until the next day. */
export const createSpending = (
  deps: SpendingDeps,
  source: ResolvedSource,
  { isBackfill }: { readonly isBackfill: boolean },
) => {
  const { budget, logger, monotonicNow } = deps;
  const spender: Spender = { ...deps.budgetOf(source), sourceId: source.id, isBackfill };
  const { perDay } = spender;

  const take = async (request: HttpRequest, place: string): Promise<Taking> => {
    // Without a budget nothing refuses, and nobody waits for Redis; what it costs is counted where that is known.
    if (perDay === null && request.cost === undefined) return nothing;
    const leave = await budget.take(spender, request.cost ?? null);
    if (leave.granted) {
      if (leave.isMostSpent)
        logger.warn(
          { sourceId: source.id, used: leave.used, dailyBudget: perDay },
          'most of the daily budget is spent',
        );
      return leave.taking;
    }
    const { waitMs, used, cost } = leave;
    const whole = `the dailyBudget of ${perDay}`;
    const why =
      cost > (perDay ?? 0) / (isBackfill ? 2 : 1)
        ? `one request costs ${cost}, which is more than ${isBackfill ? 'half of ' : ''}${whole}`
        : `${whole}${isBackfill ? ', or the half of it that is for backfills,' : ''} is spent: ${used} are taken, and this request costs ${cost}`;
    throw new StreamManagerError('budget_exhausted', `${place}: ${why}`, { retryAfterMs: waitMs });
  };

  /** Never rejects: what cannot be corrected stays as it was taken. */
  const correct = async (taking: Taking, cost: number, isMeasured: boolean): Promise<Taking> => {
    try {
      return await budget.correct(spender, taking, cost, isMeasured);
    } catch (error) {
      const facts = { sourceId: source.id, taken: taking.cost, cost, error: messageOf(error) };
      logger.warn(facts, 'daily budget not corrected');
      return taking;
    }
  };

  return async (http: HttpClient, request: HttpRequest, place: string): Promise<PaidAnswer> => {
    let taking = await take(request, place);
    const takenAtMs = monotonicNow();
    let hasLeft = false;
    const onLeave = (): void => {
      hasLeft = true;
      request.onLeave?.();
    };
    let response: HttpResponse;
    try {
      response = await http.fetch({ ...request, onLeave });
    } catch (error) {
      if (!hasLeft && taking.cost > 0) await correct(taking, 0, false);
      throw error;
    }
    // It may have arrived on the provider's new day.
    if (monotonicNow() - takenAtMs >= taking.leftMs) taking = await correct(taking, taking.cost, false);

    let last: Promise<void> = Promise.resolve();
    const charge = (cost: number, isMeasured: boolean): Promise<void> => {
      last = last.then(async () => {
        if (cost !== taking.cost || isMeasured) taking = await correct(taking, cost, isMeasured);
      });
      return last;
    };
    if (response.status === 304) await charge(0, false);
    return {
      response,
      charge: async (cost) => {
        if (Number.isFinite(cost) && cost >= 0) return charge(cost, true);
        logger.warn({ sourceId: source.id, cost }, 'an answer shows a cost that is none');
      },
    };
  };
};
