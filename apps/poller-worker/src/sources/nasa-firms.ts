// NASA FIRMS: active fires seen by satellite, as CSV by area (https://firms.modaps.eosdis.nasa.gov/api/area).
// The API says everything with status 200, also that the key is wrong: what is no CSV is read for what it says.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { textOf } from '../http/body.ts';
import { createRedactor, excerptOf, type Redactor } from '../http/secrets.ts';
import type { WholeAnswer } from '../http/whole-answer.ts';
import { csvRows } from './csv-rows.ts';
import { createFirmsRowReader, type FirmsRowReader, parseFirmsRow } from './firms-rows.ts';
import { judgeFirms, mostRows } from './firms-share.ts';
import type { Page, SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

/**
 * Rows of one page. An answer is kept as the bytes it came in (about 90 a row) until its end, on the disk above 16 MiB,
 * and only a page at a time as records (about six times that). A page takes 5 to 10 ms; larger ones outlive the young
 * generation of the garbage collector and cost twice as much a row (measured).
 */
const pageRows = 5000;

/** One poll is one request; a day range is asked for whole, so rows that come late are in a later answer. */
export const createNasaFirms: SourceFactory = (source) => {
  if (source.type !== 'nasa-firms') throw unsupported(source, 'nasa-firms');
  const { mapKey, dataset, bbox, dayRange } = source.params;
  const path = `/api/area/csv/${encodeURIComponent(mapKey)}/${dataset}/${bbox.join(',')}/${dayRange}`;
  const redact = createRedactor([mapKey]);
  return {
    poll: async function* ({ http, maxInvalidShare }) {
      const url = new URL(path, source.baseUrl);
      const response = await http.fetch({ url, accept: 'text/csv, text/plain;q=0.9, */*;q=0.1', credential: mapKey });
      const answer = await response.whole();
      try {
        const most = await mostRows(answer);
        // What fits into one page is judged by whoever gets the page.
        if (most > pageRows) await judgeFirms(answer, most, maxInvalidShare, redact);
        yield* firmsPages(answer, redact);
      } finally {
        await answer.close();
      }
    },
    parseRow: parseFirmsRow,
  };
};

/**
 * The pages of one whole answer, behind its first `skip` rows. The position only says how far it was read: a poll that goes on fetches again, and
 * what it has had is known by its id. Throws `credentials_refused`, `rate_limited` or `response_unreadable`.
 */
export async function* firmsPages(
  answer: Pick<WholeAnswer, 'beginning' | 'blocks'>,
  redact: Redactor,
  { rowsPerPage = pageRows, skip = 0 }: { readonly rowsPerPage?: number; readonly skip?: number } = {},
): AsyncGenerator<Page> {
  let read: FirmsRowReader | null = null;
  let records: SourceRecord[] = [];
  let invalid: InvalidRow[] = [];
  let done = 0;
  for await (const rows of csvRows(textOf(answer.blocks()))) {
    for (const row of rows) {
      if (read === null) {
        const reader = createFirmsRowReader(row);
        if ('missing' in reader) throw noCsv(answer.beginning, reader.missing, redact);
        read = reader.read;
        continue;
      }
      if (done < skip) {
        done += 1;
        continue;
      }
      if (records.length + invalid.length >= rowsPerPage) {
        done += records.length + invalid.length;
        const next = { rowsPerPage, skip: done };
        const ahead = (): AsyncIterable<Page> => firmsPages(answer, redact, next);
        yield { records, invalid, position: { rows: done }, isPart: true, ahead };
        records = [];
        invalid = [];
      }
      read(row, records, invalid);
    }
  }
  if (read === null) throw noCsv(answer.beginning, [], redact);
  yield { records, invalid, position: null, ...(done === 0 ? {} : { isPart: true }) };
}

/** How much of an answer that is no CSV is looked at, in bytes. */
const beginningBytes = 4096;

/** What an answer without the right header is. */
const noCsv = (first: Buffer, missing: readonly string[], redact: Redactor): StreamManagerError => {
  const beginning = first.subarray(0, beginningBytes).toString('utf8');
  const said = excerptOf(beginning, redact, first.length > beginningBytes);
  // A byte order mark counts as a blank here.
  if (beginning.trim() === '')
    return new StreamManagerError('response_unreadable', 'FIRMS answered nothing, not even a header line');
  if (/invalid\s+map[\s_-]*key/i.test(beginning))
    return new StreamManagerError('credentials_refused', `FIRMS says "${said}": check params.mapKey`);
  if (/(exceed|reach)\w*\W.{0,40}limit|transaction limit|too many requests|limit (is )?exceeded/i.test(beginning))
    return new StreamManagerError('rate_limited', `FIRMS says "${said}"`);
  const expected = `expected CSV of FIRMS with the columns ${missing.join(', ')}`;
  return new StreamManagerError('response_unreadable', `${expected}, found "${said}"`);
};
