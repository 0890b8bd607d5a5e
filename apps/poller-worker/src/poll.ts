// The poll of one source: claim it, go through its pages, admit each, remember where it stands. Knows HTTP, queues and
// Redis as ports only, and never touches a BullMQ job: it says how the poll ended, and queues/poll-jobs.ts acts on it.
//
//   running ──all pages in──► finished
//      ├──Redis or the source's dead letters are full, or the consumers are behind──► later (delayed before its fetch)
//      ├──half of the slots ask its host──► later (a moment, goes on at its page; counts as no outcome)
//      ├──out of budget, 429, no room──► later (delayed, goes on at its page)
//      ├──its provider answers nobody──► later (until the pause of its breaker is over; then one poll of the fleet is the trial)
//      ├──its provider gave no answer──► later (a second or two, twice, if the next tick is not sooner)
//      ├──any other error──► failed (the next tick is the retry, and goes on at the page)
//      ├──the process stops──► handed_back (another poller goes on at once)
//      ├──another poll holds the source──► coalesced
//      └──another poller has the job, or it was given up as hung──► let_go
import type { AnswerHistory } from '@stream-manager/shared/conditions/answer-history';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { untilNextTickMs, untilTickAfterMs } from '@stream-manager/shared/queues/next-tick';
import { pollingState, type SourceStateStore } from '@stream-manager/shared/queues/source-state';
import type { AskProvider, ProviderLeave } from './breaker/ask-provider.ts';
import { type EndOfPoll, type EndOfPollDeps, type LaterEnd, startPollRecord } from './end-of-poll.ts';
import type { HoldBack } from './hold-back.ts';
import { chooseSetback, type Setback } from './poll-setback.ts';
import type { PolledSource } from './polled-sources.ts';
import { type RunningClaims, whileClaimed } from './queues/running-claim.ts';
import { createRunPasses, type PassesDeps, type PassesEnd } from './run-passes.ts';

