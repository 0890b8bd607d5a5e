// The reporting areas of the simulated world (AirNow) and their air quality, hour by hour. A reading is a pure function
// of (seed, startAt, area, parameter, hour); several ZIP codes lie in one area and get the same readings.
import { airNowKey } from '../accounting/natural-key.ts';
import { randomOf, type Seed, seedOf } from './random.ts';

export interface AirAreaOptions {
  /** How many areas there are. Default 4. */
  readonly count?: number;
  /** ZIP codes of each area. Default 2. */
  readonly zipCodesEach?: number;
  /** How often an index is missing (-1 in the answer; 0–1). Default 0.05. */
  readonly nullShare?: number;
}

export interface AirArea {
  readonly name: string;
  readonly state: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly zipCodes: readonly string[];
  /** As the answer names it, and the hours that it lies behind UTC. */
  readonly timeZone: { readonly name: string; readonly behindHours: number };
}

/** One index of one area and hour: the truth that the row of the answer and the expected record are both made of. */
export interface AirAreaReading {
  readonly kind: 'airnow';
  readonly naturalKey: string;
  readonly area: AirArea;
  /** The beginning of the hour. */
  readonly observedAtMs: number;
  readonly parameter: 'O3' | 'PM2.5' | 'PM10';
  readonly aqi: number | null;
  readonly category: string | null;
}

export interface AirAreas {
  readonly all: readonly AirArea[];
  /** The readings of the area of a ZIP code; none for an unknown one. */
  latest(zipCode: string, atMs: number): readonly AirAreaReading[];
}

const hourMs = 3_600_000;
const parameters = ['O3', 'PM2.5', 'PM10'] as const;
const timeZones = [
  { name: 'PST', behindHours: 8 },
  { name: 'PDT', behindHours: 7 },
  { name: 'MST', behindHours: 7 },
] as const;
const categories = [
  [50, 'Good'],
  [100, 'Moderate'],
  [150, 'Unhealthy for Sensitive Groups'],
  [200, 'Unhealthy'],
  [300, 'Very Unhealthy'],
  [Number.POSITIVE_INFINITY, 'Hazardous'],
] as const;

const makeAreas = (seed: Seed, count: number, zipCodesEach: number): readonly AirArea[] => {
  const zipCodes = new Set<string>();
  return Array.from({ length: count }, (_, at) => {
    const random = randomOf(seed, at);
    const own: string[] = [];
    while (own.length < zipCodesEach) {
      const zipCode = String(random.int(90_001, 96_162));
      if (zipCodes.has(zipCode)) continue;
      zipCodes.add(zipCode);
      own.push(zipCode);
    }
    return {
      // The number makes the areas of two worlds different ones.
      name: `${random.pick(['Eastern Sierra', 'North Coast', 'San Joaquin', 'Antelope Valley'])} ${random.int(1, 999_999)}-${at + 1}`,
      state: 'CA',
      latitude: random.int(326_000, 419_000) / 10_000,
      longitude: -random.int(1_143_000, 1_243_000) / 10_000,
      zipCodes: own,
      timeZone: random.pick(timeZones),
    };
  });
};

/** The air of one world; there are readings of the hour in which it begins. */
export const createAirAreas = (seed: number, startAt: number, options: AirAreaOptions = {}): AirAreas => {
  const { count = 4, zipCodesEach = 2, nullShare = 0.05 } = options;
  const all = makeAreas(seedOf('air-areas', seed, startAt), count, zipCodesEach);
  return {
    all,
    latest: (zipCode, atMs) => {
      const area = all.find((known) => known.zipCodes.includes(zipCode));
      if (!area) return [];
      const observedAtMs = Math.floor(atMs / hourMs) * hourMs;
      const place = `${area.name}, ${area.state}`;
      return parameters.map((parameter) => {
        const random = randomOf(seedOf('air-areas', seed, startAt, place, parameter), observedAtMs / hourMs);
        const aqi = random.chance(nullShare) ? null : random.int(0, 400);
        const category = aqi === null ? null : (categories.find(([most]) => aqi <= most)?.[1] ?? null);
        return {
          kind: 'airnow',
          naturalKey: airNowKey(place, parameter, observedAtMs),
          area,
          observedAtMs,
          parameter,
          aqi,
          category,
        };
      });
    },
  };
};
