// One run of a backfill: a slice of it, from wherever the slice was cut off, under everything that a poll is under. Knows
// neither jobs nor BullMQ: it says how the run ended, and queues/backfill-jobs.ts acts on it.
//
//   running ──slice in──► next (a moment later, so that polls come first) ──last one in──► finished
//      ├──paused or stopped, an earlier one runs, throttle, memory, letters, breaker──► later
//      ├──out of budget, 429, no room──► later (goes on at its page)
//      ├──an error that may pass──► later (1 minute, doubling) ──too many in a row──► failed
//      ├──somebody took it back──► over
//      ├──the process stops──► handed_back
//      └──another worker has the job, or it was given up as hung──► let_go
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { BackfillEnd, BackfillEntry, BackfillStore } from '@stream-manager/shared/queues/backfill-store';
import { pollingState, type SourceStateStore } from '@stream-manager/shared/queues/source-state';
import { classOf } from '@stream-manager/shared/records/priority';
import type { AskProvider, ProviderLeave } from '../breaker/ask-provider.ts';
import type { HoldBack } from '../hold-back.ts';
import { beginPass, type Pass, readPass } from '../poll-passes.ts';
import { chooseSetback } from '../poll-setback.ts';
import type { PolledSource } from '../polled-sources.ts';
import { type RunningClaims, whileClaimed } from '../queues/running-claim.ts';
import { type PassDeps, type PassEnd, runPass } from '../run-pass.ts';
import type { HeldBack } from '../throttle-gate.ts';
import { failureWaitMs, mostFailures, nextSlice } from './slices.ts';

