// Rows of the FIRMS area API, read and checked by hand: this is the hot path of a poll of 300,000 detections.
// Columns are found by name. VIIRS and MODIS name their two brightness channels differently, LANDSAT has neither.
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { type CsvRow, csvRowsOf } from './csv-rows.ts';
import { numberOf, shortestForm, tenthOf } from './decimals.ts';
import { dayStartMs } from './instants.ts';
import { invalidRow, type RowFault, rowFault } from './invalid-row.ts';
import type { KeptRow } from './source.ts';

const common = ['latitude', 'longitude', 'scan', 'track', 'acq_date', 'acq_time', 'satellite', 'confidence'];

/** Columns of the two channels, by the instrument whose name they bear. Exports that mix instruments mix these too. */
const channels = {
  brightness: ['bright_ti4', 'brightness'],
  longwave: ['bright_ti5', 'bright_t31'],
} as const;

/** Puts each row of an answer where it belongs. */
export type FirmsRowReader = (row: CsvRow, records: SourceRecord[], invalid: InvalidRow[]) => void;

/** A column that is there. */
interface Place {
  readonly name: string;
  readonly at: number;
}

/** What a header says of its rows; columns by their place, -1 for one that is not there. */
interface Columns {
  readonly at: (name: string) => number;
  readonly brightness: readonly Place[];
  readonly longwave: readonly Place[];
  /** Of exports without that column: what the name of the brightness stands for. */
  readonly instrument: 'VIIRS' | 'MODIS' | null;
  /** LANDSAT: scan and track are column and line of a scene's pixel and no sizes, and there is no radiometry. */
  readonly isScene: boolean;
}

/**
 * Makes the reader for a header, or says which columns are missing. Columns that nobody knows are ignored. Older exports
 * lack instrument, daynight or version; a brightness that is missing is no null but a changed format.
 */
export const createFirmsRowReader = (
  header: CsvRow,
): { readonly read: FirmsRowReader } | { readonly missing: readonly string[] } => {
  const names = (header.cells ?? []).map((name) => name.trim().toLowerCase());
  const missing = (needed: readonly string[]): readonly string[] => needed.filter((name) => !names.includes(name));
  const places = new Map(names.map((name, at) => [name, at] as const).reverse());
  const at = (name: string): number => places.get(name) ?? -1;
  const placesOf = (list: readonly string[]): readonly Place[] =>
    list.map((name) => ({ name, at: at(name) })).filter((place) => place.at !== -1);
  const [brightness, longwave] = [placesOf(channels.brightness), placesOf(channels.longwave)];
  const isScene = brightness.length === 0 && longwave.length === 0 && names.includes('path');
  const lacking = isScene
    ? missing([...common, 'row'])
    : [
        ...missing([...common, 'frp']),
        ...(brightness.length === 0 ? [channels.brightness.join(' or ')] : []),
        ...(longwave.length === 0 ? [channels.longwave.join(' or ')] : []),
      ];
  if (lacking.length > 0) return { missing: lacking };
  const hasOne = brightness.length === 1;
  const instrument = !hasOne ? null : at('bright_ti4') === -1 ? 'MODIS' : 'VIIRS';
  return {
    read: readerOf(header.raw, names.length, { at, brightness, longwave, instrument, isScene }),
  };
};

/**
 * The reader for another header that stands among the rows, as in an export that was put together from several; null for
 * a row.
 */
export const headerAgain = (row: CsvRow): FirmsRowReader | null => {
  // Rows begin with a number: they are not looked at further.
  const first = row.raw.charCodeAt(0);
  if (first < letterA || !/(^|[,"\uFEFF])latitude([,"]|$)/i.test(row.raw)) return null;
  const reader = createFirmsRowReader(row);
  return 'read' in reader ? reader.read : null;
};

const letterA = 0x41;

/** Parses one row again that was invalid; its context is the header of its answer. */
export const parseFirmsRow = ({ raw, context }: KeptRow): SourceRecord | InvalidRow => {
  const refused = (field: string, expected: string): InvalidRow =>
    invalidRow(raw, rowFault('unreadable', field, expected, undefined), context);
  const [header] = csvRowsOf(context);
  if (header === undefined) return refused('header', 'the header of the row, kept with it');
  const reader = createFirmsRowReader(header);
  if ('missing' in reader) return refused('header', `the columns ${reader.missing.join(', ')}`);
  const [row, ...more] = csvRowsOf(raw);
  if (row === undefined || more.length > 0) return refused('row', 'one line of CSV');
  const records: SourceRecord[] = [];
  const invalid: InvalidRow[] = [];
  reader.read(row, records, invalid);
  return records[0] ?? invalid[0] ?? refused('row', 'one line of CSV');
};

