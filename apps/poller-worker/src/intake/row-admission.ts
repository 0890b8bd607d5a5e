// Admits rows that came by themselves, as the rows of a poll's page are admitted: the same ids, limits, dead letters and
// metrics. And it keeps what the fleet shows of such a source: how much came in last, and how new it was.
import type { AdmissionDeps, PageAdmission } from '../admission/admission.ts';
import { admitPage } from '../admission/admit-page.ts';
import { startPreparation } from '../admission/prepare.ts';
import { showParsed } from '../admission/tapped-rows.ts';
import type { PolledSource } from '../polled-sources.ts';
import type { ParsedRows } from '../sources/parsed-rows.ts';
import type { SourceWatch } from './source-watch.ts';

/** How rows are admitted. */
export interface AdmitOptions {
  /** Ends the admission between two chunks. */
  readonly signal: AbortSignal;
  /** Milliseconds that a chunk may wait for room. */
  readonly waitMs: number;
}

/** What became of the rows; `rejected`: records among them that cannot be stored, and are dead letters. */
export type RowsAdmission = PageAdmission & { readonly rejected: number };

/**
 * Admits rows of a source. Only after `admitted` every row is in the queues, a dead letter, or known; `isRefused` with it:
 * some were turned away because the queue is full (`queue.overflow: reject`). Rejects when Redis refuses.
 */
export type AdmitRows = (source: PolledSource, rows: ParsedRows, options: AdmitOptions) => Promise<RowsAdmission>;

/** Rows that are prepared in one go: about 10 ms, after which the event loop has its turn. */
const rowsPerTurn = 2000;

/** Never aborts: nobody else can come to hold what was taken in here. */
const neverLost = new AbortController().signal;

/** Creates it. `nextTurn` gives the event loop its turn. */
export const createAdmitRows =
  (deps: {
    readonly admission: AdmissionDeps;
    readonly watch: Pick<SourceWatch, 'tookIn'>;
    readonly nextTurn: () => Promise<void>;
  }): AdmitRows =>
  async (source, rows, { signal, waitMs }) => {
    const { admission, watch } = deps;
    const { id } = source.config;
    const now = admission.now();
    const preparation = startPreparation(source.prepare, now);
    preparation.addInvalid(rows.invalid);
    for (let from = 0; from < rows.records.length; from += rowsPerTurn) {
      if (from > 0) await deps.nextTurn();
      preparation.add(rows.records.slice(from, from + rowsPerTurn));
    }
    const prepared = preparation.finish();
    await showParsed(admission, id, { records: rows.records, invalid: prepared.invalid });
    const poll = { pollId: `${id}.${now}`, signal, lost: neverLost, progress: () => {} };
    const settings = { ...source.admission, admitWaitMs: waitMs };
    const end = await admitPage(admission, settings, prepared, poll);
    watch.tookIn(id, { records: end.accepted, newestObservedAtMs: prepared.newestObservedAtMs });
    return { ...end, rejected: prepared.rejected };
  };
