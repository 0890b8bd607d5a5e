// `params` of the air quality types: purpleair (sensors) and airnow (official monitors).
import { z } from 'zod';
import { fieldFacts, formedText, freeText, wholeNumber } from '../fields.ts';
import { boundingBox } from './bounding-box.ts';

/** Fields without which a PurpleAir row has no time or place; asked for whatever the config says. `sensor_index` always comes. */
export const purpleAirNeededFields = ['last_seen', 'latitude', 'longitude'] as const;

/** What the record type `air-quality` is made of; every field costs points of the API key. */
export const purpleAirDefaultFields = [
  ...purpleAirNeededFields,
  'name',
  'altitude',
  'pm1.0',
  'pm2.5',
  'pm10.0',
  'temperature',
  'humidity',
  'pressure',
  'rssi',
  'confidence',
] as const;

export const purpleAirParams = z
  .strictObject({
    apiKey: freeText(
      'Read key of the PurpleAir API; from the environment, `"${PURPLEAIR_API_KEY}"`.',
      'a read key of PurpleAir',
    ),
    bbox: boundingBox('Area: [west, south, east, north] in degrees.'),
    fields: z
      .array(
        formedText('A field.', {
          expects: 'a field of the PurpleAir API, such as pm2.5',
          fits: /^[a-z][a-z0-9._]{0,63}$/,
        }),
      )
      .min(1)
      .max(100)
      .transform((fields) => [...new Set<string>([...purpleAirNeededFields, ...fields])])
      .describe(
        'Fields of the API that are asked for; each costs points. `last_seen`, `latitude` and `longitude` are always added.',
      )
      .register(fieldFacts, { expects: 'a list of 1 to 100 fields of the PurpleAir API' })
      .prefault([...purpleAirDefaultFields]),
  })
  .describe('Readings of outdoor air sensors in an area (PurpleAir).');

export const airNowParams = z
  .strictObject({
    apiKey: freeText('Key of the AirNow API; from the environment, `"${AIRNOW_API_KEY}"`.', 'a key of AirNow'),
    zipCodes: z
      .array(formedText('A ZIP code.', { expects: 'a ZIP code of five digits, in quotes', fits: /^\d{5}$/ }))
      .min(1)
      .max(1_000)
      .describe('ZIP codes whose current air quality is read, in quotes.')
      .register(fieldFacts, { expects: 'a list of 1 to 1,000 ZIP codes, in quotes', example: ['90012'] }),
    distance: wholeNumber('Distance within which a monitor serves a ZIP code.', {
      min: 1,
      max: 500,
      unit: 'miles',
    }).default(25),
  })
  .describe(
    'Current air quality by ZIP code (AirNow): one request for each, and new values once an hour. The API gives a key 500 requests an hour.',
  );
