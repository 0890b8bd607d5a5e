// The forecasts of the simulated world by gridpoint, held in the units of the contract where these lose nothing. Issue
// number k of a gridpoint is a pure function of (seed, startAt, gridpoint, k); an answer has the periods of the newest.
import { forecastKey } from '../accounting/natural-key.ts';
import { randomOf, type Seed, seedOf } from './random.ts';

export interface ForecastOptions {
  /** How many gridpoints there are. Default 3. */
  readonly count?: number;
  /** Whole seconds between two issues of a gridpoint. Default 60 (the real ones: about an hour). */
  readonly intervalSeconds?: number;
  /** Periods of twelve hours in an answer. Default 14, as the real API has. */
  readonly periods?: number;
}

export interface Gridpoint {
  /** Office and position, as `LOX/154,45`. */
  readonly id: string;
  /** The middle of its cell. */
  readonly latitude: number;
  readonly longitude: number;
  readonly elevationM: number;
}

/** One period of one issue: the truth that the GeoJSON answer and the expected record are both made of. */
export interface ForecastPeriod {
  readonly kind: 'forecast';
  readonly naturalKey: string;
  readonly gridpoint: Gridpoint;
  readonly number: number;
  readonly issuedAtMs: number;
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly temperatureF: number;
  /** Null where the answer has no wind; `low` is `high` where it names one speed. */
  readonly windMph: { readonly low: number; readonly high: number } | null;
  readonly windDirection: string | null;
  readonly precipitationPercent: number | null;
  readonly shortForecast: string;
  readonly detailedForecast: string;
}

export interface WeatherForecasts {
  readonly all: readonly Gridpoint[];
  /** The periods of the newest issue, or null for an unknown gridpoint. */
  latest(id: string, atMs: number): readonly ForecastPeriod[] | null;
}

const hourMs = 3_600_000;
const offices = ['LOX', 'MTR', 'SGX', 'HNX', 'STO', 'EKA', 'REV', 'VEF'] as const;
const skies = ['Sunny', 'Mostly Clear', 'Areas Of Smoke', 'Chance Rain Showers', 'Patchy Fog then Sunny'] as const;

const makeGridpoints = (seed: Seed, count: number): readonly Gridpoint[] => {
  const taken = new Set<string>();
  return Array.from({ length: count }, (_, at) => {
    const random = randomOf(seed, at);
    const draw = (): string => `${random.pick(offices)}/${random.int(1, 999)},${random.int(1, 999)}`;
    let id = draw();
    while (taken.has(id)) id = draw();
    taken.add(id);
    return {
      id,
      latitude: random.int(326_000, 419_000) / 10_000,
      longitude: -random.int(1_143_000, 1_243_000) / 10_000,
      elevationM: random.int(0, 30_000) / 10,
    };
  });
};

/** The forecasts of one world; the first issue of each gridpoint is at the start. */
export const createWeatherForecasts = (
  seed: number,
  startAt: number,
  options: ForecastOptions = {},
): WeatherForecasts => {
  const { count = 3, intervalSeconds = 60, periods = 14 } = options;
  const all = makeGridpoints(seedOf('gridpoints', seed, startAt), count);
  const baseMs = Math.floor(startAt / 1000) * 1000;

  const periodOf = (gridpoint: Gridpoint, issue: number, number: number): ForecastPeriod => {
    const random = randomOf(seedOf('forecasts', seed, startAt, gridpoint.id, issue), number);
    const issuedAtMs = baseMs + issue * intervalSeconds * 1000;
    const firstMs = Math.floor(issuedAtMs / hourMs) * hourMs;
    const validFromMs = firstMs + (number - 1) * 12 * hourMs;
    const low = random.int(0, 30);
    return {
      kind: 'forecast',
      naturalKey: forecastKey(gridpoint.id, issuedAtMs, validFromMs),
      gridpoint,
      number,
      issuedAtMs,
      validFromMs,
      validToMs: validFromMs + 12 * hourMs,
      temperatureF: random.int(-10, 118),
      windMph: random.chance(0.1) ? null : { low, high: random.chance(0.4) ? low : low + random.int(1, 20) },
      windDirection: random.chance(0.1) ? null : random.pick(['N', 'NNE', 'E', 'SSW', 'W', 'NW']),
      precipitationPercent: random.chance(0.5) ? null : random.int(0, 10) * 10,
      shortForecast: random.pick(skies),
      detailedForecast: `${random.pick(skies)}, with a high near ${random.int(20, 110)}, "gusty" at times.`,
    };
  };

  return {
    all,
    latest: (id, atMs) => {
      const gridpoint = all.find((known) => known.id === id);
      if (!gridpoint) return null;
      const issue = Math.max(0, Math.floor((atMs - baseMs) / (intervalSeconds * 1000)));
      return Array.from({ length: periods }, (_, at) => periodOf(gridpoint, issue, at + 1));
    },
  };
};
