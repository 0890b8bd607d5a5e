// An answer most of whose rows are no records is no answer with bad rows: its format has changed, or it is another thing
// altogether. The poll fails then and nothing of the answer is taken, so that 300,000 rows do not become dead letters.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { InvalidRow } from '@stream-manager/shared/records/envelope';
import { excerptOf, type Redactor } from '../http/secrets.ts';

/** Shorter answers say nothing about a format, in rows. */
export const judgedFromRows = 20;

/** Rows that an error shows, each cut to 200 characters. */
const sampleRows = 3;

/** The rows of one whole answer. */
export interface AnswerRows {
  /** Valid and invalid ones that were read: all of them, or as many as it took to know. */
  readonly rows: number;
  readonly invalid: number;
  /** The first few invalid ones. */
  readonly sample: readonly InvalidRow[];
}

/** Whether the share of invalid rows is above `maxShare` in an answer that is long enough to say so. Pure. */
export const isFormatChanged = (rows: number, invalid: number, maxShare: number): boolean =>
  rows >= judgedFromRows && invalid > maxShare * rows;

/** `format_changed`, with a few of the rows as they came, without secrets. */
export const formatChanged = (answer: AnswerRows, maxShare: number, redact: Redactor): StreamManagerError => {
  const examples = answer.sample
    .slice(0, sampleRows)
    .map((row) => `${excerptOf(row.message, redact)}, in the row "${excerptOf(row.raw, redact)}"`);
  const found = `${answer.invalid} of ${answer.rows} rows read of the answer are no records`;
  const allowed = `delivery.deadLetters.maxInvalidShare allows ${maxShare}`;
  return new StreamManagerError('format_changed', `${found} (${allowed}); for example: ${examples.join('; ')}`);
};

/** Judges an answer of several pages before its first page is given, reading only as far as the outcome is open. */
export interface ShareJudge {
  /** Takes rows that were read; true: whatever the rest of the answer is, the outcome is known. */
  add(valid: number, invalid: readonly InvalidRow[]): boolean;
  /** Throws `format_changed` if too many of the rows are no records. */
  finish(): void;
}

/** `most`: the most rows that the answer can hold; it may be too high. */
export const createShareJudge = (most: number, maxShare: number, redact: Redactor): ShareJudge => {
  const sample: InvalidRow[] = [];
  let valid = 0;
  let bad = 0;
  return {
    add: (moreValid, invalid) => {
      valid += moreValid;
      bad += invalid.length;
      if (sample.length < sampleRows) sample.push(...invalid.slice(0, sampleRows - sample.length));
      // So many are valid; or so many are not, in an answer that is known to be long enough to say so.
      return valid >= (1 - maxShare) * most || (bad > maxShare * most && valid + bad >= judgedFromRows);
    },
    finish: () => {
      if (isFormatChanged(valid + bad, bad, maxShare))
        throw formatChanged({ rows: valid + bad, invalid: bad, sample }, maxShare, redact);
    },
  };
};
