// The simulated providers as a program: `node packages/testkit/src/providers/main.ts --port 8900 --seed 7`.
// Prints where it listens and an example of every route; ends with SIGINT or SIGTERM.
import { parseArgs } from 'node:util';
import { startProviders } from './server.ts';

const usage = `Simulated FIRMS, NWS, PurpleAir, AirNow, Aviation Weather Center, USGS, NDBC and an API that nobody knows, on one local port.

  --port N               port on 127.0.0.1 (default: a free one)
  --seed N               what decides the data, together with the start (default 1)
  --start-at TIME        ISO 8601 time at which the world begins (default: now)
  --static               every answer has the same rows
  --backlog N            FIRMS rows per dataset from the start (default 200)
  --fires-per-minute N   FIRMS rows per dataset and minute (default 60)
  --bulk-rows N          FIRMS answers of exactly N rows instead
  --bulk-every SECONDS   … all new each period
  --stations N           weather stations (default 20)
  --alerts-per-minute N  new chains of alerts (default 6)
  --sensors N            PurpleAir sensors (default 50)
  --no-ledger            keep no account of what was served
`;

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    seed: { type: 'string' },
    'start-at': { type: 'string' },
    static: { type: 'boolean' },
    backlog: { type: 'string' },
    'fires-per-minute': { type: 'string' },
    'bulk-rows': { type: 'string' },
    'bulk-every': { type: 'string' },
    stations: { type: 'string' },
    'alerts-per-minute': { type: 'string' },
    sensors: { type: 'string' },
    'no-ledger': { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

/** `{ [name]: number }` when the option was given, else nothing; exit code 2 for what is no number. */
const number = <N extends string>(name: N, text: string | undefined): { readonly [key in N]?: number } => {
  if (text === undefined) return {};
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    process.stderr.write(`${name} must be a number of 0 or more, not "${text}"\n\n${usage}`);
    process.exit(2);
  }
  // An object literal with a computed key loses the key's name.
  return { [name]: value } as { readonly [key in N]?: number };
};

const { rows } = number('rows', values['bulk-rows']);
const providers = await startProviders({
  ...number('port', values.port),
  ...number('seed', values.seed),
  ...number('startAt', values['start-at'] === undefined ? undefined : String(Date.parse(values['start-at']))),
  static: values.static ?? false,
  firms: {
    ...number('backlog', values.backlog),
    ...number('perMinute', values['fires-per-minute']),
    ...(rows === undefined ? {} : { bulk: { rows, ...number('everySeconds', values['bulk-every']) } }),
  },
  stations: number('count', values.stations),
  alerts: number('perMinute', values['alerts-per-minute']),
  purpleair: number('count', values.sensors),
  ledger: values['no-ledger'] ? 'off' : 'on',
});

const { url, mapKey, apiKey, airNowKey, world } = providers;
const box = 'nwlng=-124.48&nwlat=42.01&selng=-114.13&selat=32.53';
process.stdout.write(
  `${[
    `simulated providers: ${url}  (seed ${world.seed}, world begins ${new Date(world.startAt).toISOString()})`,
    `  FIRMS         curl '${url}/api/area/csv/${mapKey}/VIIRS_SNPP_NRT/-124.48,32.53,-114.13,42.01/1'`,
    `  availability  curl '${url}/api/data_availability/csv/${mapKey}/ALL'`,
    `  stations      curl '${url}/stations?state=CA&limit=500'`,
    `  observation   curl '${url}/stations/${world.stations.all[0]?.id}/observations/latest'`,
    `  alerts        curl '${url}/alerts/active?area=CA'`,
    `  PurpleAir     curl -H 'X-API-Key: ${apiKey}' '${url}/v1/sensors?fields=name,last_seen,latitude,longitude,pm2.5&${box}'`,
    `  key           curl -H 'X-API-Key: ${apiKey}' '${url}/v1/keys'`,
    `  forecast      curl '${url}/gridpoints/${world.forecasts.all[0]?.id}/forecast'`,
    `  AirNow        curl '${url}/aq/observation/zipCode/current/?format=application/json&zipCode=${world.airAreas.all[0]?.zipCodes[0]}&API_KEY=${airNowKey}'`,
    `  METAR         curl '${url}/api/data/metar?format=json&ids=${world.airports.all.map(({ id }) => id).join(',')}'`,
    `  earthquakes   curl '${url}/earthquakes/feed/v1.0/summary/all_hour.geojson'`,
    `  readings      curl '${url}/readings/json/page?size=25'`,
    `  buoy          curl '${url}/data/realtime2/${world.buoys.all[0]}.txt'`,
    `  ledger        curl '${url}/_ledger?counts'`,
    `  faults        curl -d '{"firms":{"next":["500","429"]}}' ${url}/_faults`,
  ].join('\n')}\n`,
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void providers.stop());
