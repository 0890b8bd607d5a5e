// AirNow: GET /aq/observation/zipCode/current/?format=application/json&zipCode=…&distance=…&API_KEY=… (a list of rows).
// The day has a blank behind it and stands in the area's own time, as the real one has it.
import type { AirAreaReading } from './air-areas.ts';
import { type Answer, bareAnswer, faultyRows, type RouteRequest } from './answer.ts';
import { type MalformedKind, malformedKinds } from './faults.ts';

const json = 'application/json; charset=utf-8';
const breakable = malformedKinds.filter((kind) => kind !== 'surplus-column');

/** Answers with the air of the area that a ZIP code lies in. */
export const createAirNowRoute =
  (options: { readonly apiKeys: readonly string[]; readonly hasValidators: boolean }) =>
  (request: RouteRequest): Answer => {
    const { url, world, atMs, fault } = request;
    const query = url.searchParams;
    const refuse = (status: number, message: string): Answer =>
      bareAnswer(status, json, JSON.stringify({ WebServiceError: [{ Message: message }] }));
    if (!options.apiKeys.includes(query.get('API_KEY') ?? '')) return refuse(401, 'Invalid API key');
    if (!/^\d{5}$/.test(query.get('zipCode') ?? '')) return refuse(400, 'Invalid zip code');
    const readings = world.airAreas.latest(query.get('zipCode') ?? '', atMs);
    const more = fault.name === 'extra-column' ? { SomethingNew: 1 } : {};
    const { rows, truths, broken } = faultyRows(readings, request, {
      kind: 'airnow',
      breakable,
      render: (reading) => ({ ...renderReading(reading), ...more }),
      breakRow,
    });
    return {
      ...bareAnswer(200, json, JSON.stringify(rows)),
      truths,
      broken,
      hasValidators: options.hasValidators,
    };
  };

const renderReading = (reading: AirAreaReading): Record<string, unknown> => {
  const { area } = reading;
  const local = new Date(reading.observedAtMs - area.timeZone.behindHours * 3_600_000).toISOString();
  return {
    DateObserved: `${local.slice(0, 10)} `,
    HourObserved: Number(local.slice(11, 13)),
    LocalTimeZone: area.timeZone.name,
    ReportingArea: area.name,
    StateCode: area.state,
    Latitude: area.latitude,
    Longitude: area.longitude,
    ParameterName: reading.parameter,
    AQI: reading.aqi ?? -1,
    Category: reading.category === null ? { Number: 7, Name: 'Unavailable' } : { Number: 1, Name: reading.category },
  };
};

const breakRow = (row: Record<string, unknown>, kind: MalformedKind): Record<string, unknown> => {
  if (kind === 'missing-column') delete row['HourObserved'];
  if (kind === 'unparsable-date') row['DateObserved'] = '2025-13-45 ';
  if (kind === 'not-a-number') row['Latitude'] = 'abc';
  if (kind === 'nan') row['Longitude'] = 'NaN';
  if (kind === 'latitude-out-of-range') row['Latitude'] = Number(`1${String(row['Latitude'])}`);
  return row;
};
