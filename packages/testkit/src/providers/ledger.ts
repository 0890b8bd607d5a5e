// The provider's book: every row that was served, how often, and what it must be in Kafka. A row counts as served when
// the answer it stood in was sent to its end; rows of answers that were cut off, spoiled or not read to the end are
// kept apart as "offered": a poller may have taken them, but does not have to.
import { type ExpectedRecord, type MalformedRow, type RecordKind, recordKinds } from '../accounting/expected-record.ts';
import { expectedContent } from './expected-content.ts';
import type { Truth } from './world.ts';

/** A broken row as it stood in an answer. */
export interface BrokenRow {
  readonly kind: RecordKind;
  readonly raw: string;
  readonly reason: string;
}

export interface LedgerCounts {
  /** Different good rows served at least once, by kind. */
  readonly served: Readonly<Record<RecordKind, number>>;
  /** Different rows that were only offered. */
  readonly offered: number;
  /** Different broken rows. */
  readonly malformed: number;
  /** Good rows sent in all, repeats included. */
  readonly rowsSent: number;
}

export interface Ledger {
  /** Rows due in Kafka, in the order in which they were first noted. */
  served(): readonly ExpectedRecord[];
  /** Rows that may be in Kafka: they stood only in answers that were cut off, spoiled or broken off by the client. */
  offered(): readonly ExpectedRecord[];
  /** Broken rows, due in the dead letters. */
  malformed(): readonly MalformedRow[];
  counts(): LedgerCounts;
  /** Forgets everything. */
  clear(): void;
}

/** The side of the ledger that the server writes to. */
export interface LedgerBook extends Ledger {
  /** Notes the rows of one answer; `whole` when it was sent to its end and not spoiled. */
  note(truths: readonly Truth[], broken: readonly BrokenRow[], whole: boolean, atMs: number): void;
}

interface Entry {
  readonly truth: Truth;
  firstAt: number;
  lastAt: number;
  timesServed: number;
}

const recordOf = (entry: Entry): ExpectedRecord => ({
  ...expectedContent(entry.truth),
  firstServedAt: entry.firstAt,
  lastServedAt: entry.lastAt,
  timesServed: entry.timesServed,
});

/** A ledger in memory: about 1 KB per different row. With `isOn` false it keeps nothing, for runs that only need load. */
export const createLedger = (isOn = true): LedgerBook => {
  const rows = new Map<string, Entry>();
  const broken = new Map<string, BrokenRow & { timesServed: number }>();
  let rowsSent = 0;

  const noteRow = (truth: Truth, whole: boolean, atMs: number): void => {
    const entry = rows.get(truth.naturalKey);
    if (!entry) {
      rows.set(truth.naturalKey, { truth, firstAt: atMs, lastAt: atMs, timesServed: whole ? 1 : 0 });
      return;
    }
    if (!whole) return;
    if (entry.timesServed === 0) entry.firstAt = atMs;
    entry.lastAt = atMs;
    entry.timesServed += 1;
  };

  const select = (isWanted: (entry: Entry) => boolean): readonly ExpectedRecord[] =>
    [...rows.values()].filter(isWanted).map(recordOf);

  return {
    note: (truths, brokenRows, whole, atMs) => {
      if (whole) rowsSent += truths.length;
      if (!isOn) return;
      for (const truth of truths) noteRow(truth, whole, atMs);
      if (!whole) return;
      for (const row of brokenRows) {
        const key = `${row.kind} ${row.raw}`;
        const known = broken.get(key);
        if (known) known.timesServed += 1;
        else broken.set(key, { ...row, timesServed: 1 });
      }
    },
    served: () => select((entry) => entry.timesServed > 0),
    offered: () => select((entry) => entry.timesServed === 0),
    malformed: () => [...broken.values()].map((row) => ({ ...row })),
    counts: () => {
      // Every kind is a key of it.
      const served = Object.fromEntries(recordKinds.map((kind) => [kind, 0])) as Record<RecordKind, number>;
      let offered = 0;
      for (const { truth, timesServed } of rows.values()) {
        if (timesServed === 0) offered += 1;
        else served[truth.kind] += 1;
      }
      return { served, offered, malformed: broken.size, rowsSent };
    },
    clear: () => {
      rows.clear();
      broken.clear();
      rowsSent = 0;
    },
  };
};
