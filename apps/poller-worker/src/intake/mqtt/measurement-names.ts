// What a device calls its measurements, and what they are: the alias table of the original system, with the unit that a
// name may end in (`wind_speed_mph`, `temperatureF`). A name that is in no table is kept in camelCase, as it is.
import { type Quantity, type QuantityName, quantityOf, unitOf } from './measurement-units.ts';

/** A measurement by its name. */
export interface NamedMeasurement {
  readonly field: string;
  /** Null: the name is in no table, and a value stays what it is. */
  readonly quantity: Quantity | null;
  /** The unit that the name states; null: none. */
  readonly unit: string | null;
}

const aliases: Readonly<Record<QuantityName, readonly string[]>> = {
  temperature: ['temp', 'temperature', 'air_temperature', 'air_temp'],
  dewpoint: ['dewpoint', 'dew_point'],
  humidity: ['humidity', 'relative_humidity', 'rh', 'hum'],
  pressure: ['pressure', 'barometric_pressure', 'atm_pressure', 'air_pressure', 'baro'],
  windSpeed: ['wind_speed', 'windspeed'],
  windGust: ['wind_gust', 'windgust', 'gust', 'wind_gust_speed'],
  windDirection: ['wind_direction', 'wind_dir', 'winddirection', 'winddir'],
  rainfall: ['rainfall', 'precipitation', 'rain', 'precip'],
  illuminance: ['light', 'light_intensity', 'lux', 'illuminance'],
  solarRadiation: ['solar_radiation', 'solar'],
  uvIndex: ['uv', 'uv_index', 'ultraviolet'],
  pm1: ['pm1', 'pm_1', 'pm1_0', 'pm_1_0', 'particulate_1'],
  pm25: ['pm25', 'pm2_5', 'pm_2_5', 'particulate_25'],
  pm10: ['pm10', 'pm_10', 'pm10_0', 'particulate_10'],
  ozone: ['ozone', 'o3'],
  carbonMonoxide: ['co', 'carbon_monoxide'],
  nitrogenDioxide: ['no2', 'nitrogen_dioxide'],
  sulfurDioxide: ['so2', 'sulfur_dioxide'],
  carbonDioxide: ['co2', 'carbon_dioxide'],
  airQualityIndex: ['aqi', 'air_quality_index'],
  soilMoisture: ['soil_moisture', 'moisture', 'soil_humidity'],
  soilTemperature: ['soil_temp', 'soil_temperature', 'ground_temp', 'ground_temperature'],
  battery: ['battery', 'battery_level', 'battery_percent'],
  batteryVoltage: ['battery_voltage', 'battery_v', 'vbat'],
  signal: ['rssi', 'rssi_dbm'],
};

const quantityByAlias: ReadonlyMap<string, QuantityName> = new Map(
  Object.entries(aliases).flatMap(([name, list]) =>
    // The keys of a Record of QuantityName are such names.
    list.map((alias): [string, QuantityName] => [alias, name as QuantityName]),
  ),
);

/** What `aliases` has, for the table of the docs. */
export const aliasesOf = (name: string): readonly string[] =>
  // Any text may be asked for.
  Object.hasOwn(aliases, name) ? (aliases[name as QuantityName] ?? []) : [];

/** What stands in the data of a sensor reading beside its measurements. */
const takenNames: ReadonlySet<string> = new Set(['deviceId', 'sensorType', 'topic']);

/** `windSpeedMph`, `Wind Speed (mph)`, `wind-speed.mph` → `wind_speed_mph`. Pure. */
const snakeOf = (name: string): string =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9²³µμ°%]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');

const camelOf = (snake: string): string =>
  snake.replaceAll(/_+([^_])/g, (_match, letter: string) => letter.toUpperCase());

/** Names of one run never end: what was looked up last is kept, up to this many. */
const maxRemembered = 2_000;

/** Creates the look-up; it remembers what it has seen, as devices send the same names for ever. */
export const createNaming = (): ((name: string) => NamedMeasurement) => {
  const known = new Map<string, NamedMeasurement>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= maxRemembered) known.clear();
    const named = nameMeasurement(name);
    known.set(name, named);
    return named;
  };
};

/** What a name says. Pure. */
export const nameMeasurement = (name: string): NamedMeasurement => {
  const snake = snakeOf(name);
  const whole = quantityByAlias.get(snake);
  if (whole !== undefined) return { field: quantityOf(whole).field, quantity: quantityOf(whole), unit: null };
  const parts = snake.split('_');
  // From the longest stem on: `pm_2_5_ug_m3` is `pm_2_5` in `ug_m3`.
  for (let length = parts.length - 1; length > 0; length -= 1) {
    const stem = quantityByAlias.get(parts.slice(0, length).join('_'));
    if (stem === undefined) continue;
    const quantity = quantityOf(stem);
    const unit = unitOf(parts.slice(length).join(''));
    if (Object.hasOwn(quantity.units, unit)) return { field: quantity.field, quantity, unit };
  }
  const plain = camelOf(snake);
  const isUsable = plain !== '' && !takenNames.has(plain);
  return { field: isUsable ? plain : `${plain}Measured`, quantity: null, unit: null };
};
