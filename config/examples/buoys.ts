// An example of a source of your own: what weather buoys measure, from the text files of the National Data Buoy Center
// (https://www.ndbc.noaa.gov/docs/ndbc_web_data_guide.pdf). One file per buoy holds its last 45 days, the newest first.
// docs/adding-a-source.md goes through it; config/examples/own.yaml runs it. Only types are imported, so it runs anywhere.
import type { OwnSourceFactory } from '../../apps/poller-worker/src/sources/custom.ts';
import type { KeptRow, Page, PollContext } from '../../apps/poller-worker/src/sources/source.ts';
import type { InvalidRow, SourceRecord } from '../../packages/shared/src/records/envelope.ts';

const dayMs = 86_400_000;
/** Buoys report late: the last hours are read again, and what is known is recognised by its id. */
const overlapMs = 3 * 3_600_000;

/** Columns of the file, with the names and units that the records have. */
const measured: Readonly<Record<string, { readonly name: string; readonly factor: number }>> = {
  WDIR: { name: 'windDirectionDeg', factor: 1 },
  WSPD: { name: 'windSpeedMps', factor: 1 },
  GST: { name: 'windGustMps', factor: 1 },
  WVHT: { name: 'waveHeightM', factor: 1 },
  PRES: { name: 'seaLevelPressurePa', factor: 100 },
  ATMP: { name: 'temperatureC', factor: 1 },
  WTMP: { name: 'waterTemperatureC', factor: 1 },
};

const words = (line: string): readonly string[] => line.trim().split(/\s+/);

/** One row; `columns` is the first line of its file. What cannot be read says which column and what stood there. */
const readRow = (station: string, columns: readonly string[], line: string): SourceRecord | InvalidRow => {
  const cells = words(line);
  const invalid = (reason: string, message: string): InvalidRow => ({
    raw: line,
    reason,
    message,
    // What parseRow needs to read the row again.
    context: JSON.stringify({ station, columns }),
  });
  if (cells.length !== columns.length)
    return invalid('wrong_column_count', `expected ${columns.length} columns, found ${cells.length}`);
  const cell = new Map(columns.map((column, index) => [column, cells[index] ?? '']));
  const part = (column: string): number => Number(cell.get(column) ?? Number.NaN);
  const observedAtMs = Date.UTC(part('YY'), part('MM') - 1, part('DD'), part('hh'), part('mm'));
  if (Number.isNaN(observedAtMs))
    return invalid('not_a_time', `expected a time in the first columns, found ${line.slice(0, 16)}`);
  const data: Record<string, unknown> = { stationId: station };
  for (const [column, { name, factor }] of Object.entries(measured)) {
    const text = cell.get(column) ?? 'MM';
    // MM: not measured.
    const value = text === 'MM' ? null : Number(text);
    if (Number.isNaN(value)) return invalid('not_a_number', `${column}: expected a number or MM, found ${text}`);
    data[name] = value === null ? null : Math.round(value * factor * 1e6) / 1e6;
  }
  return { type: 'record', naturalKey: `${station}|${observedAtMs}`, observedAtMs, data, partitionKey: station };
};

const createBuoys: OwnSourceFactory = ({ source, options, logger }) => {
  const stations = options['stations'];
  // What this throws is what a poller refuses to start with.
  if (!Array.isArray(stations) || stations.length === 0 || !stations.every((id) => typeof id === 'string'))
    throw new Error('options.stations must be a list of buoys, such as ["46042"]');
  const base = source.baseUrl ?? 'https://www.ndbc.noaa.gov';

  const pageOf = async (context: PollContext, index: number): Promise<Page> => {
    const station: string = stations[index];
    const { sinceMs, untilMs } = context.window;
    const response = await context.http.fetch({
      url: new URL(`/data/realtime2/${encodeURIComponent(station)}.txt`, base),
      accept: 'text/plain',
      credential: null,
    });
    // The next station; null after the last. It is stored when this page is in the queues, and comes back as
    // context.position if the poll is cut off here.
    const position = index + 1 < stations.length ? index + 1 : null;
    // The file is the one that was read before: nothing to parse.
    if (response.unchanged !== null) return { records: [], invalid: [], position, unchanged: response.unchanged };
    const [header = '', , ...lines] = (await response.text()).split('\n');
    if (!header.startsWith('#YY'))
      throw new Error(`${station}: expected a file that begins with #YY, found ${header.slice(0, 40)}`);
    const columns = words(header.slice(1));
    const from = context.isBackfill ? (sinceMs ?? 0) : (sinceMs ?? untilMs - dayMs) - overlapMs;
    const records: SourceRecord[] = [];
    const invalid: InvalidRow[] = [];
    for (const line of lines) {
      if (line.trim() === '') continue;
      const row = readRow(station, columns, line);
      if ('raw' in row) invalid.push(row);
      else if (row.observedAtMs >= from && (!context.isBackfill || row.observedAtMs < untilMs)) records.push(row);
    }
    logger?.debug({ station, records: records.length }, 'buoy read');
    // There is one once the body was read.
    const receipt = response.receipt();
    return { records, invalid, position, receipts: receipt === null ? [] : [receipt] };
  };

  return {
    async *poll(context) {
      const first = typeof context.position === 'number' ? context.position : 0;
      for (let index = first; index < stations.length; index++) yield await pageOf(context, index);
    },
    parseRow: ({ raw, context }: KeptRow) => {
      const { station, columns } = JSON.parse(context) as { station: string; columns: readonly string[] };
      return readRow(station, columns, raw);
    },
    // The files hold 45 days: one pass of a backfill may ask for ten of them at a time.
    backfill: { sliceMs: 10 * dayMs },
  };
};

export default createBuoys;
