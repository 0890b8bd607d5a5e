// The source port: what a connector is to the poller. One file per source type implements it; registry.ts finds it by
// the type in the config. A source only fetches and parses; ids, dedupe, priorities and queues are not its business.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import type { HttpClient, Receipt } from '../http/http-client.ts';

/** What a poll is given. */
export interface PollContext {
  readonly source: ResolvedSource;
  /** Where an earlier, unfinished run of this poll stopped (as the source itself gave it); null at the beginning. */
  readonly position: unknown;
  /** The tick this poll belongs to, in milliseconds since the epoch; in a backfill when it was asked for. */
  readonly scheduledFor: number;
  /** What the source gave as `Page.cursor` at the end of the last pass that was finished; null: none was, or it was reset. */
  readonly cursor: unknown;
  /** The time that this pass asks for. It stays the same when a pass goes on after it was cut off. */
  readonly window: PollWindow;
  /** The pass fetches the past, `window`, and no cursor is kept of it. */
  readonly isBackfill: boolean;
  /** `delivery.deadLetters.maxInvalidShare`: needed by a source that gives one answer in several pages. */
  readonly maxInvalidShare: number;
  readonly http: HttpClient;
  readonly signal: AbortSignal;
}

/** A stretch of time, in milliseconds since the epoch, taken from scheduled ticks and never from the clock. */
export interface PollWindow {
  /** The end of the last finished pass; null: there was none. A declared overlap for late rows is the source's to take off. */
  readonly sinceMs: number | null;
  /** The tick of this pass; in a backfill the end of its slice. */
  readonly untilMs: number;
}

/** A part of a poll that can be admitted by itself: one whole answer, or what one exchange of several brought. */
export interface Page {
  readonly records: readonly SourceRecord[];
  readonly invalid: readonly InvalidRow[];
  /**
   * Where the poll goes on after this page if it is cut off (JSON); null when this was the last page. It is stored only
   * after every row of the page is admitted, a dead letter, or known. Inside one answer (`isPart`) it only says how far that
   * was: the answer that is fetched then may be another, so it is read from its beginning, or has neither cursor nor receipts.
   */
  readonly position: unknown;
  /**
   * High-water mark (JSON), for the passes after this one; the last one given counts. It is stored only when the pass is
   * finished: every row of all its pages is admitted, a dead letter, or known.
   */
  readonly cursor?: unknown;
  /** The answers that are used up once this page and those before it are admitted. */
  readonly receipts?: readonly Receipt[];
  /** Nothing was parsed for this page: its answer is one that was used up before. */
  readonly unchanged?: 'not_modified' | 'cached';
  /** One of several pages of one answer: the source itself has looked at the share of invalid rows of the whole. */
  readonly isPart?: true;
  /** The pages of the same answer behind this one, read once more; absent: there are none, or each is an exchange of its own. */
  readonly ahead?: () => AsyncIterable<Page>;
}

/** A row that was invalid, as its dead letter kept it. */
export interface KeptRow {
  readonly raw: string;
  /** `InvalidRow.context`; empty if there was none. */
  readonly context: string;
}

/** A connector. Throws StreamManagerErrors; a page is given only when its answer was read to the end. */
export interface Source {
  poll(context: PollContext): AsyncIterable<Page>;
  /** Parses one row again that was invalid; it still is, or it is a record now. */
  parseRow(row: KeptRow): SourceRecord | InvalidRow;
  /** Its API can be asked for the past, for at most this stretch in one pass, in milliseconds. Absent: it cannot. */
  readonly backfill?: { readonly sliceMs: number };
}

/** Makes a source of one type. Params were checked by the config schema. */
export type SourceFactory = (source: ResolvedSource) => Source;
