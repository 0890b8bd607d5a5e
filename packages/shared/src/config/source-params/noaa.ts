// `params` of the NOAA types: observations of stations, alerts and forecasts of NWS, and the weather reports of airports
// that its Aviation Weather Center has. They need no key, but a `User-Agent` header with a contact.
import { z } from 'zod';
import { fieldFacts, formedText } from '../fields.ts';

/** A list of station ids such as KSFO. */
export const stationIds = (about: string) =>
  z
    .array(
      formedText('A station.', {
        expects: 'the id of a station, such as KSFO',
        fits: /^[A-Za-z0-9_-]{2,40}$/,
      }),
    )
    .min(1)
    .max(5_000)
    .describe(about)
    .register(fieldFacts, { expects: 'a list of 1 to 5,000 station ids', example: ['KSFO', 'KLAX'] });

export const noaaStationsParams = z
  .strictObject({
    stations: stationIds(
      'Stations whose latest observation is read. One request each: 150 stations at 60 a minute take 150 s.',
    ).optional(),
    state: formedText('All stations of this state, instead of `stations`.', {
      expects: 'a state or territory of two capital letters, such as CA',
      fits: /^[A-Z]{2}$/,
    }).optional(),
  })
  .superRefine((params, context) => {
    if ((params.stations === undefined) === (params.state === undefined))
      context.addIssue({
        code: 'custom',
        message: 'must have either stations (a list of ids) or state, and not both',
        params: { involves: ['stations', 'state'], inside: true },
      });
  })
  .describe('Latest observations of weather stations (NWS). Either `stations` or `state`.')
  .register(fieldFacts, { expects: 'a map with either stations or state', example: { state: 'CA' } });

export const noaaAlertsParams = z
  .strictObject({
    area: formedText('State, territory or marine area whose active alerts are read; several with commas.', {
      expects: 'areas of two capital letters, such as CA or CA,NV',
      fits: /^[A-Z]{2}(,[A-Z]{2}){0,99}$/,
      example: 'CA',
    }),
  })
  .describe('Active weather alerts (NWS).');

export const noaaForecastsParams = z
  .strictObject({
    gridpoints: z
      .array(
        formedText('A gridpoint.', {
          expects: 'office and grid position, such as LOX/154,45',
          fits: /^[A-Z]{3}\/\d{1,4},\d{1,4}$/,
        }),
      )
      .min(1)
      .max(1_000)
      .describe('Gridpoints as office/x,y, such as `LOX/154,45`.')
      .register(fieldFacts, { expects: 'a list of 1 to 1,000 gridpoints such as LOX/154,45', example: ['LOX/154,45'] }),
  })
  .describe('Forecasts by gridpoint (NWS).');

export const metarParams = z
  .strictObject({
    stations: stationIds('Airports by ICAO code, such as `KLAX`. One request for up to 50 of them.'),
  })
  .describe('Weather reports of airports (METAR): of the last two hours, and of what was missed before, up to a day.');
