// `params` of the types whose connectors arrive later: metar, mqtt, http and push. The config accepts them now, so that
// files need not change when the connectors come; they will be widened, not changed.
import { z } from 'zod';
import { fieldFacts, formedText, freeText, holdsVariable } from '../fields.ts';
import { stationIds } from './noaa.ts';

export const metarParams = z
  .strictObject({ stations: stationIds('Airports by ICAO code, such as `KLAX`.') })
  .describe('Weather reports of airports (METAR).');

const isBrokerAddress = (text: string): boolean => /^(mqtts?|wss?):\/\/[^\s]+$/i.test(text) && URL.canParse(text);

export const mqttParams = z
  .strictObject({
    url: formedText('Address of the broker; user and password belong into their own fields.', {
      expects: 'an mqtt://, mqtts://, ws:// or wss:// address',
      fits: isBrokerAddress,
      example: 'mqtts://broker.example.org:8883',
    }),
    topics: z
      .array(freeText('A subscription, with `+` and `#`.', 'an MQTT subscription'))
      .min(1)
      .max(100)
      .describe('Subscriptions, such as `sensors/+/temperature`.')
      .register(fieldFacts, { expects: 'a list of 1 to 100 MQTT subscriptions', example: ['sensors/+/temperature'] }),
    qos: z
      .number()
      .int()
      .min(0)
      .max(2)
      .describe('Quality of service. With 1 a message is acknowledged only after its records are in Redis.')
      .register(fieldFacts, { expects: '0, 1 or 2' })
      .default(1),
    username: freeText('User name.', 'a user name').optional(),
    password: freeText('Password; from the environment, `"${MQTT_PASSWORD}"`.', 'a password').optional(),
  })
  .describe('Readings that devices publish to an MQTT broker.');

const open = (about: string) =>
  z.record(z.string(), z.unknown()).describe(about).register(fieldFacts, { expects: 'a map' });

const fieldPath = (about: string) => freeText(about, 'a path in the answer');

export const httpParams = z
  .strictObject({
    request: open('The request: address below `baseUrl`, method, headers, query, body.').optional(),
    pagination: open('How the next page is found: link, cursor, page or offset.').optional(),
    cursor: open('What is kept between polls, so that the next one asks for news only.').optional(),
    records: fieldPath('Path to the list of records in the answer.').optional(),
    id: fieldPath('Path in a record to what identifies it.').optional(),
    time: fieldPath('Path in a record to its time.').optional(),
    fields: open('Fields of `data`, by name, with their paths and units.').optional(),
  })
  .describe('Any JSON, NDJSON, CSV or GeoJSON API.');

export const pushParams = z
  .strictObject({
    token: freeText('Token that senders have to show; from the environment, `"${PUSH_TOKEN}"`.', 'a token').refine(
      (token) => holdsVariable(token) || token.length >= 16,
      { error: 'must have 16 characters or more' },
    ),
  })
  .describe('Records that others send to StreamManager over HTTP.');
