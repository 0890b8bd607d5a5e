// The config as a whole: every section with its defaults, and what holds between sections. Used when a config is loaded,
// and to generate docs/configuration.md and config/stream.schema.json; never while records flow.
import { z } from 'zod';
import { crossFaults } from './cross-checks.ts';
import { fieldFacts } from './fields.ts';
import { deliverySchema } from './sections/delivery.ts';
import { kafkaSchema } from './sections/kafka.ts';
import { pollingSchema } from './sections/polling.ts';
import { queueSchema } from './sections/queue.ts';
import { redisSchema } from './sections/redis.ts';
import { routingSchema } from './sections/routing.ts';
import { shutdownSchema } from './sections/shutdown.ts';
import { throttlingSchema } from './sections/throttling.ts';
import { topicsSchema } from './sections/topics.ts';
import { airNowParams, purpleAirParams } from './source-params/air-sensors.ts';
import { customParams } from './source-params/custom.ts';
import { httpParams } from './source-params/http.ts';
import { mqttParams } from './source-params/mqtt.ts';
import { firmsParams } from './source-params/nasa-firms.ts';
import { metarParams, noaaAlertsParams, noaaForecastsParams, noaaStationsParams } from './source-params/noaa.ts';
import { pushParams } from './source-params/push.ts';
import { noPublicAddress, ownAddress, publicAddress, sourceEntry, type TypeDefaults } from './source-schema.ts';

const usual: TypeDefaults = { mode: 'real-time', priority: 'normal', corrections: 'publish' };
const urgent: TypeDefaults = { ...usual, priority: 'high' };
/** What has new values once an hour. */
const hourly: TypeDefaults = { ...usual, mode: 'batch' };
const pushed: TypeDefaults = { ...usual, mode: 'continuous' };
const weatherService = 'https://api.weather.gov';

/** One source, by its `type`. */
export const sourceSchema = z.discriminatedUnion('type', [
  sourceEntry('nasa-firms', urgent, publicAddress('https://firms.modaps.eosdis.nasa.gov'), firmsParams),
  sourceEntry('noaa-stations', usual, publicAddress(weatherService), noaaStationsParams),
  sourceEntry('noaa-alerts', urgent, publicAddress(weatherService), noaaAlertsParams),
  sourceEntry('noaa-forecasts', hourly, publicAddress(weatherService), noaaForecastsParams),
  sourceEntry(
    'purpleair',
    { ...usual, corrections: 'ignore' },
    publicAddress('https://api.purpleair.com'),
    purpleAirParams,
  ),
  sourceEntry('airnow', hourly, publicAddress('https://www.airnowapi.org'), airNowParams),
  sourceEntry('metar', usual, publicAddress('https://aviationweather.gov'), metarParams),
  sourceEntry('mqtt', pushed, noPublicAddress(), mqttParams),
  sourceEntry('http', usual, ownAddress(), httpParams),
  sourceEntry('push', pushed, noPublicAddress(), pushParams),
  sourceEntry('custom', usual, noPublicAddress(), customParams),
]);

/** What a source may be called. `poll` is the name of the queue that all sources share. */
export const sourceIdPattern = /^(?![Pp][Oo][Ll][Ll]$)[A-Za-z][A-Za-z0-9_-]{0,62}$/;

const sourceId = z.string().regex(sourceIdPattern).register(fieldFacts, {
  expects: 'a source id: a letter, then up to 62 letters, digits, underscores or hyphens, and not "poll"',
});

/** The config file, without what holds between sections. */
export const configObject = z.strictObject({
  redis: redisSchema,
  kafka: kafkaSchema,
  polling: pollingSchema,
  throttling: throttlingSchema,
  queue: queueSchema,
  delivery: deliverySchema,
  topics: topicsSchema,
  routing: routingSchema,
  shutdown: shutdownSchema,
  sources: z
    .record(sourceId, sourceSchema)
    .describe('What is polled, and where its records go. The key of an entry is the source id.')
    .register(fieldFacts, { expects: 'a map of source ids' })
    .default({}),
});

/** The config file as zod sees it. The output has every default, is in camelCase, and is read-only by convention. */
export const configSchema = configObject.superRefine((config, context) => {
  for (const fault of crossFaults(config))
    context.addIssue({
      code: 'custom',
      path: [...fault.path],
      message: fault.message,
      params: { involvesPaths: fault.involves },
    });
});

/** The whole config with every default filled in. Never changed after it was loaded. */
export type Config = z.output<typeof configObject>;

/** One entry of `sources`, with the defaults of its type; `resolveSource` adds what comes from other sections. */
export type SourceConfig = z.output<typeof sourceSchema>;
