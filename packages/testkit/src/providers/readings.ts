// Readings of an API that nobody here knew: numbered, in the units of another country, with names that need quotes.
// Reading number k is a pure function of (seed, startAt, k).
import { readingKey } from '../accounting/natural-key.ts';
import { randomOf, seedOf } from './random.ts';

export interface ReadingOptions {
  /** Readings before the start. Default 120. */
  readonly backlog?: number;
  /** Whole seconds between two readings. Default 10. */
  readonly intervalSeconds?: number;
  /** How often a measured value is null (0–1). Default 0.1. */
  readonly nullShare?: number;
}

/** One reading. */
export interface Reading {
  readonly kind: 'reading';
  readonly naturalKey: string;
  /** Rises with the time. */
  readonly number: number;
  readonly takenAtMs: number;
  readonly sensor: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly fahrenheit: number | null;
  readonly milesPerHour: number | null;
  readonly isChecked: boolean;
  readonly note: string | null;
}

export interface Readings {
  /** All readings from `sinceMs` to this time, the oldest first. */
  between(sinceMs: number, atMs: number): readonly Reading[];
}

/** The readings of one world. */
export const createReadings = (seed: number, startAt: number, options: ReadingOptions = {}): Readings => {
  const { backlog = 120, intervalSeconds = 10, nullShare = 0.1 } = options;
  const own = seedOf('readings', seed, startAt);
  const stepMs = intervalSeconds * 1000;
  const firstMs = Math.floor(startAt / 1000) * 1000 - (backlog - 1) * stepMs;
  // Readings of two worlds are different ones.
  const firstNumber = randomOf(own).int(1, 1_000_000) * 1_000_000;

  const reading = (k: number): Reading => {
    const random = randomOf(own, k + 1);
    const maybe = <T>(value: T): T | null => (random.chance(nullShare) ? null : value);
    const number = firstNumber + k;
    return {
      kind: 'reading',
      naturalKey: readingKey(number),
      number,
      takenAtMs: firstMs + k * stepMs,
      sensor: `S-${random.int(1, 40)}`,
      latitude: random.int(32_600, 41_900) / 1000,
      longitude: -random.int(114_300, 124_300) / 1000,
      fahrenheit: maybe(random.int(-100, 1100) / 10),
      milesPerHour: maybe(random.int(0, 800) / 10),
      isChecked: random.chance(0.8),
      note: maybe(
        random.pick(['calm', 'smoke, light', 'the "old" mast', 'first line\nsecond line', 'Zürich; 5" rain']),
      ),
    };
  };

  return {
    between: (sinceMs, atMs) => {
      const newest = Math.floor((atMs - firstMs) / stepMs);
      const oldest = Math.max(0, Math.ceil((sinceMs - firstMs) / stepMs));
      return Array.from({ length: Math.max(0, newest - oldest + 1) }, (_, at) => reading(oldest + at));
    },
  };
};
