// `params` of mqtt: the broker, what is subscribed, the sessions that wait there for the fleet, and the mapping of payloads
// that are none of the usual shapes.
import { z } from 'zod';
import { anyNumber, fieldFacts, formedText, freeText, wholeNumber } from '../fields.ts';
import { checkMapping, mappingKeys } from './mapping.ts';

const isBrokerAddress = (text: string): boolean => {
  if (!/^(mqtts?|wss?):\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
};

/** Wildcards stand for whole levels, `#` for the last ones; the group of `$share` is ours to name. */
const isSubscription = (text: string): boolean => {
  const levels = text.split('/');
  const isLevel = (level: string, index: number): boolean =>
    level === '+' || (level === '#' && index === levels.length - 1) || !/[+#\0]/.test(level);
  return text !== '' && text.length <= 1_000 && levels.every(isLevel) && !text.startsWith('$share/');
};

const protocolVersion = z
  .number()
  .int()
  .min(4)
  .max(5)
  .describe('Version of MQTT: 5, or 4 for a broker that knows only 3.1.1. Several workers share the load with 5 only.')
  .register(fieldFacts, { expects: '5, or 4 (MQTT 3.1.1)' })
  .default(5);

/** The most sessions that a source may have. */
const maxSessions = 64;

export const mqttParams = z
  .strictObject({
    url: formedText('Address of the broker; user and password belong into their own fields.', {
      expects: 'an mqtt://, mqtts://, ws:// or wss:// address without user and password',
      fits: isBrokerAddress,
      example: 'mqtts://broker.example.org:8883',
    }),
    topics: z
      .array(
        formedText('A subscription, with `+` and `#`.', {
          expects: 'an MQTT subscription such as sensors/+/temperature',
          fits: isSubscription,
          example: 'sensors/+/temperature',
        }),
      )
      .min(1)
      .max(100)
      .describe(
        'Subscriptions, such as `sensors/+/temperature`. Those that another one covers are left out; otherwise they should not overlap: a broker may deliver a message once for each.',
      )
      .register(fieldFacts, { expects: 'a list of 1 to 100 MQTT subscriptions', example: ['sensors/+/temperature'] }),
    layouts: z
      .array(
        formedText('A topic with `{device}` and `{type}` in place of levels.', {
          expects: 'a topic with {device}, such as plant/{device}/out/{type}',
          fits: (text) => text.split('/').includes('{device}'),
          example: 'plant/{device}/out/{type}',
        }),
      )
      .max(100)
      .describe(
        'Where topics have the device and what it measures. Default: the device is the first `+` of the subscription, the type the last level.',
      )
      .register(fieldFacts, {
        expects: 'a list of at most 100 topics with {device}',
        example: ['plant/{device}/{type}'],
      })
      .default([]),
    qos: z
      .number()
      .int()
      .min(0)
      .max(2)
      .describe(
        'Quality of service. With 1 a message is acknowledged only after its records are in Redis. 0 loses what is on its way when a connection ends. 2 is subscribed as 1: that a message may come twice does no harm, because its id is known.',
      )
      .register(fieldFacts, { expects: '0, 1 or 2' })
      .default(1),
    username: freeText('User name.', 'a user name').optional(),
    password: freeText('Password; from the environment, `"${MQTT_PASSWORD}"`.', 'a password').optional(),
    protocolVersion,
    sessions: wholeNumber(
      'Sessions at the broker, over the whole fleet; with more than one, messages are shared among them (MQTT 5). Default: 4, and 1 with MQTT 3.1.1.',
      { min: 1, max: maxSessions },
    ).optional(),
    clientId: formedText(
      'Beginning of the client ids and name of the group; each session adds its number. Two installations on one broker need different ones. Default: `redis.keyPrefix` and the source id.',
      { expects: '1 to 100 letters, digits, `-` or `_`', fits: /^[A-Za-z0-9_-]{1,100}$/, example: 'sm-sensors' },
    ).optional(),
    keepaliveSeconds: wholeNumber('Time after which a silent connection is asked whether it lives.', {
      min: 5,
      max: 3_600,
      unit: 'seconds',
    }).default(60),
    sessionExpiryHours: anyNumber(
      'Time for which the broker keeps a session that nobody is connected to (MQTT 5; with 3.1.1 the broker decides).',
      { min: 0.01, max: 8_784, unit: 'hours' },
    ).default(72),
    receiveMaximum: wholeNumber(
      'Messages that each session may have unacknowledged (MQTT 5; with 3.1.1 the broker decides).',
      { min: 10, max: 20_000, unit: 'messages' },
    ).default(1_000),
    maxMessageBytes: wholeNumber('A larger message becomes a dead letter unread.', {
      min: 1_024,
      max: 67_108_864,
      unit: 'bytes',
    }).default(1_048_576),
    ...mappingKeys,
  })
  .superRefine((params, context) => {
    checkMapping(params, context);
    if (params.protocolVersion === 4 && (params.sessions ?? 1) > 1)
      context.addIssue({
        code: 'custom',
        path: ['sessions'],
        message: 'must be 1 with protocolVersion 4: MQTT 3.1.1 has no shared subscriptions',
        params: { involves: ['protocolVersion'] },
      });
  })
  .describe(
    'Readings that devices publish to an MQTT broker. The usual shapes are read without a mapping; with `fields` the mapping decides.',
  );
