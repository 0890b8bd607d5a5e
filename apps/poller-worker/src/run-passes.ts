// The passes of one poll: the rest of an earlier one, then its own, each from the source's cursor. At the end of a pass the
// cursor moves to what its pages gave and to the end of the time it asked for, and only if nobody else has written it since:
// an operator who sets or resets it while a pass runs has the last word, and the pass' answer to where to go on is dropped.
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { CursorStore, StoredCursor } from '@stream-manager/shared/queues/cursor-store';
import type { AdmittingPoll } from './admission/admission.ts';
import { beginPass, choosePasses, ownPass, type Pass, type WindowOf } from './poll-passes.ts';
import type { PolledSource } from './polled-sources.ts';
import { type PassDeps, type PassEnd, type PassKeeper, runPass } from './run-pass.ts';

/** What it needs. */
export interface PassesDeps extends PassDeps {
  readonly cursors: Pick<CursorStore, 'begin' | 'read' | 'write' | 'writePosition'>;
  readonly logger: Logger;
}

/** The passes of one poll. */
export interface PassesRun {
  /** The poll's tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  readonly admitting: AdmittingPoll;
  /** The first page of a run is admitted: the provider answers. */
  readonly answered: () => Promise<void>;
  /** An error of an earlier pass that ends it; otherwise it waits, and the poll with it. */
  readonly isFinal: (error: unknown) => boolean;
}

/** How the last pass ended, with what all of them have done. */
export type PassesEnd = PassEnd & { readonly records: number };

/** A tick may be ahead of Redis' clock by this much, in milliseconds, and still be what its pass asks up to. */
const clockSlackMs = 1_000;

/** Creates the runner; it logs once per source from where that goes on. Rejects only when Redis does. */
export const createRunPasses = (deps: PassesDeps): ((source: PolledSource, run: PassesRun) => Promise<PassesEnd>) => {
  const { logger, cutSecrets } = deps;
  const known = new Set<string>();

  const logOnce = (sourceId: string, cursor: StoredCursor, pass: Pass): void => {
    if (known.has(sourceId)) return;
    known.add(sourceId);
    const { at, by, version } = cursor;
    const value = cutSecrets(JSON.stringify(cursor.value)).slice(0, 200);
    const { sinceMs } = pass.window;
    const since = sinceMs === null ? null : new Date(sinceMs).toISOString();
    const facts = { sourceId, cursor: value, since, version, at, by, page: pass.position !== null };
    logger.info(facts, version === 0 ? 'the source begins without a cursor' : 'the source goes on from its cursor');
    if (cursor.value !== null && cursor.request !== null && cursor.request !== pass.request)
      logger.warn(
        { sourceId, cursor: value },
        'the params of the source are others than those its cursor came from; to begin anew: streamctl sources cursor reset',
      );
  };

  const keeperOf = (sourceId: string, cursor: StoredCursor, answered: () => Promise<void>): PassKeeper => ({
    remember: async (pass) => {
      await answered();
      await deps.cursors.writePosition(sourceId, pass);
    },
    finish: async (pass) => {
      await answered();
      const { seen, window, cursorVersion, request } = pass;
      if (seen.isRefused) return deps.cursors.writePosition(sourceId, null);
      const value = 'cursor' in seen ? seen.cursor : cursor.value;
      if (!(await deps.cursors.write(sourceId, cursorVersion, { value, untilMs: window.untilMs, request })))
        logger.info({ sourceId }, 'the cursor was set or reset while a pass ran, and stays as it is');
    },
  });

  const runAll = async (
    source: PolledSource,
    { scheduledFor, admitting, answered, isFinal }: PassesRun,
  ): Promise<PassesEnd> => {
    const { id: sourceId, periodMs } = source.config;
    const { request } = source;
    const { position: stored, cursor, nowMs } = await deps.cursors.begin(sourceId);
    // The end of the time that is asked for is where the next pass goes on: in the future, because a poller's clock is
    // ahead, it would leave out what comes until then.
    const tick = scheduledFor > nowMs + clockSlackMs ? nowMs : scheduledFor;
    const windowOf: WindowOf = ({ cursorUntilMs }) =>
      source.mode.windowOf({ sourceId, periodMs, scheduledFor: tick, cursorUntilMs });
    const run = (pass: Pass, cursor: StoredCursor): Promise<PassEnd> =>
      runPass(deps, source, { pass, cursor: cursor.value, keeper: keeperOf(sourceId, cursor, answered) }, admitting);
    const { earlier, own } = choosePasses(stored, {
      scheduledFor,
      periodMs,
      now: deps.now(),
      cursor,
      request,
      windowOf,
    });
    logOnce(sourceId, cursor, earlier ?? own);
    if (earlier === null) {
      const end = await run(own, cursor);
      return { ...end, records: end.pass.records };
    }
    const rest = await run({ ...earlier, records: 0 }, cursor);
    const done = rest.pass.records;
    if (rest.kind === 'error' && isFinal(rest.error)) {
      // It had its second chance, and the source's first pages are due.
      await deps.cursors.writePosition(sourceId, null);
      logger.warn({ sourceId, error: cutSecrets(messageOf(rest.error)) }, 'the rest of an earlier poll failed');
    } else if (rest.kind !== 'finished') return { ...rest, records: done };
    const next = await deps.cursors.read(sourceId);
    const end = await run(ownPass({ scheduledFor, cursor: next, request }, windowOf), next);
    return { ...end, records: end.pass.records + done, hasFetched: end.hasFetched || rest.hasFetched };
  };

  return async (source, run) => {
    try {
      return await runAll(source, run);
    } catch (error) {
      // A mode of the user's own: the error of this poll, and of nothing else.
      if (codeOf(error) !== 'extension_failed') throw error;
      const { scheduledFor } = run;
      const pass = beginPass({ scheduledFor, window: { sinceMs: null, untilMs: scheduledFor } });
      return { kind: 'error', error, pass, hasFetched: false, records: 0 };
    }
  };
};
