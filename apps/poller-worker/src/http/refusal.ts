// What a status of 400 or more means, as an error that a source and the poll stage can judge: its code, when to come again,
// and the beginning of what the provider wrote, without secrets.
import { readBeginning } from './body.ts';
import type { Answer } from './exchange.ts';
import { HttpStatusError } from './http-status-error.ts';
import { pauseOfRateHeaders } from './rate-headers.ts';
import { parseRetryAfter } from './retry-after.ts';
import { excerptOf, type Redactor } from './secrets.ts';

/** How much of an error's body is looked at, in bytes. */
const errorBodyBytes = 4096;

/** The beginning of an answer's text as it may be shown, at most 200 characters. Lets go of the answer. */
export const beginningOf = async (answer: Answer, redact: Redactor): Promise<string> => {
  const { text, isWhole } = await readBeginning(answer.body, errorBodyBytes);
  return excerptOf(text, redact, !isWhole);
};

/** The error of an answer. `place`: its address as it may be shown. Lets go of the answer. */
export const refusalOf = async (
  answer: Answer,
  { place, redact, nowMs }: { readonly place: string; readonly redact: Redactor; readonly nowMs: number },
): Promise<HttpStatusError> => {
  const { status, headers } = answer;
  const waitMs =
    parseRetryAfter(headers['retry-after'], headers['date'], nowMs) ??
    (status === 429 ? pauseOfRateHeaders(headers, status, nowMs) : null);
  const excerpt = await beginningOf(answer, redact);
  answer.discard();
  const code =
    status === 429 ? 'rate_limited' : status === 401 || status === 403 ? 'credentials_refused' : 'fetch_status';
  return new HttpStatusError(code, `${place} answered ${status}${excerpt === '' ? '' : `: ${excerpt}`}`, {
    status,
    excerpt,
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
  });
};
