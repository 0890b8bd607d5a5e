// One pass: the pages of a source, from a position to the last, each admitted whole before its position is stored. So
// a position never stands behind a row that is in neither queue, dead letters nor seen ids. What the pass hands on to later ones
// (cursor, end of its window, answers that are used up) is taken over in that order too, and not at all if rows were refused.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { codeOf, type ErrorCode } from '@stream-manager/shared/failures/errors';
import type { AdmissionDeps, AdmittingPoll, PageAdmission, Shortage } from './admission/admission.ts';
import { admitPage } from './admission/admit-page.ts';
import { type PreparedRows, type PrepareOptions, startPreparation } from './admission/prepare.ts';
import { showParsed } from './admission/tapped-rows.ts';
import type { Receipt } from './http/http-client.ts';
import type { Redactor } from './http/secrets.ts';
import type { HttpClients } from './http/undici-client.ts';
import { createLookAhead } from './look-ahead.ts';
import { seePage } from './pass-seen.ts';
import type { Pass } from './poll-passes.ts';
import type { PolledSource } from './polled-sources.ts';
import { formatChanged, isFormatChanged } from './sources/changed-format.ts';
import type { Page } from './sources/source.ts';

/** What a pass needs. */
export interface PassDeps {
  readonly http: Pick<HttpClients, 'forPoll'>;
  readonly admission: AdmissionDeps;
  /** Cuts every secret of this process from a text. */
  readonly cutSecrets: Redactor;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Keeps where one pass stands: a poll's under its source's position, a backfill's under its own. */
export interface PassKeeper {
  /** After each page but the last, and when the rest of one found no room: cut off, the pass goes on there. */
  remember(pass: Pass): Promise<void>;
  /**
   * After the last page: what the pass hands on is kept (unless `seen.isRefused`), then where it stood is forgotten. Its last
   * answers count as used up only after that. Its rejection is the pass' error.
   */
  finish(pass: Pass): Promise<void>;
}

/** What is run: a poll's pass, or a slice of a backfill. */
export interface PassRun {
  readonly pass: Pass;
  /** The source's cursor; null in a backfill. */
  readonly cursor: unknown;
  readonly keeper: PassKeeper;
}

/** What a pass has done. */
interface PassDone {
  /** The pass as it stands, earlier runs of it included: `records` stored so far, what was `seen`. */
  readonly pass: Pass;
  /** The source gave a page in this run. */
  readonly hasFetched: boolean;
}

/** How a pass ended. `cut_off`: the signal. */
export type PassEnd = PassDone &
  (
    | { readonly kind: 'finished' }
    | { readonly kind: 'cut_off' }
    | { readonly kind: 'no_room'; readonly shortage: Shortage }
    | { readonly kind: 'error'; readonly error: unknown }
  );

/** Rows that are prepared in one go: about 10 ms, after which the event loop has its turn. */
const rowsPerTurn = 2000;

/** Runs a pass as far as it goes. Errors of the source, of Redis and of its keeper are an end, not a rejection. */
export const runPass = async (
  deps: PassDeps,
  source: PolledSource,
  run: PassRun,
  poll: AdmittingPoll,
): Promise<PassEnd> => {
  const { config, connector, maxInvalidShare } = source;
  const { signal } = poll;
  let { pass } = run;
  let hasFetched = false;
  let isResumed = pass.position !== null;
  /** A page is in our hands; otherwise what goes wrong went wrong in the connector. */
  let isOurs = false;
  /** The answers that end with the pass. */
  const last: Receipt[] = [];
  // An answer that its source did not read would hold the host's share and a connection for as long as it may take.
  const over = new AbortController();
  const sending = AbortSignal.any([signal, over.signal]);
  const http = deps.http.forPoll({ source: config, signal: sending, progress: poll.progress });
  const useUp = async (receipts: readonly Receipt[] = []): Promise<void> => {
    if (receipts.length > 0 && !pass.seen.isRefused) await http.useUp(receipts);
  };
  try {
    const prepare = (page: Page): Promise<PreparedRows> => preparePage(source.prepare, page, deps.now());
    const admit = async (rows: PreparedRows, beforeOthers?: () => Promise<void>): Promise<PageAdmission> => {
      const admission = await admitPage(deps.admission, source.admission, rows, poll, beforeOthers);
      const isRefused = pass.seen.isRefused || admission.isRefused === true;
      pass = { ...pass, records: pass.records + admission.accepted, seen: { ...pass.seen, isRefused } };
      return admission;
    };
    const lookAhead = createLookAhead({
      prepareCritical: (page) => prepareCritical(source.prepare, page, deps.now()),
      admit: async (rows) => (await admit(rows)).status === 'admitted',
    });
    const { position, scheduledFor, window, isBackfill } = pass;
    const of = { source: config, position, scheduledFor, cursor: run.cursor, window, isBackfill };
    for await (const page of connector.poll({ ...of, maxInvalidShare, http, signal })) {
      hasFetched = true;
      isOurs = true;
      const rows = await prepare(page);
      await showParsed(deps.admission, config.id, { records: page.records, invalid: rows.invalid });
      if (page.isPart !== true) judgePage(page, rows, maxInvalidShare, deps.cutSecrets);
      const admission = await admit(lookAhead.withoutEarly(rows), () => lookAhead.look(page, rows));
      if (admission.status !== 'admitted') {
        if (!poll.lost.aborted) await run.keeper.remember(pass);
        return admission.status === 'no_room'
          ? { kind: 'no_room', pass, hasFetched, shortage: admission.shortage }
          : { kind: 'cut_off', pass, hasFetched };
      }
      poll.progress();
      pass = { ...pass, position: page.position, seen: seePage(pass.seen, { page, rows, isResumed }) };
      isResumed = false;
      // A last page has no position: where the pass stood is forgotten when it is over.
      if (pass.position === null) last.push(...(page.receipts ?? []));
      else if (!poll.lost.aborted) {
        await run.keeper.remember(pass);
        await useUp(page.receipts);
      }
      isOurs = false;
    }
    isOurs = true;
    // A source may end quietly when it is stopped; that is not its last page.
    if (signal.aborted) return { kind: 'cut_off', pass, hasFetched };
    await run.keeper.finish(pass);
    await useUp(last);
    return { kind: 'finished', pass, hasFetched };
  } catch (error) {
    if (!signal.aborted && isAnswersFault(error, isOurs)) await http.distrust();
    return { ...(signal.aborted ? { kind: 'cut_off' } : { kind: 'error', error }), pass, hasFetched };
  } finally {
    over.abort(new Error('the pass is over'));
  }
};

const faultsOfAnswers: ReadonlySet<ErrorCode> = new Set([
  'response_unreadable',
  'format_changed',
  'credentials_refused',
  'rate_limited',
]);

/** Whether an answer was not what it should be, whatever its status; also one that its connector stumbled over. */
const isAnswersFault = (error: unknown, isOurs: boolean): boolean => {
  const code = codeOf(error);
  return code === null ? !isOurs : faultsOfAnswers.has(code);
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
