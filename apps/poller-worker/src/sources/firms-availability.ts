// Which days FIRMS has of a data set (GET /api/data_availability/csv/{MAP_KEY}/{SOURCE}): what a standard product has
// grown to, and whether a range of the past can be had at all.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { HttpClient } from '../http/http-client.ts';
import { HttpStatusError } from '../http/http-status-error.ts';
import type { Redactor } from '../http/secrets.ts';
import { csvRowsOf } from './csv-rows.ts';
import { type Available, parseDay } from './firms-days.ts';
import { firmsError, noCsv } from './firms-refusal.ts';

/** Asks for the days of one data set; null where the address knows no such question. Throws as any exchange does. */
export const askAvailability = async (
  http: HttpClient,
  ask: { readonly baseUrl: string; readonly mapKey: string; readonly dataset: string; readonly redact: Redactor },
): Promise<Available | null> => {
  const { baseUrl, mapKey, dataset, redact } = ask;
  const url = new URL(`/api/data_availability/csv/${encodeURIComponent(mapKey)}/${dataset}`, baseUrl);
  try {
    // Its receipt is never handed on: an answer that counted as used up would come without its days.
    const response = await http.fetch({ url, accept: 'text/csv, text/plain;q=0.9, */*;q=0.1', credential: mapKey });
    return parseAvailability(await response.text(), dataset, redact);
  } catch (error) {
    if (error instanceof HttpStatusError && error.status === 404) return null;
    throw firmsError(error);
  }
};

/** The days of a data set in an answer. Throws `response_unreadable`, or what FIRMS says instead of data. */
export const parseAvailability = (text: string, dataset: string, redact: Redactor): Available => {
  const [header, ...rows] = csvRowsOf(text);
  const names = header?.cells?.map((name) => name.trim().toLowerCase()) ?? [];
  const [idAt, firstAt, lastAt] = ['data_id', 'min_date', 'max_date'].map((name) => names.indexOf(name));
  const needed = ['data_id', 'min_date', 'max_date'];
  if (idAt === undefined || firstAt === undefined || lastAt === undefined || Math.min(idAt, firstAt, lastAt) < 0)
    throw noCsv(Buffer.from(text), needed, redact);
  const row = rows.find(({ cells }) => cells?.[idAt]?.trim() === dataset);
  const first = parseDay(row?.cells?.[firstAt]?.trim());
  const last = parseDay(row?.cells?.[lastAt]?.trim());
  if (first === null || last === null)
    throw new StreamManagerError('response_unreadable', `expected the first and last day of ${dataset}, found neither`);
  return { first, last };
};
