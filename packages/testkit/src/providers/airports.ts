// The airports of the simulated world and their weather reports (METAR), held in what the API measures in where the
// contract's units would lose something. Report number k of an airport is a pure function of (seed, startAt, airport, k).
import { stationKey } from '../accounting/natural-key.ts';
import { randomOf, type Seed, seedOf } from './random.ts';

export interface AirportOptions {
  /** How many airports there are. Default 12. */
  readonly count?: number;
  /** Whole seconds between two reports of an airport. Default 600 (the real ones: an hour, and when the weather turns). */
  readonly intervalSeconds?: number;
  /** How often a measured value is null (0–1). Default 0.1. */
  readonly nullShare?: number;
}

export interface Airport {
  readonly id: string;
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly elevationM: number;
}

/** One report: the truth that the row of the answer and the expected record are both made of. */
export interface AirportReport {
  readonly kind: 'metar';
  readonly naturalKey: string;
  readonly airport: Airport;
  readonly observedAtMs: number;
  readonly temperatureC: number | null;
  readonly dewpointC: number | null;
  /** Null where temperature or dew point is. */
  readonly relativeHumidityPercent: number | null;
  /** The wind comes from everywhere (`VRB`): its direction is null. */
  readonly isVariable: boolean;
  readonly windDirectionDeg: number | null;
  readonly windKnots: number | null;
  readonly gustKnots: number | null;
  readonly pressurePa: number | null;
  readonly seaLevelPressurePa: number | null;
  /** Statute miles; 10 stands as `10+` in the answer. */
  readonly visibilityMiles: number;
  readonly rainInches: number | null;
  readonly clouds: readonly { readonly cover: string; readonly baseFeet: number | null }[];
  readonly cloudCoverPercent: number | null;
  readonly weather: string | null;
  readonly raw: string;
}

export interface Airports {
  readonly all: readonly Airport[];
  /** All reports of an airport from `sinceMs` to this time, the newest first; the newest one in any case. */
  reports(id: string, sinceMs: number, atMs: number): readonly AirportReport[];
}

const covers = { SKC: 0, CLR: 0, FEW: 25, SCT: 50, BKN: 75, OVC: 100 } as const;

/** Magnus' formula with Alduchov and Eskridge's constants. */
const humidity = (temperature: number, dewpoint: number): number => {
  const exponent = (celsius: number): number => (17.625 * celsius) / (243.04 + celsius);
  return 100 * Math.exp(exponent(dewpoint) - exponent(temperature));
};

const makeAirports = (seed: Seed, count: number): readonly Airport[] => {
  const taken = new Set<string>();
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  return Array.from({ length: count }, (_, at) => {
    const random = randomOf(seed, at);
    // Longer than the real ones' four letters, so that the airports of two worlds are different ones.
    const draw = (): string => `K${Array.from({ length: 6 }, () => letters[random.int(0, 35)]).join('')}`;
    let id = draw();
    while (taken.has(id)) id = draw();
    taken.add(id);
    return {
      id,
      name: `${random.pick(['Bishop', 'Truckee', 'Redding', 'Fresno'])} Muni ${at + 1}, CA, US`,
      latitude: random.int(32_600, 41_900) / 1000,
      longitude: -random.int(114_300, 124_300) / 1000,
      elevationM: random.int(0, 2200),
    };
  });
};

/** The airports of one world; the first report of each is at the start. */
export const createAirports = (seed: number, startAt: number, options: AirportOptions = {}): Airports => {
  const { count = 12, intervalSeconds = 600, nullShare = 0.1 } = options;
  const all = makeAirports(seedOf('airports', seed, startAt), count);
  const baseMs = Math.floor(startAt / 1000) * 1000;
  const stepMs = intervalSeconds * 1000;

  const report = (airport: Airport, k: number): AirportReport => {
    const random = randomOf(seedOf('reports', seed, startAt, airport.id), k);
    const maybe = (value: number, share = nullShare): number | null => (random.chance(share) ? null : value);
    const observedAtMs = baseMs + k * stepMs;
    const temperature = random.int(-120, 440) / 10;
    const temperatureC = maybe(temperature);
    const dewpointC = maybe(temperature - random.int(0, 250) / 10);
    const isVariable = random.chance(0.15);
    const knots = random.int(0, 45);
    const pascals = random.int(9_700, 10_450) * 10;
    const clouds = Array.from({ length: random.int(0, 3) }, () => {
      const cover = random.pick(['FEW', 'SCT', 'BKN', 'OVC'] as const);
      return { cover, baseFeet: random.int(2, 250) * 100 };
    });
    const layers = clouds.length === 0 ? [{ cover: 'CLR' as const, baseFeet: null }] : clouds;
    return {
      kind: 'metar',
      naturalKey: stationKey(airport.id, observedAtMs),
      airport,
      observedAtMs,
      temperatureC,
      dewpointC,
      relativeHumidityPercent: temperatureC === null || dewpointC === null ? null : humidity(temperatureC, dewpointC),
      isVariable,
      windDirectionDeg: isVariable ? null : maybe(random.int(0, 36) * 10),
      windKnots: maybe(knots),
      gustKnots: maybe(knots + random.int(5, 20), 0.7),
      pressurePa: maybe(pascals),
      seaLevelPressurePa: maybe(pascals + random.int(-30, 30) * 10, 0.3),
      visibilityMiles: random.pick([0.25, 1.5, 3, 6, 10, 10, 10]),
      rainInches: maybe(random.int(0, 40) / 100, 0.7),
      clouds: layers,
      cloudCoverPercent: Math.max(...layers.map((layer) => covers[layer.cover])),
      weather: random.chance(0.7) ? null : random.pick(['-RA', 'FU', 'HZ', 'BR', '+TSRA']),
      raw: `METAR ${airport.id} ${new Date(observedAtMs).toISOString().slice(8, 16).replace(/[T:-]/g, '')}Z AUTO RMK AO2`,
    };
  };

  return {
    all,
    reports: (id, sinceMs, atMs) => {
      const airport = all.find((known) => known.id === id);
      if (!airport) return [];
      const newest = Math.max(0, Math.floor((atMs - baseMs) / stepMs));
      const oldest = Math.min(newest, Math.max(0, Math.ceil((sinceMs - baseMs) / stepMs)));
      return Array.from({ length: newest - oldest + 1 }, (_, at) => report(airport, newest - at));
    },
  };
};
