// NASA FIRMS: active fires seen by satellite, as CSV by area (https://firms.modaps.eosdis.nasa.gov/api/area).
// The API says everything with status 200, also that the key is wrong: what is no CSV is read for what it says.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { textOf } from '../http/body.ts';
import type { HttpRequest } from '../http/http-client.ts';
import { createRedactor, type Redactor } from '../http/secrets.ts';
import type { WholeAnswer } from '../http/whole-answer.ts';
import { csvRows } from './csv-rows.ts';
import { askAvailability } from './firms-availability.ts';
import {
  type DayRange,
  dayOfMs,
  dayText,
  grownDays,
  isStandard,
  mostDaysOfRequest,
  parseDay,
  pastDays,
  recentDays,
  splitDays,
  usualAvailability,
  whatIsMissing,
} from './firms-days.ts';
import { firmsError, noCsv } from './firms-refusal.ts';
import { createFirmsRowReader, type FirmsRowReader, headerAgain, parseFirmsRow } from './firms-rows.ts';
import { judgeFirms, mostRows } from './firms-share.ts';
import { asObject } from './json-fields.ts';
import { receiptsOf, unchangedPage } from './receipts.ts';
import type { Page, PollContext, Source, SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

/**
 * Rows of one page. An answer is kept as the bytes it came in (about 90 a row) until its end, on the disk above 16 MiB,
 * and only a page at a time as records (about six times that). A page takes 5 to 10 ms; larger ones outlive the young
 * generation of the garbage collector and cost twice as much a row (measured).
 */
const pageRows = 5000;

/**
 * One poll is one request, or several where the API gives no range as long as is wanted. The days of a range are asked
 * for whole, so rows that come late are in a later answer.
 */
export const createNasaFirms: SourceFactory = (source): Source => {
  if (source.type !== 'nasa-firms') throw unsupported(source, 'nasa-firms');
  const { baseUrl } = source;
  const { mapKey, dataset, bbox, dayRange } = source.params;
  const path = `/api/area/csv/${encodeURIComponent(mapKey)}/${dataset}/${bbox.join(',')}`;
  const redact = createRedactor([mapKey]);

  const requestOf = ({ from, days }: DayRange): HttpRequest => ({
    url: new URL(`${path}/${days}${from === null ? '' : `/${dayText(from)}`}`, baseUrl),
    accept: 'text/csv, text/plain;q=0.9, */*;q=0.1',
    credential: mapKey,
    // In transactions of the key, of which FIRMS allows 5,000 in ten minutes. It says that a request for several days may
    // count as several without saying how many: one a day is the most that anybody has reported.
    cost: days,
  });

  /** What this pass asks for, and the cursor that it leaves: the last day of a standard product that was read. */
  const plan = async (context: PollContext): Promise<{ ranges: readonly DayRange[]; cursor?: unknown }> => {
    const { http, window, isBackfill } = context;
    if (!isBackfill && !isStandard(dataset)) return { ranges: recentDays(window, dayRange) };
    const known = await askAvailability(http, { baseUrl, mapKey, dataset, redact });
    if (!isBackfill) {
      if (known === null)
        throw new StreamManagerError('response_unreadable', `the address does not say which days ${dataset} has`);
      const { first, last } = grownDays(known, dayRange, doneBefore(context));
      return { ranges: splitDays(first, last), cursor: dayText(last) };
    }
    const wanted = pastDays(window.sinceMs ?? window.untilMs, window.untilMs);
    const available = known ?? (isStandard(dataset) ? null : usualAvailability(context.scheduledFor));
    const missing = available === null ? null : whatIsMissing(dataset, wanted, available);
    if (missing !== null) throw new StreamManagerError('range_unavailable', missing);
    return { ranges: splitDays(wanted.first, wanted.last) };
  };

  async function* poll(context: PollContext): AsyncGenerator<Page> {
    const { http, maxInvalidShare } = context;
    const planned = await plan(context);
    const ranges = rangesFrom(planned.ranges, context.position);
    for (const [at, range] of ranges.entries()) {
      const next = ranges[at + 1];
      const after = next === undefined ? null : { day: dayText(next.from ?? 0) };
      const atEnd = next === undefined && planned.cursor !== undefined ? { cursor: planned.cursor } : {};
      const response = await http.fetch(requestOf(range)).catch((error: unknown) => {
        throw firmsError(error);
      });
      if (response.unchanged !== null) {
        yield { ...unchangedPage(response.unchanged, after), ...atEnd };
        continue;
      }
      const answer = await response.whole();
      try {
        const most = await mostRows(answer);
        // What fits into one page is judged by whoever gets the page.
        if (most > pageRows) await judgeFirms(answer, most, maxInvalidShare, redact);
        for await (const page of firmsPages(answer, redact)) {
          if (page.position !== null)
            yield range.from === null ? page : { ...page, position: { day: dayText(range.from) } };
          else yield { ...page, ...receiptsOf(response), ...atEnd, position: after };
        }
      } finally {
        await answer.close();
      }
    }
  }
  return { poll, parseRow: parseFirmsRow, backfill: { sliceMs: mostDaysOfRequest * 86_400_000 } };
};

/** The last day of a standard product that is done: the cursor's, or the one before the time from which an operator wants it. */
const doneBefore = ({ cursor, window }: PollContext): number | null =>
  parseDay(cursor) ?? (window.sinceMs === null ? null : dayOfMs(window.sinceMs) - 1);

/** The ranges that are left behind those that an earlier run of the pass had: all, if its position is of another plan. */
const rangesFrom = (ranges: readonly DayRange[], position: unknown): readonly DayRange[] => {
  const day = parseDay(asObject(position)?.['day']);
  const at = day === null ? 0 : ranges.findIndex((range) => range.from === day);
  return ranges.slice(Math.max(0, at));
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
      const another = headerAgain(row);
      if (another !== null) {
        read = another;
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
