// The poll of one source: claim it, go through its pages, admit each, remember where it stands. Knows HTTP, queues and
// Redis as ports only, and never touches a BullMQ job: it says how the poll ended, and queues/poll-jobs.ts acts on it.
//
//   running ──all pages in──► finished
//      ├──out of budget, 429, no room──► later (delayed, goes on at its page)
//      ├──any other error──► failed (the next tick is the retry, and goes on at the page)
//      ├──the process stops──► handed_back (another poller goes on at once)
//      ├──another poll holds the source──► coalesced
//      └──another poller has the job──► let_go
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { PollOutcome, SourceStateStore } from '@stream-manager/shared/queues/source-state';
import { type AdmissionDeps, type AdmissionSettings, admitPage } from './admission/admit-page.ts';
import { type PreparedRows, type PrepareOptions, startPreparation } from './admission/prepare.ts';
import type { Freshness } from './freshness.ts';
import type { HttpClient } from './http/http-client.ts';
import { choosePasses, type Pass } from './poll-passes.ts';
import { chooseSetback } from './poll-setback.ts';
import type { RunningClaims } from './queues/running-claim.ts';
import type { Page, Source } from './sources/source.ts';

/** A source that this process can poll. */
export interface PolledSource {
  readonly config: ResolvedSource;
  readonly connector: Source;
  readonly prepare: PrepareOptions;
  readonly admission: AdmissionSettings;
}

