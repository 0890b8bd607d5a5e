// What must be written of each source type, as an example that loads.
import type { SourceType } from '../source-types.ts';

/** The written part of a starter. */
export interface StarterParams {
  /** One line for the top of the file. */
  readonly note: string;
  /** Keys of the source beside `params`, as YAML. */
  readonly top: string;
  /** Keys of `params`, as YAML. */
  readonly params: string;
}

const california = 'bbox: [-124.48, 32.53, -114.13, 42.01] # west, south, east, north';
const contact = `headers:
  User-Agent: my-application (me@example.org) # NWS wants a contact`;

/** By type. */
export const starterParams = {
  'nasa-firms': {
    note: 'Fire detections by satellite (NASA FIRMS). A MAP_KEY is free: https://firms.modaps.eosdis.nasa.gov/api/map_key/',
    top: 'topic: wildfire-nasa-firms\nmode: batch\nevery: 15m',
    params: `mapKey: \${FIRMS_MAP_KEY}\n${california}`,
  },
  'noaa-stations': {
    note: 'Latest observations of weather stations (NOAA/NWS).',
    top: `topic: wildfire-weather-data\n${contact}`,
    params: 'stations: [KSFO, KLAX] # or all of a state: `state: CA`',
  },
  'noaa-alerts': {
    note: 'Weather alerts in force (NOAA/NWS).',
    top: `topic: wildfire-weather-alerts\n${contact}`,
    params: 'area: CA',
  },
  'noaa-forecasts': {
    note: 'Forecasts of grid points (NOAA/NWS); https://api.weather.gov/points/LAT,LON tells the grid point of a place.',
    top: `topic: wildfire-weather-data\n${contact}`,
    params: 'gridpoints: ["LOX/154,45"]',
  },
  purpleair: {
    note: 'Readings of outdoor air sensors (PurpleAir). A read key costs points: https://develop.purpleair.com/',
    top: 'topic: wildfire-iot-sensors\nevery: 2m',
    params: `apiKey: \${PURPLEAIR_API_KEY}\n${california}`,
  },
  airnow: {
    note: 'Current air quality by ZIP code (AirNow). A key is free: https://docs.airnowapi.org/',
    top: 'topic: wildfire-iot-sensors\nevery: 30m',
    params: 'apiKey: ${AIRNOW_API_KEY}\nzipCodes: ["90012"]',
  },
  metar: {
    note: 'Weather reports of airports (METAR).',
    top: 'topic: wildfire-weather-data\nevery: 10m',
    params: 'stations: [KLAX, KSFO]',
  },
  mqtt: {
    note: 'Readings that devices publish to an MQTT broker. docs/mqtt.md',
    top: 'topic: wildfire-iot-sensors',
    params:
      "url: mqtts://broker.example.org:8883\ntopics: ['sensors/+/temperature']\nusername: my-user\npassword: ${MQTT_PASSWORD}",
  },
  http: {
    note: 'Any JSON, NDJSON, CSV or GeoJSON API; here the earthquakes of the last hour (USGS). docs/http-source.md',
    top: 'topic: my-records\nbaseUrl: https://earthquake.usgs.gov\nevery: 1m',
    params:
      'request: { path: /earthquakes/feed/v1.0/summary/all_hour.geojson }\nformat: geojson\nid: id # a list, such as [station, time], where one field does not tell a reading apart\ntime: properties.time\ntimeFormat: unix_ms',
  },
  push: {
    note: 'Records that others send: POST /ingest/<source id> of a poller-worker. docs/push.md',
    top: 'topic: my-records',
    params: 'token: ${PUSH_TOKEN} # 16 characters or more',
  },
  custom: {
    note: 'A source of your own, in one file beside this one: docs/adding-a-source.md',
    top: 'topic: my-records',
    params: 'module: ./my-source.ts',
  },
} as const satisfies Record<SourceType, StarterParams>;
