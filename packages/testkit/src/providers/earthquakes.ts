// The earthquakes of the simulated world. An earthquake is reported by a machine first and corrected by people later: the
// same event then has another magnitude and a later `updated`. Earthquake number k is a pure function of (seed, startAt, k).
import { earthquakeKey } from '../accounting/natural-key.ts';
import { hexOf, randomOf, seedOf } from './random.ts';

export interface EarthquakeOptions {
  /** Earthquakes of the hour before the start. Default 30. */
  readonly backlog?: number;
  /** Whole seconds between two earthquakes. Default 120. */
  readonly intervalSeconds?: number;
  /** Seconds after which an earthquake is corrected. Default 600. */
  readonly reviewSeconds?: number;
}

/** One state of one earthquake. */
export interface Earthquake {
  readonly kind: 'earthquake';
  readonly naturalKey: string;
  readonly eventId: string;
  readonly happenedAtMs: number;
  readonly updatedAtMs: number;
  readonly magnitude: number | null;
  readonly place: string;
  readonly status: 'automatic' | 'reviewed';
  readonly hasTsunami: boolean;
  readonly latitude: number;
  readonly longitude: number;
  readonly depthKm: number;
}

export interface Earthquakes {
  /** The earthquakes of the hour before this time, as they are known then; the newest first. */
  lastHour(atMs: number): readonly Earthquake[];
}

const hourMs = 3_600_000;

/** The earthquakes of one world. */
export const createEarthquakes = (seed: number, startAt: number, options: EarthquakeOptions = {}): Earthquakes => {
  const { backlog = 30, intervalSeconds = 120, reviewSeconds = 600 } = options;
  const stepMs = intervalSeconds * 1000;
  const own = seedOf('earthquakes', seed, startAt);
  // Number 0 is the oldest of the backlog.
  const firstMs = Math.floor(startAt / 1000) * 1000 - (backlog - 1) * stepMs;

  const earthquake = (k: number, atMs: number): Earthquake => {
    const random = randomOf(own, k);
    const eventId = `us${hexOf(own, k, 8)}`;
    const happenedAtMs = firstMs + k * stepMs + random.int(0, 999);
    const first = random.int(-5, 62) / 10;
    const isReviewed = atMs >= happenedAtMs + reviewSeconds * 1000;
    const updatedAtMs = happenedAtMs + (isReviewed ? reviewSeconds * 1000 : 30_000);
    const correction = random.int(1, 4) / 10;
    return {
      kind: 'earthquake',
      naturalKey: earthquakeKey(eventId, updatedAtMs),
      eventId,
      happenedAtMs,
      updatedAtMs,
      magnitude: isReviewed ? Number((first + correction).toFixed(1)) : random.chance(0.1) ? null : first,
      place: `${random.int(1, 90)} km ${random.pick(['N', 'SSE', 'W'])} of ${random.pick(['Ridgecrest', 'Parkfield', 'Petrolia'])}, CA`,
      status: isReviewed ? 'reviewed' : 'automatic',
      hasTsunami: random.chance(0.05),
      latitude: random.int(32_600, 41_900) / 1000,
      longitude: -random.int(114_300, 124_300) / 1000,
      depthKm: random.int(-20, 700) / 10,
    };
  };

  return {
    lastHour: (atMs) => {
      const newest = Math.floor((atMs - firstMs) / stepMs);
      const oldest = Math.max(0, Math.ceil((atMs - hourMs - firstMs) / stepMs));
      const found = Array.from({ length: Math.max(0, newest - oldest + 1) }, (_, at) => earthquake(newest - at, atMs));
      return found.filter(({ happenedAtMs }) => happenedAtMs <= atMs);
    },
  };
};
