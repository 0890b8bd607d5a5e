// The pages of one answer: a few thousand records at a time, so that an answer of any length takes little memory, each
// with where the poll goes on. An answer of several pages is judged as a whole before the first of them is given.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import type { Redactor } from '../../http/secrets.ts';
import type { Mapper } from '../../mapping/mapper.ts';
import type { PathReader } from '../../mapping/read-path.ts';
import { createShareJudge } from '../changed-format.ts';
import { invalidRow } from '../invalid-row.ts';
import { parsedRows } from '../parsed-rows.ts';
import type { Page } from '../source.ts';
import type { AnswerRows, GivenRow } from './answer-rows.ts';
import { largerMark, type Mark } from './high-water.ts';
import { isMark } from './place.ts';

/** Rows of one page: about 10 ms. */
const pageRows = 5000;

/** What was read of an answer when its last page is due. */
export interface AnswerSummary {
  readonly rows: number;
  /** The largest value of its records at `cursor.max`, or of those before it; null: none had one. */
  readonly high: Mark | null;
  /** What its rows were, in short: the same for an answer that is the same. */
  readonly digest: string;
}

/** How the rows of an answer are turned into pages. */
export interface PageOptions {
  readonly map: Mapper;
  /** Reads the value of `cursor.max` from a row; null: there is none to be kept. */
  readonly readMark: PathReader | null;
  /** The largest value before this answer. */
  readonly high: Mark | null;
  readonly maxInvalidShare: number;
  readonly redact: Redactor;
  /** Where the poll goes on when this very answer was cut off. */
  readonly position: unknown;
  /** What the last page of the answer says beside its rows; called once, when all of them were read. */
  readonly end: (summary: AnswerSummary) => Pick<Page, 'position' | 'cursor' | 'receipts'>;
  /** Default 5,000. */
  readonly rowsPerPage?: number;
}

/** Gives the pages of an answer. Rejects with `format_changed` or `response_unreadable` before the first of them. */
export async function* answerPages(answer: AnswerRows, options: PageOptions): AsyncGenerator<Page> {
  const { map, readMark, position, rowsPerPage = pageRows } = options;
  // What fits into one page is judged by whoever gets the page.
  if (answer.most > rowsPerPage) await judgeRows(answer, options);
  let high = options.high;
  let first = '';
  let last = '';
  let rows = 0;
  for await (const page of mappedPages(answer, map, 0, rowsPerPage, (made, row) => {
    rows += 1;
    last = 'reason' in made ? made.raw : made.naturalKey;
    if (rows === 1) first = last;
    const mark = readMark !== null && !('reason' in made) ? readMark(row) : null;
    if (isMark(mark)) high = largerMark(high, mark);
  })) {
    yield page.position === null
      ? { ...page, ...options.end({ rows, high, digest: digestOf(rows, first, last) }) }
      : { ...page, position };
  }
}

const digestOf = (rows: number, first: string, last: string): string => JSON.stringify([rows, first, last]);

type OnRow = (made: SourceRecord | InvalidRow, row: unknown) => void;

/** Pages behind the first `skip` rows; their position is how far they are, null for the last. */
async function* mappedPages(
  answer: AnswerRows,
  map: Mapper,
  skip: number,
  rowsPerPage: number,
  onRow: OnRow | null,
): AsyncGenerator<Page> {
  let records: SourceRecord[] = [];
  let invalid: InvalidRow[] = [];
  let done = 0;
  for await (const batch of answer.batches()) {
    for (const given of batch) {
      if (done < skip) {
        done += 1;
        continue;
      }
      if (records.length + invalid.length >= rowsPerPage) {
        done += records.length + invalid.length;
        const next = done;
        const ahead = (): AsyncIterable<Page> => mappedPages(answer, map, next, rowsPerPage, null);
        yield { records, invalid, position: next, isPart: true, ahead };
        records = [];
        invalid = [];
      }
      const made = madeOf(given, map, answer);
      if ('reason' in made) invalid.push(made);
      else records.push(made);
      onRow?.(made, 'row' in given ? given.row : null);
    }
  }
  yield { records, invalid, position: null, ...(done === 0 ? {} : { isPart: true }) };
}

const madeOf = (given: GivenRow, map: Mapper, answer: AnswerRows): SourceRecord | InvalidRow => {
  if ('fault' in given) return invalidRow(given.raw, given.fault, answer.context());
  const made = map(given.row);
  // The row as it came says more than what it was read as.
  if (!('reason' in made) || given.raw === null) return made;
  return asItCame(made, given.raw, answer.context());
};

/** The invalid row with its own text, and what that cannot be read without. */
const asItCame = ({ reason, message }: InvalidRow, text: string, context: string): InvalidRow => {
  const { raw, ...rest } = invalidRow(text, { reason: 'unreadable', message }, context);
  return { ...rest, raw, reason };
};

/** Rows that are judged in one go. */
const rowsPerTurn = 4000;

/** Rejects with `format_changed` if too many rows of an answer are none. Reads only as far as the outcome is open. */
const judgeRows = async (
  answer: AnswerRows,
  { map, maxInvalidShare, redact }: Pick<PageOptions, 'map' | 'maxInvalidShare' | 'redact'>,
): Promise<void> => {
  const judge = createShareJudge(answer.most, maxInvalidShare, redact);
  let sinceTurn = 0;
  for await (const batch of answer.batches()) {
    const { records, invalid } = parsedRows(batch, (given) => madeOf(given, map, answer));
    if (judge.add(records.length, invalid)) break;
    sinceTurn += batch.length;
    if (sinceTurn < rowsPerTurn) continue;
    sinceTurn = 0;
    await nextTurn();
  }
  judge.finish();
};
