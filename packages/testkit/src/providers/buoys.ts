// The weather buoys of the simulated world: an API that only a source of a user's own can read. Reading number k of a buoy
// is a pure function of (seed, startAt, buoy, k).
import { buoyKey } from '../accounting/natural-key.ts';
import { hexOf, randomOf, seedOf } from './random.ts';

export interface BuoyOptions {
  /** How many buoys there are. Default 3. */
  readonly count?: number;
  /** Readings of each buoy before the start. Default 40. */
  readonly backlog?: number;
  /** Whole minutes between two readings. Default 1 (the real ones: ten). */
  readonly intervalMinutes?: number;
  /** How often a measured value is null (0–1). Default 0.1. */
  readonly nullShare?: number;
}

/** One reading, in the units of the contract. */
export interface BuoyReading {
  readonly kind: 'buoy';
  readonly naturalKey: string;
  readonly buoyId: string;
  readonly observedAtMs: number;
  readonly measured: {
    readonly windDirectionDeg: number | null;
    readonly windSpeedMps: number | null;
    readonly windGustMps: number | null;
    readonly waveHeightM: number | null;
    readonly seaLevelPressurePa: number | null;
    readonly temperatureC: number | null;
    readonly waterTemperatureC: number | null;
  };
}

export interface Buoys {
  readonly all: readonly string[];
  /** All readings of a buoy up to this time, the newest first; null for an unknown one. */
  readings(buoyId: string, atMs: number): readonly BuoyReading[] | null;
}

const minuteMs = 60_000;

/** The buoys of one world. */
export const createBuoys = (seed: number, startAt: number, options: BuoyOptions = {}): Buoys => {
  const { count = 3, backlog = 40, intervalMinutes = 1, nullShare = 0.1 } = options;
  const own = seedOf('buoys', seed, startAt);
  const all = Array.from({ length: count }, (_, at) => `B${hexOf(own, at, 7)}`);
  const stepMs = intervalMinutes * minuteMs;
  // The file has whole minutes.
  const firstMs = Math.floor(startAt / minuteMs) * minuteMs - (backlog - 1) * stepMs;

  const reading = (buoyId: string, k: number): BuoyReading => {
    const random = randomOf(seedOf('buoy-readings', seed, startAt, buoyId), k);
    const maybe = (value: number): number | null => (random.chance(nullShare) ? null : value);
    const tenths = (low: number, high: number): number | null => maybe(random.int(low * 10, high * 10) / 10);
    const observedAtMs = firstMs + k * stepMs;
    return {
      kind: 'buoy',
      naturalKey: buoyKey(buoyId, observedAtMs),
      buoyId,
      observedAtMs,
      measured: {
        windDirectionDeg: maybe(random.int(0, 36) * 10),
        windSpeedMps: tenths(0, 25),
        windGustMps: tenths(0, 35),
        waveHeightM: tenths(0, 9),
        // Tenths of a hectopascal, as the file has it.
        seaLevelPressurePa: maybe(random.int(9_700, 10_450) * 10),
        temperatureC: tenths(-5, 30),
        waterTemperatureC: tenths(5, 25),
      },
    };
  };

  return {
    all,
    readings: (buoyId, atMs) => {
      if (!all.includes(buoyId)) return null;
      const newest = Math.max(0, Math.floor((atMs - firstMs) / stepMs));
      return Array.from({ length: newest + 1 }, (_, at) => reading(buoyId, newest - at));
    },
  };
};
