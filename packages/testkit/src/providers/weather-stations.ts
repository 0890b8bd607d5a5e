// The weather stations of the simulated world and what they observe, held in the units of the contract.
// Observation number k of a station is a pure function of (seed, startAt, station, k); an answer shows the newest one
// only, so what no poll asked for in time is never served.
import { stationKey } from '../accounting/natural-key.ts';
import { type Random, randomOf, type Seed, seedOf } from './random.ts';

/** What a station measures, in the names of the contract. */
export const measurements = [
  'temperatureC',
  'dewpointC',
  'relativeHumidityPercent',
  'windDirectionDeg',
  'windSpeedMps',
  'windGustMps',
  'pressurePa',
  'seaLevelPressurePa',
  'visibilityM',
  'precipitationLastHourMm',
  'heatIndexC',
  'windChillC',
] as const;

export type Measurement = (typeof measurements)[number];

export interface StationOptions {
  /** How many stations there are. Default 20. */
  readonly count?: number;
  /**
   * Ids of the stations instead of made-up ones. With these, two worlds of the same start may observe at the same
   * station in the same second: their natural keys are no longer apart.
   */
  readonly ids?: readonly string[];
  /** Whole seconds between two observations of a station. Default 10 (the real ones: minutes to an hour). */
  readonly intervalSeconds?: number;
  /** How often a measurement is null (0–1). Default 0.15. */
  readonly nullShare?: number;
  /** Whether observations carry `stationName`, as the real ones have since 2024. Default true. */
  readonly names?: boolean;
  /** How quality codes are written: `V` (default, today's API) or `qc:V` (as it was). The contract has the bare code. */
  readonly qualityForm?: 'plain' | 'qc';
}

export interface WeatherStation {
  readonly id: string;
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly elevationM: number;
}

export interface CloudLayer {
  readonly amount: 'SKC' | 'CLR' | 'FEW' | 'SCT' | 'BKN' | 'OVC';
  readonly baseM: number | null;
}

/** One observation: the truth that the GeoJSON answer and the expected record are both made of. */
export interface StationObservation {
  readonly kind: 'station';
  readonly naturalKey: string;
  readonly station: WeatherStation;
  /** Whether the answer names the station. */
  readonly named: boolean;
  readonly observedAtMs: number;
  readonly measured: Readonly<Record<Measurement, number | null>>;
  readonly quality: Readonly<Partial<Record<Measurement, string>>>;
  readonly cloudLayers: readonly CloudLayer[];
  readonly cloudCoverPercent: number | null;
  readonly description: string;
  /** Null where the answer has an empty `rawMessage`, as stations without METAR have. */
  readonly rawMetar: string | null;
}

export interface WeatherStations {
  readonly all: readonly WeatherStation[];
  /** The newest observation of a station at this time, or null for an unknown station. */
  latest(stationId: string, atMs: number): StationObservation | null;
}

const cloudCover = { SKC: 0, CLR: 0, FEW: 25, SCT: 50, BKN: 75, OVC: 100 } as const;
const descriptions = ['Clear', 'Mostly Clear', 'Partly Cloudy', 'Mostly Cloudy', 'Overcast', 'Haze', 'Smoke'] as const;
const places = [
  'Lone Pine',
  'Ojai',
  'Paradise',
  'Julian',
  'Truckee',
  'Weed',
  'Bishop',
  'Hollister',
  'Ukiah',
  'Tehachapi',
];
const codes = ['V', 'V', 'V', 'C', 'S', 'Z'] as const;

const makeStations = (seed: Seed, count: number, ids?: readonly string[]): readonly WeatherStation[] => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  const taken = new Set<string>();
  return Array.from({ length: ids?.length ?? count }, (_, at) => {
    const random = randomOf(seed, at);
    const draw = (): string => {
      let id = '';
      for (let digit = 0; digit < 6; digit += 1) id += letters[random.int(0, digit === 0 ? 25 : 35)];
      return id;
    };
    let id = ids?.[at] ?? draw();
    while (taken.has(id)) id = draw();
    taken.add(id);
    return {
      id,
      name: `${random.pick(places)}, CA (${at + 1})`,
      latitude: random.int(32_600, 41_900) / 1000,
      longitude: -random.int(114_300, 124_300) / 1000,
      elevationM: random.int(0, 30_000) / 10,
    };
  });
};

