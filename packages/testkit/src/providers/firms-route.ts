// FIRMS area API: GET /api/area/csv/{MAP_KEY}/{SOURCE}/{west,south,east,north}/{DAYS}[/{DATE}], CSV.
// A day range counts calendar days in UTC: without a date, today and the days before it.
import { type Answer, bareAnswer, chooseBroken, plainText, type RouteRequest, withRepeats } from './answer.ts';
import { type FaultName, type MalformedKind, malformedKinds } from './faults.ts';
import { type FireDetection, type FirmsDataset, firmsDatasets } from './fires.ts';
import type { BrokenRow } from './ledger.ts';

export const firmsPathPrefix = '/api/area/csv/';

export interface FirmsRouteOptions {
  /** The keys that are known. */
  readonly mapKeys: readonly string[];
  readonly hasValidators: boolean;
}

interface Area {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

const dayMs = 86_400_000;
const rest = 'scan,track,acq_date,acq_time,satellite,instrument,confidence,version';
/** Days of one request at most; above it the API refuses (it was 10 once). */
const mostDays = 5;
/** What stands behind each line of an answer under these faults. */
const moreColumns: Partial<Readonly<Record<FaultName, { readonly name: string; readonly value: string }>>> = {
  'extra-column': { name: ',quality_flag', value: ',0' },
  quoted: { name: ',remark', value: ',"smoke, dense"' },
};
const landsatHeader = 'latitude,longitude,path,row,scan,track,acq_date,acq_time,satellite,confidence,daynight';
const headers = {
  VIIRS: `latitude,longitude,bright_ti4,${rest},bright_ti5,frp,daynight`,
  MODIS: `latitude,longitude,brightness,${rest},bright_t31,frp,daynight`,
} as const;

/** Answers a request of the area API. */
export const createFirmsRoute = (options: FirmsRouteOptions): ((request: RouteRequest) => Answer) => {
  // Rendered rows, by their place in the dataset. As long as its first row is the same one, all of them are.
  const rendered = new Map<FirmsDataset, { first: FireDetection | undefined; lines: string[] }>();
  const linesOf = (dataset: FirmsDataset, fires: readonly FireDetection[]): readonly string[] => {
    const known = rendered.get(dataset);
    const kept = known && known.first === fires[0] ? known : { first: fires[0], lines: [] };
    rendered.set(dataset, kept);
    for (const fire of fires.slice(kept.lines.length)) kept.lines.push(renderFire(fire));
    return kept.lines;
  };

  return (request) => {
    const parts = request.url.pathname.slice(firmsPathPrefix.length).split('/').map(decoded);
    const [mapKey = '', source = '', areaText = '', days = '', date = ''] = parts;
    if (!options.mapKeys.includes(mapKey)) return bareAnswer(200, plainText, 'Invalid MAP_KEY.');
    const refuse = (why: string): Answer => bareAnswer(400, plainText, why);
    if (!isDataset(source)) return refuse('Invalid source.');
    const area = parseArea(areaText);
    if (!area) return refuse('Invalid area coordinate. Expects: [west,south,east,north].');
    if (!/^\d+$/.test(days) || Number(days) < 1 || Number(days) > mostDays)
      return refuse(`Invalid day range. Expects [1..${mostDays}].`);
    const today = Math.floor(request.atMs / dayMs) * dayMs;
    const fromMs = date === '' ? today - (Number(days) - 1) * dayMs : Date.parse(`${date}T00:00:00Z`);
    if (parts.length > 5 || Number.isNaN(fromMs)) return refuse('Invalid date. Expects YYYY-MM-DD.');
    const toMs = fromMs + Number(days) * dayMs;

    const all = request.world.fires.visible(source, request.atMs);
    const lines = linesOf(source, all);
    const fires: FireDetection[] = [];
    const found: string[] = [];
    for (const [at, fire] of all.entries()) {
      if (fire.acquiredAtMs < fromMs || fire.acquiredAtMs >= toMs || !isInside(fire, area)) continue;
      fires.push(fire);
      found.push(lines[at] ?? '');
    }
    const brokenKinds = chooseBroken(fires, request, malformedKinds);
    const more = moreColumns[request.fault.name];
    const { instrument } = firmsDatasets[source];
    const header = (instrument === null ? landsatHeader : headers[instrument]) + (more?.name ?? '');
    const broken: BrokenRow[] = [];
    const body: string[] = [header];
    const shown = fires.map((fire, at) => [fire, found[at] ?? ''] as const);
    for (const [fire, sound] of withRepeats(shown, request.fault)) {
      const kind = brokenKinds.get(fire);
      const line = (kind ? breakLine(sound, kind, dateColumnOf(header)) : sound) + (more?.value ?? '');
      if (kind) broken.push({ kind: 'firms', raw: line, reason: kind });
      body.push(line);
    }
    return {
      status: 200,
      contentType: 'text/csv; charset=utf-8',
      body: `${body.join('\n')}\n`,
      truths: brokenKinds.size === 0 ? fires : fires.filter((fire) => !brokenKinds.has(fire)),
      broken,
      hasValidators: options.hasValidators,
    };
  };
};

/** A part of the path; as it stands when its escapes are none. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    // A broken escape is a wrong value like any other: the checks refuse it by name.
    return part;
  }
};

const isDataset = (source: string): source is FirmsDataset => Object.hasOwn(firmsDatasets, source);

const parseArea = (text: string): Area | null => {
  if (text === 'world') return { west: -180, south: -90, east: 180, north: 90 };
  const [west, south, east, north, ...more] = text
    .split(',')
    .map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (west === undefined || south === undefined || east === undefined || north === undefined) return null;
  if (more.length > 0 || ![west, south, east, north].every(Number.isFinite)) return null;
  const isValid = west >= -180 && east <= 180 && south >= -90 && north <= 90 && west < east && south < north;
  return isValid ? { west, south, east, north } : null;
};

const isInside = (fire: FireDetection, area: Area): boolean =>
  fire.longitude >= area.west &&
  fire.longitude <= area.east &&
  fire.latitude >= area.south &&
  fire.latitude <= area.north;

const dateColumnOf = (header: string): number => header.split(',').indexOf('acq_date');

const confidenceText = (fire: FireDetection): string =>
  fire.instrument === 'MODIS' ? String(Math.round(fire.confidence * 100)) : fire.confidenceClass.slice(0, 1);

/** The row as FIRMS prints it: five decimals for the position, the time as HHMM without leading zeros (00:05 is 5). */
const renderFire = (fire: FireDetection): string => {
  const iso = new Date(fire.acquiredAtMs).toISOString();
  const time = Number(iso.slice(11, 13)) * 100 + Number(iso.slice(14, 16));
  if (fire.scene !== null) {
    const { path, row, scan, track } = fire.scene;
    const confidence = fire.confidenceClass === 'nominal' ? 'M' : fire.confidenceClass.slice(0, 1).toUpperCase();
    return (
      `${fire.latitude.toFixed(6)},${fire.longitude.toFixed(6)},${path},${row},${scan},${track},` +
      `${iso.slice(0, 10)},${time},${fire.satellite},${confidence},${fire.dayNight}`
    );
  }
  return (
    `${fire.latitude.toFixed(5)},${fire.longitude.toFixed(5)},${fire.brightnessK},${fire.scanKm},${fire.trackKm},` +
    `${iso.slice(0, 10)},${time},${fire.satellite},${fire.instrument},${confidenceText(fire)},${fire.version},` +
    `${fire.brightnessLongwaveK},${fire.frpMw},${fire.dayNight}`
  );
};

const breakLine = (line: string, kind: MalformedKind, dateColumn: number): string => {
  const columns = line.split(',');
  switch (kind) {
    case 'missing-column':
      return columns.slice(0, 9).join(',');
    case 'surplus-column':
      return `${line},1,2`;
    case 'not-a-number':
      return columns.with(0, 'abc').join(',');
    case 'nan':
      return columns.with(1, 'NaN').join(',');
    case 'latitude-out-of-range':
      // The true latitude is kept in the wrong one, so that two broken rows stay two.
      return columns.with(0, `1${columns[0] ?? ''}`).join(',');
    case 'unparsable-date':
      return columns.with(dateColumn, '2025-13-45').join(',');
  }
};
