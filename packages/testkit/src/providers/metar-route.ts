// Aviation Weather Center: GET /api/data/metar?ids=KLAX,KSFO&format=json[&hours=N][&date=TIME] (a list of reports, the
// newest first, 400 at most). Where there is none the answer is 204, as the real one has it since 2025.
import type { AirportReport } from './airports.ts';
import { type Answer, bareAnswer, faultyRows, type RouteRequest } from './answer.ts';
import { type MalformedKind, malformedKinds } from './faults.ts';

const json = 'application/json';
const mostRows = 400;
const hourMs = 3_600_000;
const breakable = malformedKinds.filter((kind) => kind !== 'surplus-column');

/** Answers with the reports of some airports. */
export const createMetarRoute =
  (options: { readonly hasValidators: boolean }) =>
  (request: RouteRequest): Answer => {
    const { url, world, atMs, fault } = request;
    const query = url.searchParams;
    const refuse = (message: string): Answer =>
      bareAnswer(400, json, JSON.stringify({ status: 'error', error: message }));
    const ids = (query.get('ids') ?? '').split(',').filter((id) => id !== '');
    if (ids.length === 0) return refuse('Invalid station');
    if (query.get('format') !== 'json') return refuse('This simulation only knows format=json');
    const hours = query.get('hours');
    if (hours !== null && !(Number(hours) > 0)) return refuse('Invalid hours');
    const date = query.get('date');
    const untilMs = date === null ? atMs : Math.min(atMs, Date.parse(date));
    if (Number.isNaN(untilMs)) return refuse('Invalid date');
    const sinceMs = hours === null ? untilMs : untilMs - Number(hours) * hourMs;
    const reports = [...new Set(ids)]
      .flatMap((id) => world.airports.reports(id, sinceMs, untilMs))
      .toSorted((one, other) => other.observedAtMs - one.observedAtMs)
      .slice(0, mostRows);
    if (reports.length === 0) return bareAnswer(204, json, '');
    const more = fault.name === 'extra-column' ? { somethingNew: 1 } : {};
    const { rows, truths, broken } = faultyRows(reports, request, {
      kind: 'metar',
      breakable,
      render: (report) => ({ ...renderReport(report), ...more }),
      breakRow: breakReport,
    });
    return {
      ...bareAnswer(200, json, JSON.stringify(rows)),
      truths,
      broken,
      hasValidators: options.hasValidators,
    };
  };

const hectopascals = (pascals: number | null): number | null => (pascals === null ? null : pascals / 100);

const renderReport = (report: AirportReport): Record<string, unknown> => ({
  icaoId: report.airport.id,
  receiptTime: new Date(report.observedAtMs + 180_000).toISOString(),
  obsTime: report.observedAtMs / 1000,
  reportTime: new Date(Math.ceil(report.observedAtMs / hourMs) * hourMs).toISOString(),
  temp: report.temperatureC,
  dewp: report.dewpointC,
  wdir: report.isVariable ? 'VRB' : report.windDirectionDeg,
  wspd: report.windKnots,
  wgst: report.gustKnots,
  visib: report.visibilityMiles === 10 ? '10+' : report.visibilityMiles,
  altim: hectopascals(report.pressurePa),
  slp: hectopascals(report.seaLevelPressurePa),
  qcField: 4,
  wxString: report.weather,
  precip: report.rainInches,
  metarType: 'METAR',
  rawOb: report.raw,
  lat: report.airport.latitude,
  lon: report.airport.longitude,
  elev: report.airport.elevationM,
  name: report.airport.name,
  cover: report.clouds.at(-1)?.cover ?? null,
  clouds: report.clouds.map(({ cover, baseFeet }) => ({ cover, base: baseFeet })),
  fltCat: 'VFR',
});

const breakReport = (row: Record<string, unknown>, kind: MalformedKind): Record<string, unknown> => {
  if (kind === 'missing-column') delete row['obsTime'];
  if (kind === 'unparsable-date') row['obsTime'] = 'yesterday';
  if (kind === 'not-a-number') row['lat'] = 'abc';
  if (kind === 'nan') row['lon'] = 'NaN';
  if (kind === 'latitude-out-of-range') row['lat'] = Number(`1${String(row['lat'])}`);
  return row;
};
