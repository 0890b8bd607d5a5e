// NOAA/NWS: forecasts by gridpoint, one request and one page per gridpoint. Which gridpoint a place lies in is what
// https://api.weather.gov/points/{latitude},{longitude} says.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { HttpClient } from '../http/http-client.ts';
import { askEach, type ItemPage } from './ask-each.ts';
import { parseForecast, parsePeriodAgain } from './noaa-forecast-periods.ts';
import { receiptsOf, unchangedRows } from './receipts.ts';
import { newRound, readRound } from './round.ts';
import type { Source, SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

/** The connector; gridpoints that were left out are told to the logger. */
export const createNoaaForecasts =
  (deps: { readonly logger?: Logger } = {}): SourceFactory =>
  (source): Source => {
    if (source.type !== 'noaa-forecasts') throw unsupported(source, 'noaa-forecasts');
    const { baseUrl, params } = source;

    const ask = async (http: HttpClient, gridpoint: string): Promise<ItemPage> => {
      const url = new URL(`/gridpoints/${gridpoint}/forecast`, baseUrl);
      const response = await http.fetch({ url, accept: 'application/geo+json', credential: null });
      if (response.unchanged !== null) return unchangedRows(response.unchanged);
      return { ...parseForecast(gridpoint, await response.json()), ...receiptsOf(response) };
    };
    return {
      poll: ({ http, position }) =>
        askEach(readRound(position) ?? newRound(params.gridpoints), {
          ask: (gridpoint) => ask(http, gridpoint),
          leftOut: (gridpoint, error) =>
            deps.logger?.warn({ sourceId: source.id, gridpoint, error: messageOf(error) }, 'gridpoint left out'),
          unknown: (gridpoints) =>
            deps.logger?.warn(
              { sourceId: source.id, count: gridpoints.length, gridpoints: gridpoints.slice(0, 20) },
              'gridpoints that NWS does not know',
            ),
        }),
      parseRow: ({ raw, context }) => parsePeriodAgain(raw, context),
    };
  };
