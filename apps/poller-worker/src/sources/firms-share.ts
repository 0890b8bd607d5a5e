// How many rows of a FIRMS answer of several pages are invalid: known before its first page is admitted, so the answer is
// read twice, the first time only as far as the outcome is open. With `maxInvalidShare` 0.5 that is half of the rows: 0.13 s
// beside 0.27 s of parsing for a day of the world, 300,000 rows (measured); nothing for an answer that fits into one page.
// In memory it takes the rows of one block of 64 KiB, wherever the answer lies.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { textOf } from '../http/body.ts';
import type { Redactor } from '../http/secrets.ts';
import type { WholeAnswer } from '../http/whole-answer.ts';
import { createShareJudge } from './changed-format.ts';
import { csvRows } from './csv-rows.ts';
import { createFirmsRowReader, type FirmsRowReader, headerAgain } from './firms-rows.ts';
import { mostLines } from './line-count.ts';

/** An answer that can be read again. */
type Blocks = Pick<WholeAnswer, 'blocks'>;

/** The most rows that an answer can hold: its lines without the header. Blank lines count, so it may be too high. */
export const mostRows = async (answer: Blocks): Promise<number> => (await mostLines(answer)) - 1;

/** Blocks of 64 KiB read in one go: about 10 ms, after which the event loop has its turn. */
const blocksPerTurn = 8;

/**
 * Rejects with `format_changed` if too many rows of the answer are invalid; `most`: what `mostRows` says of it. An answer without a usable header is left to
 * whoever reads it: it says more about it.
 */
export const judgeFirms = async (answer: Blocks, most: number, maxShare: number, redact: Redactor): Promise<void> => {
  const judge = createShareJudge(most, maxShare, redact);
  let read: FirmsRowReader | null = null;
  let pieces = 0;
  for await (const rows of csvRows(textOf(answer.blocks()))) {
    const records: SourceRecord[] = [];
    const invalid: InvalidRow[] = [];
    for (const row of rows) {
      const another: FirmsRowReader | null = read === null ? null : headerAgain(row);
      if (another !== null) read = another;
      else if (read !== null) read(row, records, invalid);
      else {
        const reader = createFirmsRowReader(row);
        if ('missing' in reader) return;
        read = reader.read;
      }
    }
    if (judge.add(records.length, invalid)) break;
    pieces += 1;
    if (pieces % blocksPerTurn === 0) await nextTurn();
  }
  judge.finish();
};
