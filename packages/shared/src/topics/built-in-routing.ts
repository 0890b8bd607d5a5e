// The rules and patterns that stand behind the config's own: those of the system that this one replaces
// (src/streaming/topic_resolver.py there), in its order.
import { fieldReader, type RecordData } from './match-rule.ts';

/** A built-in content rule; `types` are the source types whose records can meet it, null = any whose fields are not known. */
export interface BuiltInRule {
  readonly topic: string;
  readonly types: readonly string[];
  readonly test: (data: RecordData) => boolean;
}

/** Source types whose `data` is whatever the provider or the mapping gives; the others have the fields of the contract. */
export const openTypes: readonly string[] = ['http', 'push', 'mqtt', 'custom'];

const dataType = fieldReader('data_type');
const event = fieldReader('event');
const alertId = fieldReader('alert_id');

const isFireWeather = (value: unknown): boolean => typeof value === 'string' && /red flag|fire weather/i.test(value);

/** Content rules, in order. */
export const builtInRules: readonly BuiltInRule[] = [
  { topic: 'wildfire-satellite-imagery', types: openTypes, test: (data) => dataType(data) === 'satellite_image' },
  {
    topic: 'wildfire-weather-alerts',
    types: [...openTypes, 'noaa-alerts'],
    test: (data) => isFireWeather(event(data)),
  },
  // Present and neither empty nor 0, as the original asks.
  { topic: 'wildfire-alerts-generated', types: [...openTypes, 'noaa-alerts'], test: (data) => Boolean(alertId(data)) },
];

/** Patterns on the source id, in order. The last two match ids that begin so (the original anchors every pattern). */
export const builtInPatterns: readonly { readonly match: string; readonly topic: string }[] = [
  { match: '^firms_', topic: 'wildfire-nasa-firms' },
  { match: '^landsat_nrt', topic: 'wildfire-nasa-firms' },
  { match: '^noaa_stations', topic: 'wildfire-weather-stations' },
  { match: '^noaa_alerts', topic: 'wildfire-weather-alerts' },
  { match: '^noaa_', topic: 'wildfire-weather-data' },
  { match: '^wx_', topic: 'wildfire-weather-data' },
  { match: '^weather_', topic: 'wildfire-weather-data' },
  { match: '^iot_', topic: 'wildfire-iot-sensors' },
  { match: '^sensor_', topic: 'wildfire-iot-sensors' },
  { match: '^sat_', topic: 'wildfire-satellite-data' },
  { match: '^satellite_', topic: 'wildfire-satellite-data' },
  { match: '_alert', topic: 'wildfire-alerts-generated' },
  { match: '_warning', topic: 'wildfire-alerts-generated' },
];
