// What is kept of a poll when it ends, for whoever looks: its outcome, counted and in the source's state, in one write with
// what its answer was like. A poll that is delayed counts as `deferred` (or `rate_limited`) besides its final outcome.
import { type AnswerHistory, addAnswer } from '@stream-manager/shared/conditions/answer-history';
import { habitOf } from '@stream-manager/shared/conditions/habit-of';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { PollOutcome, SourceStateStore } from '@stream-manager/shared/queues/source-state';
import type { Pass } from './poll-passes.ts';
import type { PolledSource } from './polled-sources.ts';
import type { HeldBack } from './throttle-gate.ts';

/** What it needs. */
export interface EndOfPollDeps {
  readonly states: Pick<SourceStateStore, 'recordPoll'>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Cuts every secret of this process from a text. */
  readonly cutSecrets: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What a poll has done so far. */
export interface PollDone {
  readonly records: number;
  readonly hasFetched: boolean;
}

/** Tells how one poll ended. Each rejects with what Redis answered. */
export interface EndOfPoll {
  /** All pages are in. */
  finished(records: number, pass: Pick<Pass, 'seen' | 'window'>): Promise<'ok' | 'not_modified' | 'cached'>;
  failed(records: number, error: string): Promise<void>;
  later(outcome: 'deferred' | 'rate_limited', held: HeldBack, done: PollDone): Promise<LaterEnd>;
}

/** The poll is delayed. `reason` is without secrets. `hasFetched`: the provider was asked before. */
export type LaterEnd = { readonly end: 'later'; readonly hasFetched: boolean } & HeldBack;

/** Starts on a poll; `history`: what the source's answers were like before it. */
export const startPollRecord = (
  deps: EndOfPollDeps,
  { config }: { readonly config: Pick<PolledSource['config'], 'id' | 'type'> },
  history: AnswerHistory | null,
): EndOfPoll => {
  const { id: sourceId, type } = config;
  const startedAt = deps.now();

  const record = async (
    outcome: PollOutcome,
    poll: { readonly records: number; readonly error: string | null },
    answers?: AnswerHistory,
  ): Promise<void> => {
    deps.metrics.pollsTotal.inc({ source: sourceId, outcome });
    const durationMs = Math.max(0, deps.now() - startedAt);
    const at = new Date(startedAt).toISOString();
    await deps.states.recordPoll(sourceId, { at, outcome, durationMs, ...poll }, answers);
  };

  return {
    finished: async (records, { seen, window: { sinceMs, untilMs } }) => {
      const outcome = records > 0 ? 'ok' : (seen.outcome ?? 'ok');
      // A source that gave no page has answered nothing.
      const rows = seen.outcome === null ? null : seen.rows;
      const spanMs = sinceMs === null ? null : untilMs - sinceMs;
      const answer = { atMs: deps.now(), rows, newestObservedAtMs: seen.newestObservedAtMs, spanMs };
      await record(outcome, { records, error: null }, addAnswer(history, answer, habitOf(type)));
      deps.logger.debug({ sourceId, outcome, records }, 'polled');
      return outcome;
    },
    failed: async (records, error) => {
      await record('failed', { records, error });
      deps.logger.warn({ sourceId, error }, 'poll failed');
    },
    later: async (outcome, held, { records, hasFetched }) => {
      const { by, waitMs } = held;
      const reason = deps.cutSecrets(held.reason);
      await record(outcome, { records, error: reason });
      deps.logger.info({ sourceId, by, waitMs, reason }, 'the poll goes on later');
      return { end: 'later', by, reason, waitMs, hasFetched };
    },
  };
};