/** What the stage needs. */
export interface PollDeps extends PassesDeps, EndOfPollDeps {
  readonly sources: ReadonlyMap<string, PolledSource>;
  readonly states: Pick<SourceStateStore, 'read' | 'recordPoll'>;
  readonly claims: RunningClaims;
  readonly holdBack: HoldBack;
  readonly askProvider: AskProvider;
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
  /** How often it was tried again after its provider gave no answer. */
  readonly retries: number;
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
  | { readonly end: 'finished'; readonly outcome: 'ok' | 'not_modified' | 'cached'; readonly records: number }
  /** Paused, stopped or disabled, or not in this process' config. */
  | { readonly end: 'skipped'; readonly why: 'paused' | 'not_running' | 'unknown_source' }
  /** Another poll of the source is running. */
  | { readonly end: 'coalesced' }
  | LaterEnd
  | { readonly end: 'failed'; readonly error: string }
  | { readonly end: 'handed_back' }
  | { readonly end: 'let_go' };

/** Creates the stage. `run` rejects only when Redis does. */
export const createPollStage = (deps: PollDeps): { run(request: PollRequest): Promise<PollEnd> } => {
  const runPasses = createRunPasses(deps);

  const setbackOf = (
    { config }: PolledSource,
    { scheduledFor, retries }: PollRequest,
    error: unknown,
    own: { readonly hostWaitedMs: number; readonly isTrial: boolean },
  ): Setback => {
    const now = deps.now();
    const beforeTickMs = untilTickAfterMs(config, scheduledFor, now);
    const ticks = { untilNextTickMs: untilNextTickMs(config, now), beforeTickMs };
    return chooseSetback(error, { ...ticks, ...own, retries, random: deps.random() });
  };

  /** The provider was asked: what becomes of the poll, and what it says about the provider. */
  const settle = async (
    source: PolledSource,
    poll: PollRequest,
    end: PassesEnd,
    { leave, record, claimLost }: { leave: ProviderLeave; record: EndOfPoll; claimLost: AbortSignal },
  ): Promise<PollEnd> => {
    const { records, hasFetched } = end;
    if (end.kind === 'cut_off') {
      // Another run of the same job may be the trial by now.
      if (poll.lockLost.aborted || poll.givenUp.aborted) return { end: 'let_go' };
      await leave.ended({ kind: 'ended', hasFetched });
      return claimLost.aborted ? { end: 'coalesced' } : { end: 'handed_back' };
    }
    if (end.kind !== 'error') await leave.ended({ kind: 'ended', hasFetched });
    if (end.kind === 'finished') return { end: 'finished', outcome: await record.finished(records, end.pass), records };
    if (end.kind === 'no_room') {
      // A fetch costs the provider's quota: not before the next tick.
      const waitMs = untilNextTickMs(source.config, deps.now());
      return record.later('deferred', { ...end.shortage, waitMs }, end);
    }
    const hostWaitedMs = hasFetched ? 0 : poll.hostWaitedMs;
    const setback = setbackOf(source, poll, end.error, { hostWaitedMs, isTrial: leave.isTrial });
    await leave.ended({ kind: 'error', error: end.error, hasFetched, isOver: setback.act === 'fail' });
    const error = deps.cutSecrets(messageOf(end.error));
    if (setback.act === 'fail') {
      await record.failed(records, error);
      return { end: 'failed', error };
    }
    const { by, waitMs } = setback;
    const refusal = { by, reason: error, waitMs };
    // A moment between two requests is no end that anybody wants to see.
    if (by === 'host') return { end: 'later', ...refusal, hasFetched };
    if (by === 'retry') {
      deps.logger.info(
        { sourceId: poll.sourceId, error, waitMs },
        'the provider gave no answer; the poll is tried again',
      );
      return { end: 'later', ...refusal, hasFetched };
    }
    // A 429 is an answer.
    return by === 'rate_limited'
      ? record.later(by, refusal, { records, hasFetched: true })
      : record.later('deferred', refusal, end);
  };

  const runClaimed = async (
    source: PolledSource,
    poll: PollRequest,
    history: AnswerHistory | null,
    claimLost: AbortSignal,
  ): Promise<PollEnd> => {
    const record = startPollRecord(deps, source, history);
    const nothingDone = { records: 0, hasFetched: false };
    const held = await deps.holdBack(source, poll);
    if (held !== null) return record.later('deferred', held, nothingDone);
    const asked = await deps.askProvider(source, poll);
    if ('held' in asked) return record.later('deferred', asked.held, nothingDone);
    const { leave } = asked;
    try {
      await poll.runsOn();
      const lost = AbortSignal.any([poll.lockLost, poll.givenUp, claimLost]);
      const signal = AbortSignal.any([poll.stop, lost]);
      const end = await runPasses(source, {
        scheduledFor: poll.scheduledFor,
        admitting: { pollId: poll.jobId, signal, lost, progress: poll.progress },
        answered: () => leave.answered(),
        isFinal: (error) => setbackOf(source, poll, error, { hostWaitedMs: 0, isTrial: leave.isTrial }).act === 'fail',
      });
      return await settle(source, poll, end, { leave, record, claimLost });
    } finally {
      // Whatever Redis refused in between; nothing if it was told.
      if (!poll.lockLost.aborted && !poll.givenUp.aborted) await leave.ended({ kind: 'ended', hasFetched: false });
    }
  };

  return {
    run: async (poll) => {
      const source = deps.sources.get(poll.sourceId);
      if (source === undefined) return { end: 'skipped', why: 'unknown_source' };
      const kept = (await deps.states.read([poll.sourceId])).get(poll.sourceId);
      const state = pollingState(source.config, kept);
      if (state === 'paused') return { end: 'skipped', why: 'paused' };
      // Without this, a poll that delays itself for room would go on for ever after a stop.
      if (state !== 'running' && !poll.isRequested) return { end: 'skipped', why: 'not_running' };
      const end = await whileClaimed(deps.claims, poll.sourceId, poll, (lost) =>
        runClaimed(source, poll, kept?.answers ?? null, lost),
      );
      return end ?? { end: 'coalesced' };
    },
  };
};
