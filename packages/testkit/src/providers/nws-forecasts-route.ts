// NWS: GET /gridpoints/{office}/{x},{y}/forecast (one GeoJSON feature with the periods of the newest issue).
import { type Answer, faultyRows, type RouteRequest } from './answer.ts';
import type { MalformedKind } from './faults.ts';
import { geoJson, nwsContext, nwsProblem } from './nws-answer.ts';
import type { ForecastPeriod, Gridpoint } from './weather-forecasts.ts';

const breakable: readonly MalformedKind[] = ['missing-column', 'not-a-number', 'nan', 'unparsable-date'];

/** The forecast of one gridpoint. */
export const answerForecast = (
  request: RouteRequest,
  gridpointId: string,
  { hasValidators }: { readonly hasValidators: boolean },
): Answer => {
  const { world, atMs, fault } = request;
  const periods = world.forecasts.latest(gridpointId, atMs);
  const [first] = periods ?? [];
  if (!periods || !first) return nwsProblem(404, 'Not Found', 'Unable to provide data for requested point');
  const more = fault.name === 'extra-column' ? { somethingNew: 1 } : {};
  const { rows, truths, broken } = faultyRows(periods, request, {
    kind: 'forecast',
    breakable,
    render: (period) => ({ ...renderPeriod(period), ...more }),
    breakRow: breakPeriod,
  });
  const issued = utc(first.issuedAtMs);
  const answer = geoJson({
    '@context': nwsContext,
    type: 'Feature',
    geometry: { type: 'Polygon', coordinates: [cellOf(first.gridpoint)] },
    properties: {
      units: 'us',
      forecastGenerator: 'BaselineForecastGenerator',
      generatedAt: utc(atMs),
      updateTime: issued,
      validTimes: `${issued}/P7DT18H`,
      elevation: { unitCode: 'wmoUnit:m', value: first.gridpoint.elevationM },
      periods: rows,
    },
  });
  return { ...answer, truths, broken, hasValidators };
};

const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;

/** Local time of California in winter. */
const local = (ms: number): string => `${new Date(ms - 8 * 3_600_000).toISOString().slice(0, 19)}-08:00`;

/** A cell of 2.5 km, turned a little as the real ones are; its corners lie around the middle. */
const cellOf = ({ latitude, longitude }: Gridpoint): readonly (readonly [number, number])[] => {
  const corner = (east: number, north: number): readonly [number, number] => [
    Number((longitude + east).toFixed(7)),
    Number((latitude + north).toFixed(7)),
  ];
  const first = corner(-0.0139, -0.0112);
  return [first, corner(-0.0136, 0.0114), corner(0.0139, 0.0112), corner(0.0136, -0.0114), first];
};

const windText = (wind: ForecastPeriod['windMph']): string => {
  if (wind === null) return '';
  return wind.low === wind.high ? `${wind.low} mph` : `${wind.low} to ${wind.high} mph`;
};

const renderPeriod = (period: ForecastPeriod): Record<string, unknown> => ({
  number: period.number,
  name: `Period ${period.number}`,
  startTime: local(period.validFromMs),
  endTime: local(period.validToMs),
  isDaytime: period.number % 2 === 1,
  temperature: period.temperatureF,
  temperatureUnit: 'F',
  temperatureTrend: '',
  probabilityOfPrecipitation: { unitCode: 'wmoUnit:percent', value: period.precipitationPercent },
  windSpeed: windText(period.windMph),
  windDirection: period.windDirection ?? '',
  icon: 'https://api.weather.gov/icons/land/day/few?size=medium',
  shortForecast: period.shortForecast,
  detailedForecast: period.detailedForecast,
});

const breakPeriod = (row: Record<string, unknown>, kind: MalformedKind): Record<string, unknown> => {
  if (kind === 'missing-column') delete row['startTime'];
  if (kind === 'unparsable-date') row['startTime'] = '2025-13-45T25:61:00-08:00';
  if (kind === 'not-a-number') row['temperature'] = 'abc';
  if (kind === 'nan') row['temperature'] = 'NaN';
  return row;
};
