// Quantities that devices measure, the field each becomes, and the units it may come in. A unit that is written and not in
// this table is a fault of the message: it is never guessed. The table of docs/mqtt.md shows the same.
import { celsiusOfFahrenheit, pascalsOfHectopascals } from '../../sources/units.ts';

/** How a quantity is published: its field, and the units it is read from with the way into the field's own. */
export interface Quantity {
  readonly field: string;
  /** By unit as `unitOf` writes it. */
  readonly units: Readonly<Record<string, (value: number) => number>>;
  /** Reads a value whose unit nobody states; absent: it is in the field's own. */
  readonly withoutUnit?: (value: number) => number;
  /** The field of a value whose unit nobody states, where devices do not agree on one: the name then claims none. */
  readonly bareField?: string;
}

const same = (value: number): number => value;
const times =
  (factor: number) =>
  (value: number): number =>
    value * factor;

/** Decimals that arithmetic in binary leaves behind are cut: 10 mph are 4.4704 m/s. Pure. */
export const roundMeasured = (value: number): number => {
  const rounded = Math.round(value * 1e6) / 1e6;
  return Number.isFinite(rounded) ? rounded : value;
};

const celsius = { c: same, f: celsiusOfFahrenheit, k: (kelvin: number) => kelvin - 273.15 };
const percent = { percent: same };
const metresPerSecond = { mps: same, mph: times(0.44704), kmh: times(1 / 3.6), kt: times(1.852 / 3.6) };
const pascals = {
  pa: same,
  hpa: pascalsOfHectopascals,
  kpa: times(1_000),
  inhg: times(3_386.39),
};
const microgrammes = { ugm3: same, mgm3: times(1_000) };
const partsPerBillion = { ppb: same, ppm: times(1_000) };
const partsPerMillion = { ppm: same, ppb: times(0.001) };
const millimetres = { mm: same, cm: times(10), in: times(25.4) };

/**
 * Air has between 300 and 1,100 hPa, so a pressure without a unit tells by its size what it is in: nowhere on earth are
 * there 1,013 Pa.
 */
const lowestHectopascals = 300;
const highestHectopascals = 1_200;
const pressureWithoutUnit = (value: number): number =>
  value >= lowestHectopascals && value <= highestHectopascals ? pascalsOfHectopascals(value) : value;

const quantities = {
  temperature: { field: 'temperatureC', units: celsius },
  dewpoint: { field: 'dewpointC', units: celsius },
  humidity: { field: 'relativeHumidityPercent', units: percent },
  pressure: { field: 'pressurePa', units: pascals, withoutUnit: pressureWithoutUnit },
  windSpeed: { field: 'windSpeedMps', units: metresPerSecond },
  windGust: { field: 'windGustMps', units: metresPerSecond },
  windDirection: { field: 'windDirectionDeg', units: { deg: same } },
  rainfall: { field: 'rainfallMm', units: millimetres },
  illuminance: { field: 'illuminanceLux', units: { lux: same } },
  solarRadiation: { field: 'solarRadiationWm2', units: { wm2: same } },
  uvIndex: { field: 'uvIndex', units: { index: same } },
  pm1: { field: 'pm1UgM3', units: microgrammes },
  pm25: { field: 'pm25UgM3', units: microgrammes },
  pm10: { field: 'pm10UgM3', units: microgrammes },
  ozone: { field: 'ozonePpb', bareField: 'ozone', units: partsPerBillion },
  carbonMonoxide: { field: 'carbonMonoxidePpm', bareField: 'carbonMonoxide', units: partsPerMillion },
  nitrogenDioxide: { field: 'nitrogenDioxidePpb', bareField: 'nitrogenDioxide', units: partsPerBillion },
  sulfurDioxide: { field: 'sulfurDioxidePpb', bareField: 'sulfurDioxide', units: partsPerBillion },
  carbonDioxide: { field: 'carbonDioxidePpm', units: partsPerMillion },
  airQualityIndex: { field: 'aqi', units: { aqi: same, index: same } },
  soilMoisture: { field: 'soilMoisturePercent', units: percent },
  soilTemperature: { field: 'soilTemperatureC', units: celsius },
  battery: { field: 'batteryPercent', units: percent },
  batteryVoltage: { field: 'batteryV', units: { v: same, mv: times(0.001) } },
  signal: { field: 'rssiDbm', units: { dbm: same } },
} satisfies Readonly<Record<string, Quantity>>;

/** Names of quantities. */
export type QuantityName = keyof typeof quantities;

/** The quantity of a name. */
export const quantityOf = (name: QuantityName): Quantity => quantities[name];

/** All of them, for the table of the docs. */
export const allQuantities: readonly (readonly [string, Quantity])[] = Object.entries(quantities);

/** Spellings of units, in lower case and without blanks, dots, carets and underscores. */
const spellings: Readonly<Record<string, string>> = {
  '°c': 'c',
  ºc: 'c',
  '℃': 'c',
  degc: 'c',
  celsius: 'c',
  degreescelsius: 'c',
  '°f': 'f',
  ºf: 'f',
  '℉': 'f',
  degf: 'f',
  fahrenheit: 'f',
  degreesfahrenheit: 'f',
  kelvin: 'k',
  '%': 'percent',
  pct: 'percent',
  '%rh': 'percent',
  rh: 'percent',
  '%vol': 'percent',
  'm/s': 'mps',
  ms: 'mps',
  'ms-1': 'mps',
  'mi/h': 'mph',
  'km/h': 'kmh',
  kph: 'kmh',
  'kmh-1': 'kmh',
  knots: 'kt',
  knot: 'kt',
  kts: 'kt',
  kn: 'kt',
  pascal: 'pa',
  mb: 'hpa',
  mbar: 'hpa',
  millibar: 'hpa',
  degrees: 'deg',
  degree: 'deg',
  '°': 'deg',
  millimeters: 'mm',
  millimetres: 'mm',
  inches: 'in',
  inch: 'in',
  lx: 'lux',
  'w/m2': 'wm2',
  'w/m²': 'wm2',
  'µg/m3': 'ugm3',
  'μg/m3': 'ugm3',
  'ug/m3': 'ugm3',
  'µg/m³': 'ugm3',
  'μg/m³': 'ugm3',
  'ug/m³': 'ugm3',
  'mg/m3': 'mgm3',
  'mg/m³': 'mgm3',
  volts: 'v',
  volt: 'v',
};

/** A unit as the table has it; text that is none stays as it is, so that no table has it. Pure. */
export const unitOf = (text: string): string => {
  const key = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s._^]/g, '');
  return (Object.hasOwn(spellings, key) ? spellings[key] : undefined) ?? key;
};