const readerOf = (
  header: string,
  width: number,
  { at, brightness, longwave, instrument: impliedInstrument, isScene }: Columns,
): FirmsRowReader => {
  const [latitudeAt, longitudeAt, scanAt, trackAt] = [at('latitude'), at('longitude'), at('scan'), at('track')];
  const [dateAt, timeAt, satelliteAt, instrumentAt] = [
    at('acq_date'),
    at('acq_time'),
    at('satellite'),
    at('instrument'),
  ];
  const [confidenceAt, versionAt, frpAt, dayNightAt] = [at('confidence'), at('version'), at('frp'), at('daynight')];

  // Rows of one overpass have the same satellite, date and time: what they come to is remembered from row to row.
  let lastDate = '';
  let day = '';
  let lastDayMs = Number.NaN;
  let lastTime = '';
  let lastMinutes = Number.NaN;
  const [satelliteText, instrumentText, versionText, dayNightText] = [lastText(), lastText(), lastText(), lastText()];

  // One fault per row at most; kept outside so that a good row allocates nothing for it.
  let fault: RowFault | null = null;
  const needed = (cells: readonly string[], column: number, name: string): number => {
    const cell = cells[column] ?? '';
    const value = numberOf(cell);
    if (Number.isNaN(value)) fault ??= numberFault(name, cell);
    return value;
  };
  const optional = (cells: readonly string[], column: number, name: string): number | null => {
    const cell = cells[column] ?? '';
    if (cell === '') return null;
    const value = numberOf(cell);
    if (!Number.isNaN(value)) return value;
    if (cell.trim() !== '') fault ??= rowFault('not_a_number', name, 'a number', cell);
    return null;
  };
  /** The first that there is of columns of which a row fills one. */
  const optionalOf = (cells: readonly string[], among: readonly Place[]): number | null => {
    for (const place of among) {
      const value = optional(cells, place.at, place.name);
      if (value !== null) return value;
    }
    return null;
  };
  return ({ raw, cells }, records, invalid) => {
    if (cells === null || cells.length !== width) {
      const found = cells === null ? raw : `${cells.length} values`;
      const reason = cells === null ? 'unreadable' : 'column_count';
      const expected =
        cells === null ? 'a line of CSV with closed quotes' : `${width} values, as many as the header has`;
      invalid.push(invalidRow(raw, rowFault(reason, 'row', expected, found), header));
      return;
    }
    fault = null;
    const latitude = needed(cells, latitudeAt, 'latitude');
    const longitude = needed(cells, longitudeAt, 'longitude');
    const scanKm = needed(cells, scanAt, 'scan');
    const trackKm = needed(cells, trackAt, 'track');
    if (latitude > 90 || latitude < -90)
      fault ??= rowFault('out_of_range', 'latitude', 'degrees from -90 to 90', cells[latitudeAt]);
    if (longitude > 180 || longitude < -180)
      fault ??= rowFault('out_of_range', 'longitude', 'degrees from -180 to 180', cells[longitudeAt]);

    const date = cells[dateAt] ?? '';
    if (date !== lastDate) {
      lastDate = date;
      day = date.trim();
      lastDayMs = dayStartMs(day) ?? Number.NaN;
    }
    const time = cells[timeAt] ?? '';
    if (time !== lastTime) {
      lastTime = time;
      lastMinutes = minutesOf(time.trim());
    }
    if (Number.isNaN(lastDayMs)) fault ??= rowFault('bad_time', 'acq_date', 'a day such as 2025-01-04', date);
    if (Number.isNaN(lastMinutes)) fault ??= rowFault('bad_time', 'acq_time', 'a time such as 902 for 09:02', time);

    const satellite = satelliteText(cells[satelliteAt]);
    if (satellite === null) fault ??= rowFault('missing_value', 'satellite', 'a name', '');
    const instrument = instrumentAt === -1 ? impliedInstrument : instrumentText(cells[instrumentAt]);
    if (instrument === null && instrumentAt !== -1) fault ??= rowFault('missing_value', 'instrument', 'a name', '');
    const confidence = confidenceOf(cells[confidenceAt] ?? '');
    if (confidence === null)
      fault ??= rowFault('unknown_word', 'confidence', 'l, n, h or a number from 0 to 100', cells[confidenceAt]);

    const data = {
      satellite,
      instrument,
      confidence: confidence?.share ?? null,
      confidenceClass: confidence?.name ?? null,
      brightnessK: optionalOf(cells, brightness),
      brightnessLongwaveK: optionalOf(cells, longwave),
      frpMw: optional(cells, frpAt, 'frp'),
      scanKm: isScene ? null : scanKm,
      trackKm: isScene ? null : trackKm,
      dayNight: dayNightText(cells[dayNightAt]),
      version: versionText(cells[versionAt]),
    };
    if (fault !== null) {
      invalid.push(invalidRow(raw, fault, header));
      return;
    }
    const place = `${shortestForm(cells[latitudeAt] ?? '', latitude)}|${shortestForm(cells[longitudeAt] ?? '', longitude)}`;
    const pixel = `${shortestForm(cells[scanAt] ?? '', scanKm)}|${shortestForm(cells[trackAt] ?? '', trackKm)}`;
    records.push({
      type: 'fire-detection',
      // Numbers in their shortest form: 39.75960 and 39.7596 are one place, 5, 0005 and 00:05 one minute.
      naturalKey: `${satellite}|${instrument ?? ''}|${day}|${clockOf(lastMinutes)}|${place}|${pixel}`,
      observedAtMs: lastDayMs + lastMinutes * 60_000,
      location: { latitude, longitude },
      data,
      partitionKey: `${tenthOf(latitude)},${tenthOf(longitude)}`,
    });
  };
};

