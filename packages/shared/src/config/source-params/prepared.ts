// `params` of the types whose connectors arrive later: metar, mqtt and push. The config accepts them now, so that
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

export const pushParams = z
  .strictObject({
    token: freeText('Token that senders have to show; from the environment, `"${PUSH_TOKEN}"`.', 'a token').refine(
      (token) => holdsVariable(token) || token.length >= 16,
      { error: 'must have 16 characters or more' },
    ),
  })
  .describe('Records that others send to StreamManager over HTTP.');
