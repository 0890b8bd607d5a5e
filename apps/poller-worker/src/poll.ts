// The poll of one source: claim it, go through its pages, admit each, remember where it stands. Knows HTTP, queues and
// Redis as ports only, and never touches a BullMQ job: it says how the poll ended, and queues/poll-jobs.ts acts on it.
//
//   running ──all pages in──► finished
//      ├──Redis or the source's dead letters are full, or the consumers are behind──► later (delayed before its fetch)
//      ├──half of the slots ask its host──► later (a moment, goes on at its page; counts as no outcome)
//      ├──out of budget, 429, no room──► later (delayed, goes on at its page)
//      ├──any other error──► failed (the next tick is the retry, and goes on at the page)
//      ├──the process stops──► handed_back (another poller goes on at once)
//      ├──another poll holds the source──► coalesced
//      └──another poller has the job, or it was given up as hung──► let_go
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { untilNextTickMs } from '@stream-manager/shared/queues/next-tick';
import { type PollOutcome, type SourceStateStore, streamState } from '@stream-manager/shared/queues/source-state';
import type { HoldBack } from './hold-back.ts';
import { choosePasses } from './poll-passes.ts';
import { chooseSetback, type Setback } from './poll-setback.ts';
import type { PolledSource } from './polled-sources.ts';
import type { RunningClaims } from './queues/running-claim.ts';
import { type PassDeps, type PassEnd, runPass } from './run-pass.ts';
import type { HeldBack } from './throttle-gate.ts';