/** What the stage needs. */
export interface PollDeps {
  readonly sources: ReadonlyMap<string, PolledSource>;
  readonly http: { forPoll(poll: { readonly source: ResolvedSource; readonly signal: AbortSignal }): HttpClient };
  readonly states: Pick<SourceStateStore, 'read' | 'recordPoll' | 'readPosition' | 'writePosition'>;
  readonly claims: RunningClaims;
  readonly admission: AdmissionDeps;
  readonly freshness: Freshness;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Cuts every secret of this process from a text. */
  readonly cutSecrets: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The poll that a job asks for. */
export interface PollRequest {
  readonly jobId: string;
  readonly sourceId: string;
  /** The tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  /** The process stops. */
  readonly stop: AbortSignal;
  /** The job's lock is lost: BullMQ gives the job to somebody else. */
  readonly lockLost: AbortSignal;
}

/** How a poll ended. */
export type PollEnd =
  | { readonly end: 'finished'; readonly records: number }
  /** Paused, or not in this process' config. */
  | { readonly end: 'skipped'; readonly why: 'paused' | 'unknown_source' }
  /** Another poll of the source is running. */
  | { readonly end: 'coalesced' }
  | { readonly end: 'later'; readonly why: 'deferred' | 'rate_limited'; readonly waitMs: number }
  | { readonly end: 'failed'; readonly error: string }
  | { readonly end: 'handed_back' }
  | { readonly end: 'let_go' };

/** Rows that are prepared in one go: about 10 ms, after which the event loop has its turn. */
const rowsPerTurn = 2000;

type PassEnd =
  | { readonly kind: 'finished' | 'no_room' | 'cut_off'; readonly records: number }
  | { readonly kind: 'error'; readonly records: number; readonly error: unknown };

/** Creates the stage. `run` rejects only when Redis does. */
export const createPollStage = (deps: PollDeps): { run(request: PollRequest): Promise<PollEnd> } => {
  const runPass = async (
    source: PolledSource,
    pass: Pass,
    poll: PollRequest,
    signal: AbortSignal,
  ): Promise<PassEnd> => {
    const { scheduledFor } = pass;
    let { position, records } = pass;
    let newest: number | null = null;
    const remember = (): Promise<void> => deps.states.writePosition(poll.sourceId, { scheduledFor, position, records });
    const http = deps.http.forPoll({ source: source.config, signal });
    try {
      for await (const page of source.connector.poll({ source: source.config, position, scheduledFor, http, signal })) {
        const rows = await preparePage(source.prepare, page, deps.now());
        const { status, accepted } = await admitPage(deps.admission, source.admission, rows, {
          pollId: poll.jobId,
          signal,
        });
        records += accepted;
        newest = latest(newest, rows.newestObservedAtMs);
        if (status !== 'admitted') {
          await remember();
          return { kind: status === 'no_room' ? 'no_room' : 'cut_off', records };
        }
        position = page.position;
        // A last page has no position: what was stored is cleared when the pass is over.
        if (position !== null) await remember();
      }
      // A source may end quietly when it is stopped; that is not its last page.
      return { kind: signal.aborted ? 'cut_off' : 'finished', records };
    } catch (error) {
      return signal.aborted ? { kind: 'cut_off', records } : { kind: 'error', records, error };
    } finally {
      if (newest !== null) deps.freshness.saw(poll.sourceId, newest);
    }
  };

  /** Runs the passes; gives how the last one ended, with the records of all. */
  const runPasses = async (source: PolledSource, poll: PollRequest, signal: AbortSignal): Promise<PassEnd> => {
    const { sourceId, scheduledFor } = poll;
    const stored = await deps.states.readPosition(sourceId);
    const { earlier, own } = choosePasses(stored, { scheduledFor, periodMs: source.config.periodMs, now: deps.now() });
    let records = 0;
    if (earlier !== null) {
      const end = await runPass(source, { ...earlier, records: 0 }, poll, signal);
      records = end.records;
      const isOver =
        end.kind === 'finished' ||
        (end.kind === 'error' && chooseSetback(end.error, source.config.periodMs).act === 'fail');
      if (!isOver) return end;
      // Also when it failed: it had its second chance, and the source's first pages are due.
      await deps.states.writePosition(sourceId, null);
      if (end.kind === 'error')
        deps.logger.warn(
          { sourceId, error: deps.cutSecrets(messageOf(end.error)) },
          'the rest of an earlier poll failed',
        );
    }
    const end = await runPass(source, own, poll, signal);
    if (end.kind === 'finished' && (stored !== null || own.position !== null))
      await deps.states.writePosition(sourceId, null);
    return { ...end, records: end.records + records };
  };

  const runClaimed = async (source: PolledSource, poll: PollRequest, claimLost: AbortSignal): Promise<PollEnd> => {
    const { sourceId } = poll;
    const startedAt = deps.now();
    const end = await runPasses(source, poll, AbortSignal.any([poll.stop, poll.lockLost, claimLost]));
    const record = async (outcome: PollOutcome, error: string | null): Promise<void> => {
      deps.metrics.pollsTotal.inc({ source: sourceId, outcome });
      const durationMs = Math.max(0, deps.now() - startedAt);
      const at = new Date(startedAt).toISOString();
      await deps.states.recordPoll(sourceId, { at, outcome, records: end.records, durationMs, error });
    };
    switch (end.kind) {
      case 'finished':
        await record('ok', null);
        deps.logger.debug({ sourceId, records: end.records }, 'polled');
        return { end: 'finished', records: end.records };
      case 'no_room':
        await record('deferred', null);
        deps.logger.info({ sourceId, waitMs: source.config.periodMs }, 'queue is full; the poll goes on later');
        // A fetch costs the provider's quota: not before the next tick.
        return { end: 'later', why: 'deferred', waitMs: source.config.periodMs };
      case 'cut_off':
        if (poll.lockLost.aborted) return { end: 'let_go' };
        return claimLost.aborted ? { end: 'coalesced' } : { end: 'handed_back' };
      case 'error':
        break;
    }
    const error = deps.cutSecrets(messageOf(end.error));
    const setback = chooseSetback(end.error, source.config.periodMs);
    if (setback.act === 'fail') {
      await record('failed', error);
      deps.logger.warn({ sourceId, error }, 'poll failed');
      return { end: 'failed', error };
    }
    await record(setback.outcome, error);
    deps.logger.info({ sourceId, waitMs: setback.waitMs, reason: error }, 'the poll goes on later');
    return { end: 'later', why: setback.outcome, waitMs: setback.waitMs };
  };

  return {
    run: async (poll) => {
      const source = deps.sources.get(poll.sourceId);
      if (source === undefined) return { end: 'skipped', why: 'unknown_source' };
      // A poll that was on its way when the source was stopped still runs, and so does one that a person asked for.
      const states = await deps.states.read([poll.sourceId]);
      if (states.get(poll.sourceId)?.flags.paused === true) return { end: 'skipped', why: 'paused' };
      const claim = await deps.claims.take(poll.sourceId, poll.jobId);
      if (claim === null) return { end: 'coalesced' };
      try {
        return await runClaimed(source, poll, claim.lost);
      } finally {
        // With the lock lost, the same job holds the claim somewhere else.
        await (poll.lockLost.aborted ? claim.abandon() : claim.release());
      }
    },
  };
};

const latest = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

/** Prepares a page in slices: one of 300,000 rows would block the event loop for seconds. */
const preparePage = async (options: PrepareOptions, page: Page, ingestedAtMs: number): Promise<PreparedRows> => {
  const preparation = startPreparation(options, ingestedAtMs);
  preparation.addInvalid(page.invalid);
  for (let from = 0; from < page.records.length; from += rowsPerTurn) {
    if (from > 0) await nextTurn();
    preparation.add(page.records.slice(from, from + rowsPerTurn));
  }
  return preparation.finish();
};
