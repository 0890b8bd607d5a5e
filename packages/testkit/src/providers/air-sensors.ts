// The PurpleAir sensors of the simulated world and what they read, held in the units of the contract.
// Reading number k of a sensor is a pure function of (seed, startAt, sensor, k); an answer shows the newest one only.
import { airKey } from '../accounting/natural-key.ts';
import { randomOf, type Seed, seedOf } from './random.ts';

export interface AirSensorOptions {
  /** How many sensors there are. Default 50. */
  readonly count?: number;
  /** Whole seconds between two readings of a sensor. Default 10 (the real ones: about 120). */
  readonly intervalSeconds?: number;
  /** How often a measured value is null (0–1). Default 0.03. */
  readonly nullShare?: number;
}

export interface AirSensor {
  readonly sensorIndex: number;
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeM: number;
  /** True for a sensor inside a building (`location_type` 1). */
  readonly isIndoors: boolean;
}

/** One reading: the truth that the row of the answer and the expected record are both made of. */
export interface AirReading {
  readonly naturalKey: string;
  readonly sensor: AirSensor;
  readonly lastSeenMs: number;
  readonly pm1UgM3: number | null;
  readonly pm25UgM3: number | null;
  readonly pm10UgM3: number | null;
  readonly temperatureC: number | null;
  readonly relativeHumidityPercent: number | null;
  readonly pressurePa: number | null;
  readonly rssiDbm: number | null;
  readonly confidencePercent: number | null;
  /** Minutes since the sensor started; not part of the contract. */
  readonly uptime: number;
}

/** A reading as it was asked for: only the fields of the request are in the answer. */
export interface ServedAirReading {
  readonly kind: 'purpleair';
  readonly naturalKey: string;
  readonly reading: AirReading;
  readonly fields: ReadonlySet<string>;
}

export interface AirSensors {
  readonly all: readonly AirSensor[];
  /** The newest reading of every sensor at this time. */
  latest(atMs: number): readonly AirReading[];
}

const makeSensors = (seed: Seed, count: number): readonly AirSensor[] => {
  const taken = new Set<number>();
  return Array.from({ length: count }, (_, at) => {
    const random = randomOf(seed, at);
    let sensorIndex = random.int(1000, 2_000_000_000);
    while (taken.has(sensorIndex)) sensorIndex += 1;
    taken.add(sensorIndex);
    return {
      sensorIndex,
      name: `${random.pick(['Oak', 'Ridge', 'Canyon', 'Mesa', 'Creek'])} ${random.pick(['St', 'Rd', 'School', 'Station'])} ${at + 1}`,
      latitude: random.int(3_260_000, 4_190_000) / 100_000,
      longitude: -random.int(11_430_000, 12_430_000) / 100_000,
      // Whole feet, as the API has it; the contract has metres.
      altitudeM: random.int(0, 8000) * 0.3048,
      isIndoors: random.chance(0.2),
    };
  });
};

/** The sensors of one world; the first reading of each is at the start, the others follow, each at its own second. */
export const createAirSensors = (seed: number, startAt: number, options: AirSensorOptions = {}): AirSensors => {
  const { count = 50, intervalSeconds = 10, nullShare = 0.03 } = options;
  const all = makeSensors(seedOf('air-sensors', seed, startAt), count);
  const baseMs = Math.floor(startAt / 1000) * 1000;

  const read = (sensor: AirSensor, atMs: number): AirReading => {
    const sensorSeed = seedOf('air-readings', seed, startAt, sensor.sensorIndex);
    const phaseSeconds = randomOf(sensorSeed).int(1, intervalSeconds);
    const sinceFirst = Math.floor((atMs - baseMs) / 1000) - phaseSeconds;
    const k = sinceFirst < 0 ? 0 : 1 + Math.floor(sinceFirst / intervalSeconds);
    const lastSeenMs = k === 0 ? baseMs : baseMs + (phaseSeconds + (k - 1) * intervalSeconds) * 1000;
    const random = randomOf(sensorSeed, k + 1);
    const maybe = (value: number): number | null => (random.chance(nullShare) ? null : value);
    const pm25 = random.int(0, 3500) / 10;
    return {
      naturalKey: airKey(sensor.sensorIndex, lastSeenMs),
      sensor,
      lastSeenMs,
      pm1UgM3: maybe(Math.round(pm25 * 6) / 10),
      pm25UgM3: maybe(pm25),
      pm10UgM3: maybe(Math.round(pm25 * 12) / 10),
      // Whole degrees Fahrenheit, as the API has it; the contract has Celsius.
      temperatureC: maybe(((random.int(14, 122) - 32) * 5) / 9),
      relativeHumidityPercent: maybe(random.int(3, 95)),
      // Hundredths of a hectopascal are whole pascals.
      pressurePa: maybe(random.int(84_000, 103_500)),
      rssiDbm: maybe(-random.int(40, 90)),
      confidencePercent: maybe(random.int(60, 100)),
      uptime: 100 + Math.floor((lastSeenMs - baseMs) / 60_000),
    };
  };

  return { all, latest: (atMs) => all.map((sensor) => read(sensor, atMs)) };
};
