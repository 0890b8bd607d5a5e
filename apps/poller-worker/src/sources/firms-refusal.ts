// What FIRMS says instead of data. It says most of it with status 200 and some of it with 400 to 403, in plain words that
// have changed over the years: a wrong key and a used-up key are told apart from everything else.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { HttpStatusError } from '../http/http-status-error.ts';
import { excerptOf, type Redactor } from '../http/secrets.ts';

/** How much of an answer that is no CSV is looked at, in bytes. */
const beginningBytes = 4096;

const wrongKey = /invalid\s+map[\s_-]*key/i;
const usedUp = /(exceed|reach)\w*\W.{0,40}limit|transaction limit|too many requests|limit (is )?exceeded/i;

/** The limit is counted over ten minutes: what it was exceeded by has gone out of it by then. */
const limitWindowMs = 600_000;

const refusalOf = (text: string, said: string): StreamManagerError | null => {
  if (wrongKey.test(text))
    return new StreamManagerError('credentials_refused', `FIRMS says "${said}": check params.mapKey`);
  if (usedUp.test(text))
    return new StreamManagerError('rate_limited', `FIRMS says "${said}"`, { retryAfterMs: limitWindowMs });
  return null;
};

/** What an answer without the right header is; `missing`: the columns that were looked for. */
export const noCsv = (first: Buffer, missing: readonly string[], redact: Redactor): StreamManagerError => {
  const beginning = first.subarray(0, beginningBytes).toString('utf8');
  const said = excerptOf(beginning, redact, first.length > beginningBytes);
  // A byte order mark counts as a blank here.
  if (beginning.trim() === '')
    return new StreamManagerError('response_unreadable', 'FIRMS answered nothing, not even a header line');
  const expected = `expected CSV of FIRMS with the columns ${missing.join(', ')}`;
  return refusalOf(beginning, said) ?? new StreamManagerError('response_unreadable', `${expected}, found "${said}"`);
};

/** An error of the exchange, as what its body says: a used-up key may come as 403, a wrong one as 400. */
export const firmsError = (error: unknown): unknown =>
  error instanceof HttpStatusError && error.code !== 'rate_limited'
    ? (refusalOf(error.excerpt, error.excerpt) ?? error)
    : error;
