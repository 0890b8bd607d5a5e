// The breaker before and after a poll: a provider that answers none of the fleet's polls is left alone for a while, and then
// asked by one of them. A poll that it keeps waiting is delayed without an attempt and holds no slot. What it says of the poll
// when it is over must reach Redis whatever becomes of the poll, or the trial's lease runs out.
import { providerHostOf } from '@stream-manager/shared/config/provider-host';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { ProviderBreakerStore, ProviderVerdict } from '@stream-manager/shared/queues/provider-breaker-store';
import type { PolledSource } from '../polled-sources.ts';
import type { HeldBack } from '../throttle-gate.ts';
import { type ProviderEnd, verdictOf } from './verdict.ts';

/** A poll's leave to ask its provider. */
export interface ProviderLeave {
  /** It alone decides whether the provider answers again: it is not tried again by itself. */
  readonly isTrial: boolean;
  /** The provider has answered, while the poll goes on. Never rejects. */
  answered(): Promise<void>;
  /** The poll is over. Never rejects. */
  ended(end: ProviderEnd): Promise<void>;
}

/** Asks for leave. Rejects with what Redis answered. */
export type AskProvider = (
  source: PolledSource,
  poll: {
    readonly jobId: string;
    readonly isRequested: boolean;
    /** It fetches the past: it is never the trial, and that it got no answer counts for nothing. */
    readonly isBackfill?: boolean;
  },
) => Promise<{ readonly held: HeldBack } | { readonly leave: ProviderLeave }>;

/** A trial may take one exchange and this, in milliseconds; then the next poll is one. */
const trialSlackMs = 15_000;
/** While a trial runs, whoever waits looks again after this, in milliseconds: most are over by then. */
const trialLookMs = 2_000;
/** While the provider is left alone, they look again after this, in milliseconds: a poll that a person asks for may end the pause. */
const pauseLookMs = 30_000;
/** Polls that were delayed together come back over this share of the wait, and over this time at most, in milliseconds. */
const spreadShare = 0.25;
const spreadMs = 1_000;

const noBreaker: ProviderLeave = { isTrial: false, answered: async () => {}, ended: async () => {} };

/** Creates it. `random`: from 0 to 1. */
export const createAskProvider = (deps: {
  readonly breakers: Pick<ProviderBreakerStore, 'ask' | 'tell'>;
  readonly logger: Logger;
  readonly cutSecrets: (text: string) => string;
  readonly random: () => number;
}): AskProvider => {
  const { breakers, logger, cutSecrets, random } = deps;

  const leaveOf = (
    source: PolledSource,
    host: string,
    { jobId: asker, isBackfill = false }: Parameters<AskProvider>[1],
    { isTrial, failures }: { readonly isTrial: boolean; readonly failures: number },
  ): ProviderLeave => {
    const { id: sourceId, periodMs } = source.config;
    let hasTold = false;
    const tell = async (verdict: ProviderVerdict): Promise<void> => {
      if (hasTold || (verdict.kind === 'neither' && !isTrial)) return;
      hasTold = true;
      // An answer ends what was counted before its poll; of what others count meanwhile, their next answer is the end.
      if (verdict.kind === 'answered' && failures === 0) return;
      try {
        const state = await breakers.tell(host, asker, verdict);
        const facts = { sourceId, host, state };
        if (isTrial && verdict.kind === 'answered') logger.info(facts, 'the provider answers again');
        else if (verdict.kind === 'unanswered' && state !== 'closed')
          logger.warn({ ...facts, error: verdict.error }, 'the provider answers no poll: its breaker is open');
      } catch (error) {
        logger.warn({ sourceId, host, error: messageOf(error) }, 'the end of a poll did not reach the breaker');
      }
    };
    return {
      isTrial,
      answered: () => tell({ kind: 'answered' }),
      ended: (end) => {
        const seen = isBackfill && end.kind === 'error' ? { ...end, isOver: false } : end;
        return tell(verdictOf(seen, periodMs, end.kind === 'error' ? cutSecrets(messageOf(end.error)) : ''));
      },
    };
  };

  return async (source, poll) => {
    const host = providerHostOf(source.config);
    if (host === null) return { leave: noBreaker };
    const asking = { asker: poll.jobId, isRequested: poll.isRequested, mayTry: poll.isBackfill !== true };
    const answer = await breakers.ask(host, { ...asking, leaseMs: source.config.timeoutMs + trialSlackMs });
    if (answer.isGranted) return { leave: leaveOf(source, host, poll, answer) };
    const { failures, error } = answer;
    const leastMs = Math.min(answer.waitMs, answer.state === 'half_open' ? trialLookMs : pauseLookMs);
    const waitMs = Math.ceil(leastMs + random() * Math.min(spreadMs, leastMs * spreadShare));
    const reason = `${host} answered none of the last ${failures} polls: ${error}`;
    return { held: { by: 'breaker', reason, waitMs } };
  };
};
