// An API that can be asked in every way: /readings/FORMAT/PAGING, where FORMAT is json, geojson, ndjson or csv and PAGING
// none, link, header, cursor, page or offset. Parameters stand in the query, or in the JSON body of a POST:
// `since`, `until` (seconds since 1970), `after` (a number), `order` (newest, oldest), `size`, and `page`, `offset` or `cursor`.
import { type Answer, bareAnswer, chooseBroken, plainText, type RouteRequest, withRepeats } from './answer.ts';
import type { MalformedKind } from './faults.ts';
import type { BrokenRow } from './ledger.ts';
import type { Reading } from './readings.ts';

/** Forms of the answer. */
export const readingFormats = ['json', 'geojson', 'ndjson', 'csv'] as const;
export type ReadingFormat = (typeof readingFormats)[number];
/** Ways of paging; `header` is a `Link` header. CSV and NDJSON have no place for a link or a cursor. */
export const readingPagings = ['none', 'link', 'header', 'cursor', 'page', 'offset'] as const;
export type ReadingPaging = (typeof readingPagings)[number];

/** The path of the API, with a group for each of the two. */
export const readingsPath = new RegExp(`^/readings/(${readingFormats.join('|')})/(${readingPagings.join('|')})$`);

const defaultSize = 25;
const breakable: readonly MalformedKind[] = ['not-a-number', 'nan', 'latitude-out-of-range', 'unparsable-date'];
const breakableLines: readonly MalformedKind[] = [...breakable, 'missing-column', 'surplus-column'];

type Row = Record<string, string | number | boolean | null>;
type Parameters = (name: string) => string | null;

/** Answers with one page of readings. */
export const answerReadings = (request: RouteRequest, [format = '', paging = '']: readonly string[]): Answer => {
  const parameters = parametersOf(request);
  if (parameters === null) return bareAnswer(400, plainText, 'the body is no JSON object\n');
  const all = askedFor(request, parameters);
  const number = (name: string, otherwise: number): number => Number(parameters(name) ?? otherwise);
  const size = paging === 'none' ? all.length : number('size', defaultSize);
  const at =
    paging === 'page'
      ? (number('page', 1) - 1) * size
      : paging === 'offset'
        ? number('offset', 0)
        : number('cursor', 0);
  const page = all.slice(at, at + size);
  const next = paging !== 'none' && at + size < all.length ? at + size : null;
  const kinds = chooseBroken(page, request, format === 'csv' ? breakableLines : breakable);
  const broken: BrokenRow[] = [];
  const rows = withRepeats(page, request.fault).map((reading) => {
    const row = rowOf(reading);
    if (request.fault.name === 'extra-column') row['something_new'] = 'x';
    const kind = kinds.get(reading);
    if (kind !== undefined) breakRow(row, kind);
    const text = textOf(row, format, kind);
    if (kind !== undefined) broken.push({ kind: 'reading', raw: text, reason: kind });
    return text;
  });
  const following = new URL(request.url);
  following.searchParams.set('cursor', String(next));
  const link = next === null ? null : following.href;
  return {
    ...bareAnswer(
      200,
      contentTypes[format] ?? plainText,
      bodyOf(rows, format, request, { next, link, total: all.length }),
    ),
    ...(paging === 'header' && link !== null ? { headers: { link: `<${link}>; rel="next"` } } : {}),
    truths: page.filter((reading) => !kinds.has(reading)),
    broken,
    hasValidators: true,
  };
};

const contentTypes: Readonly<Record<string, string>> = {
  json: 'application/json',
  geojson: 'application/geo+json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
};

const parametersOf = ({ url, body }: RouteRequest): Parameters | null => {
  if (body === '') return (name) => url.searchParams.get(name);
  try {
    const given: unknown = JSON.parse(body);
    if (typeof given !== 'object' || given === null) return null;
    const values = new Map<string, unknown>(Object.entries(given));
    return (name) => {
      const value = values.get(name) ?? null;
      return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
    };
  } catch {
    return null;
  }
};

const askedFor = ({ world, atMs }: RouteRequest, parameters: Parameters): readonly Reading[] => {
  const seconds = (name: string, otherwise: number): number => {
    const given = parameters(name);
    return given === null ? otherwise : Number(given) * 1000;
  };
  const after = Number(parameters('after') ?? 0);
  const rows = world.readings
    .between(seconds('since', 0), Math.min(atMs, seconds('until', atMs)))
    .filter(({ number }) => number > after);
  return parameters('order') === 'newest' ? rows.toReversed() : rows;
};

const rowOf = (reading: Reading): Row => ({
  id: reading.number,
  taken_at: reading.takenAtMs / 1000,
  sensor: reading.sensor,
  lat: reading.latitude,
  lon: reading.longitude,
  temp_f: reading.fahrenheit,
  wind_mph: reading.milesPerHour,
  checked: reading.isChecked,
  note: reading.note,
});

const breakRow = (row: Row, kind: MalformedKind): void => {
  if (kind === 'unparsable-date') row['taken_at'] = 'yesterday';
  else if (kind === 'latitude-out-of-range') row['lat'] = 139.5;
  else if (kind === 'nan') row['lat'] = 'NaN';
  else if (kind === 'not-a-number') row['lon'] = 'abc';
};

const textOf = (row: Row, format: string, kind: MalformedKind | undefined): string => {
  if (format === 'csv') {
    const cells = Object.values(row).map(cellOf);
    if (kind === 'missing-column') cells.pop();
    if (kind === 'surplus-column') cells.push('1');
    return cells.join(',');
  }
  if (format !== 'geojson') return JSON.stringify(row);
  const { lat, lon, id, ...properties } = row;
  return JSON.stringify({ type: 'Feature', id, geometry: { type: 'Point', coordinates: [lon, lat] }, properties });
};

const cellOf = (value: Row[string] | undefined): string => {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const bodyOf = (
  rows: readonly string[],
  format: string,
  { fault }: RouteRequest,
  { next, link, total }: { readonly next: number | null; readonly link: string | null; readonly total: number },
): string => {
  const list = `[${rows.join(',')}]`;
  const meta = JSON.stringify({ next, link, total, more: next !== null });
  if (format === 'json') return `{"data":{"items":${list}},"meta":${meta}}`;
  if (format === 'geojson') return `{"type":"FeatureCollection","features":${list},"meta":${meta}}`;
  const lines = rows.map((row) => `${row}\n`).join('');
  if (format === 'ndjson') return lines;
  const more = fault.name === 'extra-column' ? ',something_new' : '';
  return `id,taken_at,sensor,lat,lon,temp_f,wind_mph,checked,note${more}\n${lines}`;
};