const numberFault = (name: string, cell: string): RowFault =>
  cell.trim() === ''
    ? rowFault('missing_value', name, 'a number', cell)
    : rowFault('not_a_number', name, 'a number', cell);

/** Minutes since midnight, or NaN: `5`, `902`, `0902` and `09:02` occur. */
const minutesOf = (time: string): number => {
  if (!/^(\d{1,4}|\d{1,2}:\d\d)$/.test(time)) return Number.NaN;
  const clock = Number(time.replace(':', ''));
  const hours = Math.floor(clock / 100);
  const minutes = clock - hours * 100;
  return hours < 24 && minutes < 60 ? hours * 60 + minutes : Number.NaN;
};

/** Minutes since midnight as HHMM. */
const clockOf = (minutes: number): string => {
  const hours = Math.floor(minutes / 60);
  return String(10_000 + hours * 100 + (minutes - hours * 60)).slice(1);
};

/** Trims a cell; empty is null. A row's text that is the last row's text becomes the same text in memory. */
const lastText = (): ((cell: string | undefined) => string | null) => {
  let last = '';
  let value: string | null = null;
  return (cell = '') => {
    if (cell !== last) {
      last = cell;
      const text = cell.trim();
      value = text === '' ? null : text;
    }
    return value;
  };
};

interface Confidence {
  readonly share: number | null;
  readonly name: 'low' | 'nominal' | 'high' | null;
}

const noConfidence: Confidence = { share: null, name: null };
const low: Confidence = { share: 0.3, name: 'low' };
const nominal: Confidence = { share: 0.5, name: 'nominal' };
const high: Confidence = { share: 0.8, name: 'high' };

/** VIIRS has letters (older exports: words), LANDSAT "medium", MODIS per cent. */
const words: ReadonlyMap<string, Confidence> = new Map([
  ['', noConfidence],
  ['l', low],
  ['low', low],
  ['n', nominal],
  ['nominal', nominal],
  ['m', nominal],
  ['medium', nominal],
  ['h', high],
  ['high', high],
]);

/** Null for what is no confidence; an empty cell has none. */
const confidenceOf = (cell: string): Confidence | null => {
  const word = words.get(cell) ?? words.get(cell.trim().toLowerCase());
  if (word !== undefined) return word;
  const percent = numberOf(cell);
  if (!(percent >= 0 && percent <= 100)) return null;
  return { share: percent / 100, name: percent < 30 ? 'low' : percent < 80 ? 'nominal' : 'high' };
};
