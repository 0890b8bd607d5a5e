// Critical records do not wait for the others of their answer. An answer of several pages goes in page by page, which takes
// its time, and longer when the queue is full; for critical records there is room of their own. So before the first record
// that is not critical goes in, the rest of the answer is read once more for the critical ones (1 µs a row; what a row costs
// to prepare and admit is ten times that). Each keeps its place in the order of the answer: an older row of the same id that
// comes up later is left out. One that stands on the page in hand is cut into chunks already and goes in after it: then the
// newer one is offered once more on its own page, and comes last.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PreparedRows } from './admission/prepare.ts';
import { idText } from './admission/record-id.ts';
import type { Page } from './sources/source.ts';

/** The look-ahead of one pass. */
export interface LookAhead {
  /** Admits what is critical behind the page that is being admitted, whose rows are `inHand`; once a pass, later calls do nothing. */
  look(page: Page, inHand: PreparedRows): Promise<void>;
  /** The rows of the next page without what is in already. Called for every page, in order. */
  withoutEarly(rows: PreparedRows): PreparedRows;
}

export interface LookAheadDeps {
  /** The records of a page that are critical, and only these. */
  readonly prepareCritical: (page: Page) => PreparedRows;
  /** Admits critical records; false: the rest has to wait, too. */
  readonly admit: (rows: PreparedRows) => Promise<boolean>;
}

/** Creates the look-ahead of one pass. */
export const createLookAhead = ({ prepareCritical, admit }: LookAheadDeps): LookAhead => {
  /** What went in early: by id, the number of its page and its content. */
  const early = new Map<string, { readonly page: number; readonly hash: Buffer }>();
  let pageNumber = -1;
  let hasLooked = false;
  return {
    look: async (page, inHand) => {
      if (hasLooked || page.ahead === undefined) return;
      hasLooked = true;
      const idsInHand = new Set(inHand.records.map(({ id }) => idText(id)));
      let number = pageNumber;
      for await (const next of page.ahead()) {
        number += 1;
        const rows = prepareCritical(next);
        // A page takes some milliseconds.
        await nextTurn();
        if (rows.records.length === 0) continue;
        if (!(await admit(rows))) return;
        for (const { id, hash } of rows.records)
          if (!idsInHand.has(idText(id))) early.set(idText(id), { page: number, hash });
      }
    },
    withoutEarly: (rows) => {
      pageNumber += 1;
      if (early.size === 0) return rows;
      const isIn = ({ id, hash }: PreparedRows['records'][number]): boolean => {
        const known = early.get(idText(id));
        if (known === undefined || known.page < pageNumber) return false;
        // On its own page it may stand once more, in a newer form that is not critical.
        return known.page > pageNumber || known.hash.equals(hash);
      };
      return { ...rows, records: rows.records.filter((record) => !isIn(record)) };
    },
  };
};
