// One pass: the pages of a source, from a position to the last, each admitted whole before its position is stored. So
// a position never stands behind a row that is in neither queue, dead letters nor seen ids.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SourceStateStore } from '@stream-manager/shared/queues/source-state';
import type { AdmissionDeps, AdmittingPoll, PageAdmission, Shortage } from './admission/admission.ts';
import { admitPage } from './admission/admit-page.ts';
import { type PreparedRows, type PrepareOptions, startPreparation } from './admission/prepare.ts';
import { showParsed } from './admission/tapped-rows.ts';
import type { Freshness } from './freshness.ts';
import type { Redactor } from './http/secrets.ts';
import type { HttpClients } from './http/undici-client.ts';
import { createLookAhead } from './look-ahead.ts';
import type { Pass } from './poll-passes.ts';
import type { PolledSource } from './polled-sources.ts';
import { formatChanged, isFormatChanged } from './sources/changed-format.ts';
import type { Page } from './sources/source.ts';

/** What a pass needs. */
export interface PassDeps {
  readonly http: Pick<HttpClients, 'forPoll'>;
  readonly states: Pick<SourceStateStore, 'writePosition'>;
  readonly admission: AdmissionDeps;
  readonly freshness: Freshness;
  /** Cuts every secret of this process from a text. */
  readonly cutSecrets: Redactor;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What a pass has done. */
interface PassDone {
  /** Stored by it so far, earlier runs of it included. */
  readonly records: number;
  /** The source gave a page in this run. */
  readonly hasFetched: boolean;
}

/** How a pass ended. `cut_off`: the signal. */
export type PassEnd = PassDone &
  (
    | { readonly kind: 'finished' | 'cut_off' }
    | { readonly kind: 'no_room'; readonly shortage: Shortage }
    | { readonly kind: 'error'; readonly error: unknown }
  );

/** Rows that are prepared in one go: about 10 ms, after which the event loop has its turn. */
const rowsPerTurn = 2000;

/** Runs a pass as far as it goes. Errors of the source and of Redis are an end, not a rejection. */
export const runPass = async (
  deps: PassDeps,
  source: PolledSource,
  pass: Pass,
  poll: AdmittingPoll,
): Promise<PassEnd> => {
  const { config, connector } = source;
  const { signal } = poll;
  const { scheduledFor } = pass;
  const { maxInvalidShare } = source;
  let { position, records } = pass;
  let hasFetched = false;
  let newest = Number.NEGATIVE_INFINITY;
  const remember = async (): Promise<void> => {
    if (!poll.lost.aborted) await deps.states.writePosition(config.id, { scheduledFor, position, records });
  };
  const http = deps.http.forPoll({ source: config, signal, progress: poll.progress });
  try {
    const prepare = (page: Page): Promise<PreparedRows> => preparePage(source.prepare, page, deps.now());
    const admit = async (rows: PreparedRows, beforeOthers?: () => Promise<void>): Promise<PageAdmission> => {
      const admission = await admitPage(deps.admission, source.admission, rows, poll, beforeOthers);
      records += admission.accepted;
      return admission;
    };
    const lookAhead = createLookAhead({
      prepareCritical: (page) => prepareCritical(source.prepare, page, deps.now()),
      admit: async (rows) => (await admit(rows)).status === 'admitted',
    });
    const window = { sinceMs: null, untilMs: scheduledFor };
    const of = { source: config, position, scheduledFor, cursor: null, window, isBackfill: false };
    const context = { ...of, maxInvalidShare, http, signal };
    for await (const page of connector.poll(context)) {
      hasFetched = true;
      const rows = await prepare(page);
      await showParsed(deps.admission, config.id, { records: page.records, invalid: rows.invalid });
      if (page.isPart !== true) judgePage(page, rows, maxInvalidShare, deps.cutSecrets);
      const admission = await admit(lookAhead.withoutEarly(rows), () => lookAhead.look(page, rows));
      newest = Math.max(newest, rows.newestObservedAtMs ?? newest);
      if (admission.status !== 'admitted') {
        await remember();
        return admission.status === 'no_room'
          ? { kind: 'no_room', records, hasFetched, shortage: admission.shortage }
          : { kind: 'cut_off', records, hasFetched };
      }
      poll.progress();
      position = page.position;
      // A last page has no position: what was stored is cleared when the pass is over.
      if (position !== null) await remember();
    }
    // A source may end quietly when it is stopped; that is not its last page.
    return { kind: signal.aborted ? 'cut_off' : 'finished', records, hasFetched };
  } catch (error) {
    return { ...(signal.aborted ? { kind: 'cut_off' } : { kind: 'error', error }), records, hasFetched };
  } finally {
    if (Number.isFinite(newest)) deps.freshness.saw(config.id, newest);
  }
};

/** Throws `format_changed` if too much of a page that is one whole answer is invalid. */
const judgePage = (page: Page, prepared: PreparedRows, maxShare: number, redact: Redactor): void => {
  const rows = page.records.length + page.invalid.length;
  const invalid = page.invalid.length + prepared.rejected;
  if (isFormatChanged(rows, invalid, maxShare))
    throw formatChanged({ rows, invalid, sample: prepared.invalid }, maxShare, redact);
};

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

/** Prepares only what is critical of a page. */
const prepareCritical = (options: PrepareOptions, { records }: Page, ingestedAtMs: number): PreparedRows => {
  const preparation = startPreparation(options, ingestedAtMs);
  preparation.add(records.filter((record) => options.resolvePriority(record, options.priority) === 'critical'));
  // A record that cannot be stored is told of on its own page.
  return { ...preparation.finish(), invalid: [], rejected: 0 };
};