const measure = (random: Random, nullShare: number): Record<Measurement, number | null> => {
  const maybe = (value: number, share = nullShare): number | null => (random.chance(share) ? null : value);
  // km/h with three decimals is what the API gives (knots × 1.852); the contract has m/s.
  const knots = random.int(0, 45);
  const windSpeedKmh = Number((knots * 1.852).toFixed(3));
  const gustKmh = Number(((knots + random.int(3, 25)) * 1.852).toFixed(3));
  const pressurePa = random.int(9_800, 10_350) * 10;
  return {
    temperatureC: maybe(random.int(-120, 460) / 10),
    dewpointC: maybe(random.int(-250, 220) / 10),
    relativeHumidityPercent: maybe(random.int(20_000_000, 999_999_999) / 10_000_000),
    windDirectionDeg: maybe(random.int(0, 36) * 10),
    windSpeedMps: maybe(windSpeedKmh / 3.6),
    windGustMps: maybe(gustKmh / 3.6, 0.6),
    pressurePa: maybe(pressurePa),
    seaLevelPressurePa: maybe(pressurePa + random.int(-30, 30) * 10),
    visibilityM: maybe(random.pick([402, 1207, 4828, 8047, 16093])),
    precipitationLastHourMm: maybe(random.chance(0.8) ? 0 : random.int(1, 250) / 10, Math.max(nullShare, 0.3)),
    heatIndexC: maybe(random.int(270, 520) / 10, 0.7),
    windChillC: maybe(random.int(-250, 90) / 10, 0.7),
  };
};

const cloudsOf = (random: Random): readonly CloudLayer[] =>
  Array.from({ length: random.int(0, 3) }, () => {
    const amount = random.pick(['SKC', 'CLR', 'FEW', 'SCT', 'BKN', 'OVC'] as const);
    return { amount, baseM: amount === 'SKC' || amount === 'CLR' ? null : random.int(10, 800) * 10 };
  });

const metarOf = (random: Random, station: WeatherStation, observedAtMs: number): string => {
  const iso = new Date(observedAtMs).toISOString();
  const two = (value: number): string => String(value).padStart(2, '0');
  const stamp = `${iso.slice(8, 10)}${iso.slice(11, 13)}${iso.slice(14, 16)}Z`;
  return `${station.id} ${stamp} ${two(random.int(0, 36))}0${two(random.int(0, 45))}KT 10SM CLR ${two(random.int(1, 40))}/02 A2992 RMK AO2`;
};

/** The stations of one world; the first observation of each is at the start, the others follow, each at its own second. */
export const createWeatherStations = (seed: number, startAt: number, options: StationOptions = {}): WeatherStations => {
  const { count = 20, intervalSeconds = 10, nullShare = 0.15, names = true, ids } = options;
  const all = makeStations(seedOf('stations', seed, startAt), count, ids);
  const byId = new Map(all.map((station) => [station.id, station]));
  const baseMs = Math.floor(startAt / 1000) * 1000;

  const observe = (station: WeatherStation, stationSeed: Seed, k: number, observedAtMs: number): StationObservation => {
    const random = randomOf(stationSeed, k + 1);
    const measured = measure(random, nullShare);
    const quality: Partial<Record<Measurement, string>> = {};
    for (const name of measurements) {
      // The real API leaves the code out for some; a null value has one all the same (Z: not checked).
      if (name === 'precipitationLastHourMm' && random.chance(0.5)) continue;
      quality[name] = measured[name] === null ? 'Z' : random.pick(codes);
    }
    const cloudLayers = cloudsOf(random);
    return {
      kind: 'station',
      naturalKey: stationKey(station.id, observedAtMs),
      station,
      named: names,
      observedAtMs,
      measured,
      quality,
      cloudLayers,
      cloudCoverPercent:
        cloudLayers.length === 0 ? null : Math.max(...cloudLayers.map((layer) => cloudCover[layer.amount])),
      description: random.pick(descriptions),
      rawMetar: random.chance(0.2) ? null : metarOf(random, station, observedAtMs),
    };
  };

  return {
    all,
    latest: (stationId, atMs) => {
      const station = byId.get(stationId);
      if (!station) return null;
      const stationSeed = seedOf('observations', seed, startAt, station.id);
      const phaseSeconds = randomOf(stationSeed).int(1, intervalSeconds);
      const sinceFirst = Math.floor((atMs - baseMs) / 1000) - phaseSeconds;
      const k = sinceFirst < 0 ? 0 : 1 + Math.floor(sinceFirst / intervalSeconds);
      const observedAtMs = k === 0 ? baseMs : baseMs + (phaseSeconds + (k - 1) * intervalSeconds) * 1000;
      return observe(station, stationSeed, k, observedAtMs);
    },
  };
};