/** What the stage needs. */
export interface PollDeps extends PassDeps {
  readonly sources: ReadonlyMap<string, PolledSource>;
  readonly states: Pick<SourceStateStore, 'read' | 'recordPoll' | 'readPosition' | 'writePosition'>;
  readonly claims: RunningClaims;
  readonly holdBack: HoldBack;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The poll that a job asks for. */
export interface PollRequest {
  readonly jobId: string;
  readonly sourceId: string;
  /** The tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  /** A person asked for it. */
  readonly isRequested: boolean;
  /** The throttle has delayed it since its last fetch. */
  readonly wasThrottled: boolean;
  /** How long its host's share was found in use, look after look, in milliseconds; 0: this is the first look. */
  readonly hostWaitedMs: number;
  /** The process stops. */
  readonly stop: AbortSignal;
  /** The job's lock is lost: BullMQ gives the job to somebody else. */
  readonly lockLost: AbortSignal;
  /** The poll showed no progress for too long: whoever ran it does not wait for it any more. */
  readonly givenUp: AbortSignal;
  /** Called whenever the poll gets on. */
  readonly progress: () => void;
  /** Called when nothing holds the poll back: what it was delayed for is over. */
  readonly runsOn: () => Promise<void>;
}

/** How a poll ended. */
export type PollEnd =
  | { readonly end: 'finished'; readonly records: number }
  /** Paused, stopped or disabled, or not in this process' config. */
  | { readonly end: 'skipped'; readonly why: 'paused' | 'not_running' | 'unknown_source' }
  /** Another poll of the source is running. */
  | { readonly end: 'coalesced' }
  /** `reason` may hold what a provider said: cut secrets before it is kept. `hasFetched`: the provider was asked before. */
  | ({ readonly end: 'later'; readonly hasFetched: boolean } & HeldBack)
  | { readonly end: 'failed'; readonly error: string }
  | { readonly end: 'handed_back' }
  | { readonly end: 'let_go' };

/** Creates the stage. `run` rejects only when Redis does. */
export const createPollStage = (deps: PollDeps): { run(request: PollRequest): Promise<PollEnd> } => {
  /** Runs the passes; gives how the last one ended, with what all have done. */
  const runPasses = async (source: PolledSource, poll: PollRequest, lost: AbortSignal): Promise<PassEnd> => {
    const { sourceId, scheduledFor } = poll;
    const signal = AbortSignal.any([poll.stop, lost]);
    const admitting = { pollId: poll.jobId, signal, lost, progress: poll.progress };
    const stored = await deps.states.readPosition(sourceId);
    const { earlier, own } = choosePasses(stored, { scheduledFor, periodMs: source.config.periodMs, now: deps.now() });
    let records = 0;
    let hasFetched = false;
    if (earlier !== null) {
      const end = await runPass(deps, source, { ...earlier, records: 0 }, admitting);
      ({ records, hasFetched } = end);
      const isOver =
        end.kind === 'finished' || (end.kind === 'error' && setbackOf(source, end.error, 0).act === 'fail');
      if (!isOver) return end;
      // Also when it failed: it had its second chance, and the source's first pages are due.
      await deps.states.writePosition(sourceId, null);
      if (end.kind === 'error')
        deps.logger.warn(
          { sourceId, error: deps.cutSecrets(messageOf(end.error)) },
          'the rest of an earlier poll failed',
        );
    }
    const end = await runPass(deps, source, own, admitting);
    // Whatever its pages left behind: a position that stays would have the next poll fetch the last page twice.
    if (end.kind === 'finished') await deps.states.writePosition(sourceId, null);
    return { ...end, records: end.records + records, hasFetched: end.hasFetched || hasFetched };
  };

  const setbackOf = ({ config }: PolledSource, error: unknown, hostWaitedMs: number): Setback => {
    const context = { untilNextTickMs: untilNextTickMs(config, deps.now()), hostWaitedMs, random: deps.random() };
    return chooseSetback(error, context);
  };

  const runClaimed = async (source: PolledSource, poll: PollRequest, claimLost: AbortSignal): Promise<PollEnd> => {
    const { sourceId } = poll;
    const startedAt = deps.now();
    const recordEnd = async (outcome: PollOutcome, error: string | null, records: number): Promise<void> => {
      deps.metrics.pollsTotal.inc({ source: sourceId, outcome });
      const durationMs = Math.max(0, deps.now() - startedAt);
      const at = new Date(startedAt).toISOString();
      await deps.states.recordPoll(sourceId, { at, outcome, records, durationMs, error });
    };
    const later = async (
      outcome: 'deferred' | 'rate_limited',
      held: HeldBack,
      done: { readonly records: number; readonly hasFetched: boolean },
    ): Promise<PollEnd> => {
      const { by, waitMs } = held;
      const reason = deps.cutSecrets(held.reason);
      await recordEnd(outcome, reason, done.records);
      deps.logger.info({ sourceId, by, waitMs, reason }, 'the poll goes on later');
      return { end: 'later', by, reason, waitMs, hasFetched: done.hasFetched };
    };
    const held = await deps.holdBack(source, poll);
    if (held !== null) return later('deferred', held, { records: 0, hasFetched: false });
    await poll.runsOn();
    const end = await runPasses(source, poll, AbortSignal.any([poll.lockLost, poll.givenUp, claimLost]));
    switch (end.kind) {
      case 'finished':
        await recordEnd('ok', null, end.records);
        deps.logger.debug({ sourceId, records: end.records }, 'polled');
        return { end: 'finished', records: end.records };
      case 'no_room': {
        // A fetch costs the provider's quota: not before the next tick.
        const waitMs = untilNextTickMs(source.config, deps.now());
        return later('deferred', { ...end.shortage, waitMs }, end);
      }
      case 'cut_off':
        if (poll.lockLost.aborted || poll.givenUp.aborted) return { end: 'let_go' };
        return claimLost.aborted ? { end: 'coalesced' } : { end: 'handed_back' };
      case 'error':
        break;
    }
    const error = deps.cutSecrets(messageOf(end.error));
    const setback = setbackOf(source, end.error, end.hasFetched ? 0 : poll.hostWaitedMs);
    if (setback.act === 'fail') {
      await recordEnd('failed', error, end.records);
      deps.logger.warn({ sourceId, error }, 'poll failed');
      return { end: 'failed', error };
    }
    const { by, waitMs } = setback;
    const refusal: HeldBack = { by, reason: error, waitMs };
    // A moment between two requests is no end that anybody wants to see.
    if (by === 'host') return { end: 'later', ...refusal, hasFetched: end.hasFetched };
    // A 429 is an answer.
    return by === 'rate_limited' ? later(by, refusal, { ...end, hasFetched: true }) : later('deferred', refusal, end);
  };

  const runClaiming = async (source: PolledSource, poll: PollRequest): Promise<PollEnd> => {
    const claim = await deps.claims.take(poll.sourceId, poll.jobId);
    if (claim === null) return { end: 'coalesced' };
    // A poll that hangs does not come to the end below: its claim must not be renewed for ever.
    poll.givenUp.addEventListener('abort', () => claim.abandon(), { once: true });
    try {
      return await runClaimed(source, poll, claim.lost);
    } finally {
      // Without the lock, the same job holds the claim somewhere else.
      await (poll.lockLost.aborted || poll.givenUp.aborted ? claim.abandon() : claim.release());
    }
  };

  return {
    run: async (poll) => {
      const source = deps.sources.get(poll.sourceId);
      if (source === undefined) return { end: 'skipped', why: 'unknown_source' };
      const states = await deps.states.read([poll.sourceId]);
      const flags = states.get(poll.sourceId)?.flags ?? { polls: null, paused: false };
      if (flags.paused) return { end: 'skipped', why: 'paused' };
      // What the queue still holds makes a disabled source "retiring", which is not polled either. Without this, a poll
      // that delays itself for room would go on for ever after a stop.
      const state = streamState({ flags, inConfig: true, enabled: source.config.enabled, recordsHeld: 0 });
      if (state !== 'running' && !poll.isRequested) return { end: 'skipped', why: 'not_running' };
      return runClaiming(source, poll);
    },
  };
};
