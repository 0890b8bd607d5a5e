// The lead in fetching an answer for all who ask the same, as its holder keeps it: it is kept up while the provider is waited
// for, and lapses while nobody reads on, so that a poll that is stuck or killed holds up the others for seconds only.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { AnswerCache, Lead, Leftover } from './answer-cache.ts';

/** A lead in use. Nothing of it rejects but what is waited for. */
export interface HeldLead {
  /** Others may get the answer from it. */
  readonly isShared: boolean;
  /** Waits for the provider, and keeps the lead meanwhile. */
  during<T>(wait: Promise<T>): Promise<T>;
  /** The fetch is over. Gives the bytes that its leftover takes. Idempotent: the first end counts. */
  end(leftover: Leftover | null): Promise<number>;
}

/** What it needs. */
export interface LeadDeps {
  readonly cache: AnswerCache;
  readonly logger: Pick<Logger, 'debug'>;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
  /** Milliseconds that only grow. */
  readonly monotonicNow: () => number;
}

/** Of somebody who fetches for himself alone. */
export const noLead: HeldLead = { isShared: false, during: (wait) => wait, end: async () => 0 };

/** Takes a lead in use. */
export const holdLead = (
  deps: LeadDeps,
  { request, lead, ttlMs }: { readonly request: string; readonly lead: Lead; readonly ttlMs: number },
): HeldLead => {
  const { cache, logger, after, monotonicNow } = deps;
  let renewedAtMs = monotonicNow();
  let isOver = false;
  const failed = (error: unknown): void => logger.debug({ error: messageOf(error) }, 'response cache not reached');

  return {
    isShared: true,
    during: async (wait) => {
      let cancel = (): void => {};
      const arm = (): void => {
        cancel = after(Math.max(0, renewedAtMs + cache.renewMs - monotonicNow()), () => {
          if (isOver) return;
          renewedAtMs = monotonicNow();
          cache.renew(request, lead).catch(failed);
          arm();
        });
      };
      arm();
      try {
        return await wait;
      } finally {
        cancel();
      }
    },
    end: async (leftover) => {
      if (isOver) return 0;
      isOver = true;
      try {
        if (leftover !== null) return await cache.store(request, lead, ttlMs, leftover);
        await cache.release(request, lead);
      } catch (error) {
        failed(error);
      }
      return 0;
    },
  };
};