/** What the stage needs. `http` is that of backfills. */
export interface BackfillDeps extends PassDeps {
  readonly sources: ReadonlyMap<string, PolledSource>;
  readonly store: BackfillStore;
  readonly states: Pick<SourceStateStore, 'read'>;
  readonly claims: RunningClaims;
  readonly holdBack: HoldBack;
  readonly askProvider: AskProvider;
  readonly logger: Logger;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The run that a job asks for. */
export interface BackfillRun {
  readonly jobId: string;
  readonly sourceId: string;
  readonly backfillId: string;
  /** How long its host's share was found in use, look after look, in milliseconds. */
  readonly hostWaitedMs: number;
  /** The process stops. */
  readonly stop: AbortSignal;
  readonly lockLost: AbortSignal;
  readonly givenUp: AbortSignal;
  readonly progress: () => void;
  /** Nothing holds it back: what it was delayed for is over. */
  readonly runsOn: (entry: BackfillEntry) => Promise<void>;
}

/** How a run ended. */
export type BackfillRunEnd =
  | { readonly end: 'next' | 'finished'; readonly entry: BackfillEntry }
  | ({ readonly end: 'later'; readonly entry: BackfillEntry } & HeldBack)
  | { readonly end: 'failed'; readonly error: string }
  /** It had ended before, or ended meanwhile; `unknown`: nothing is kept of it. */
  | { readonly end: 'over'; readonly state: BackfillEnd | 'unknown' }
  | { readonly end: 'handed_back' | 'let_go' };

const sourceWaitMs = 15_000;
const earlierWaitMs = 5_000;
const roomWaitMs = 15_000;

/**
 * The source as a backfill polls it: history is never urgent. Its chunks are of the lowest class whatever its records say,
 * so they wait for the throttle and take nothing of what is kept free for critical ones; the records say what they are.
 */
const asHistory = (source: PolledSource): PolledSource => ({
  ...source,
  config: { ...source.config, priority: 'low' },
  prepare: { ...source.prepare, queueAs: classOf('low') },
});

/** Creates the stage. `run` rejects only when Redis does. */
export const createBackfillStage = (deps: BackfillDeps): { run(run: BackfillRun): Promise<BackfillRunEnd> } => {
  const { store, logger, cutSecrets, now } = deps;

  const later = (entry: BackfillEntry, held: HeldBack): BackfillRunEnd => {
    const reason = cutSecrets(held.reason);
    const { by, waitMs } = held;
    logger.debug({ sourceId: entry.sourceId, backfillId: entry.id, by, waitMs, reason }, 'the backfill goes on later');
    return { end: 'later', entry, by, reason, waitMs };
  };

  const over = async ({ sourceId, backfillId }: BackfillRun): Promise<BackfillRunEnd> => {
    const state = (await store.read(sourceId, backfillId))?.state ?? 'unknown';
    return { end: 'over', state: state === 'open' ? 'unknown' : state };
  };

  const fail = async (entry: BackfillEntry, error: string, failures: number): Promise<BackfillRunEnd> => {
    const { sourceId, id } = entry;
    await store.change(sourceId, id, { error, failures });
    if (!(await store.end(sourceId, id, 'failed', { atMs: now() }))) return { end: 'over', state: 'cancelled' };
    logger.warn({ sourceId, backfillId: id, error }, 'backfill failed');
    return { end: 'failed', error };
  };

  /** Why the source is not polled now; null: it is. */
  const notPolled = async (source: PolledSource): Promise<string | null> => {
    const { id } = source.config;
    const state = pollingState(source.config, (await deps.states.read([id])).get(id));
    return state === 'running' ? null : `${id} is ${state}: the backfill goes on when it is polled again`;
  };

  /** The slice that is due, or what was left of it when it was cut off. */
  const passOf = (entry: BackfillEntry, sliceMs: number, request: string): Pass => {
    const window = nextSlice(entry.doneMs, entry.toMs, sliceMs);
    const stored = readPass(entry.position);
    const isSame =
      stored?.isBackfill === true &&
      stored.request === request &&
      stored.window.sinceMs === window.sinceMs &&
      stored.window.untilMs === window.untilMs;
    return isSame ? stored : beginPass({ scheduledFor: entry.requestedAtMs, window, isBackfill: true, request });
  };

  const settle = async (
    source: PolledSource,
    entry: BackfillEntry,
    run: BackfillRun,
    done: {
      readonly end: PassEnd;
      readonly leave: ProviderLeave;
      readonly isCancelled: boolean;
      readonly claimLost: AbortSignal;
    },
  ): Promise<BackfillRunEnd> => {
    const { end, leave, isCancelled, claimLost } = done;
    const { hasFetched } = end;
    const { sourceId, id } = entry;
    if (end.kind !== 'error') await leave.ended({ kind: 'ended', hasFetched });
    if (isCancelled) return over(run);
    const current = (await store.read(sourceId, id)) ?? entry;
    switch (end.kind) {
      case 'finished': {
        if (end.pass.seen.isRefused)
          return later(current, {
            by: 'room',
            reason: 'rows of the slice found no room; it is asked for again',
            waitMs: roomWaitMs,
          });
        logger.info(
          { sourceId, backfillId: id, doneUntil: new Date(current.doneMs).toISOString(), records: end.pass.records },
          'a slice of the backfill is in the queues',
        );
        if (current.doneMs < current.toMs) return { end: 'next', entry: current };
        if (!(await store.end(sourceId, id, 'finished', { atMs: now() }))) return over(run);
        logger.info({ sourceId, backfillId: id, records: current.records }, 'backfill finished');
        return { end: 'finished', entry: current };
      }
      case 'no_room':
        return later(current, { ...end.shortage, waitMs: roomWaitMs });
      case 'cut_off':
        if (run.lockLost.aborted || run.givenUp.aborted) return { end: 'let_go' };
        return claimLost.aborted
          ? later(current, { by: 'earlier', reason: 'another worker runs it', waitMs: earlierWaitMs })
          : { end: 'handed_back' };
      case 'error':
        break;
    }
    const setback = chooseSetback(end.error, {
      untilNextTickMs: source.config.periodMs,
      // Its own waits, below, are its retries.
      beforeTickMs: 0,
      retries: 0,
      isTrial: leave.isTrial,
      hostWaitedMs: hasFetched ? 0 : run.hostWaitedMs,
      random: deps.random(),
    });
    const error = cutSecrets(messageOf(end.error));
    await leave.ended({ kind: 'error', error: end.error, hasFetched, isOver: setback.act === 'fail' });
    if (setback.act === 'later') return later(current, { by: setback.by, reason: error, waitMs: setback.waitMs });
    const failures = current.failures + 1;
    const isHopeless = end.error instanceof StreamManagerError && !end.error.retryable;
    if (isHopeless || failures >= mostFailures) return fail(current, error, failures);
    if (!(await store.change(sourceId, id, { error, failures }))) return over(run);
    return later(current, { by: 'error', reason: error, waitMs: failureWaitMs(failures) });
  };

  const runClaimed = async (
    source: PolledSource,
    entry: BackfillEntry,
    sliceMs: number,
    run: BackfillRun,
    claimLost: AbortSignal,
  ): Promise<BackfillRunEnd> => {
    const { sourceId, id } = entry;
    const view = asHistory(source);
    const held = await deps.holdBack(view, { isRequested: false, wasThrottled: false });
    if (held !== null) return later(entry, held);
    const asked = await deps.askProvider(view, { jobId: run.jobId, isRequested: false, isBackfill: true });
    if ('held' in asked) return later(entry, asked.held);
    const { leave } = asked;
    await run.runsOn(entry);
    const lost = AbortSignal.any([run.lockLost, run.givenUp, claimLost]);
    const cancelled = new AbortController();
    const signal = AbortSignal.any([run.stop, lost, cancelled.signal]);
    const pass = passOf(entry, sliceMs, source.request);
    const recordsBefore = entry.records - pass.records;
    const keep = async (change: Parameters<BackfillStore['change']>[2]): Promise<void> => {
      if (!(await store.change(sourceId, id, change)))
        cancelled.abort(new StreamManagerError('stopped', 'the backfill was cancelled'));
    };
    try {
      const end = await runPass(
        deps,
        view,
        {
          pass,
          cursor: null,
          keeper: {
            remember: (at) => keep({ position: at, records: recordsBefore + at.records }),
            finish: (at) =>
              keep({
                records: recordsBefore + at.records,
                position: null,
                ...(at.seen.isRefused ? {} : { doneMs: at.window.untilMs, failures: 0, error: null }),
              }),
          },
        },
        { pollId: run.jobId, signal, lost, progress: run.progress },
      );
      return await settle(source, entry, run, { end, leave, isCancelled: cancelled.signal.aborted, claimLost });
    } finally {
      // Whatever Redis refused in between; nothing if it was told.
      if (!run.lockLost.aborted && !run.givenUp.aborted) await leave.ended({ kind: 'ended', hasFetched: false });
    }
  };

  return {
    run: async (run) => {
      const { sourceId, backfillId } = run;
      let entry = await store.read(sourceId, backfillId);
      // Retry of its job in Bull Board.
      if (entry?.state === 'failed' && (await store.reopen(sourceId, backfillId)))
        entry = await store.read(sourceId, backfillId);
      if (entry === null || entry.state !== 'open') return over(run);
      const source = deps.sources.get(sourceId);
      if (source === undefined)
        return later(entry, {
          by: 'source',
          reason: `this poller does not have ${sourceId} in its config, or no connector for it`,
          waitMs: sourceWaitMs,
        });
      const sliceMs = source.connector.backfill?.sliceMs;
      if (sliceMs === undefined) return fail(entry, `the API of ${sourceId} cannot be asked for the past`, 0);
      const why = await notPolled(source);
      if (why !== null) return later(entry, { by: 'source', reason: why, waitMs: sourceWaitMs });
      const [first] = await store.open([sourceId]);
      if (first !== undefined && first.id !== backfillId)
        return later(entry, {
          by: 'earlier',
          reason: `backfill ${first.id} of the source comes first`,
          waitMs: earlierWaitMs,
        });
      const end = await whileClaimed(deps.claims, `${sourceId}:backfill`, run, (lost) =>
        runClaimed(source, entry, sliceMs, run, lost),
      );
      return (
        end ??
        later(entry, { by: 'earlier', reason: 'another backfill of the source is running', waitMs: earlierWaitMs })
      );
    },
  };
};
