// The fires of the simulated world: satellite detections as FIRMS has them, held in the units of the contract.
// Row number n of a dataset is a pure function of (seed, startAt, dataset, n). Rows appear evenly in time, each some
// time after its acquisition, so a later answer brings rows that are older than what an earlier one had.
import { fireKey } from '../accounting/natural-key.ts';
import { type Random, randomOf, type Seed, seedOf } from './random.ts';

/** What a dataset of the area API holds. MODIS_NRT has both of its satellites in one file, as the real one has. */
export const firmsDatasets = {
  VIIRS_SNPP_NRT: { instrument: 'VIIRS', satellites: ['N'], version: '2.0NRT' },
  VIIRS_SNPP_SP: { instrument: 'VIIRS', satellites: ['N'], version: '2' },
  VIIRS_NOAA20_NRT: { instrument: 'VIIRS', satellites: ['N20'], version: '2.0NRT' },
  VIIRS_NOAA20_SP: { instrument: 'VIIRS', satellites: ['1'], version: '2' },
  VIIRS_NOAA21_NRT: { instrument: 'VIIRS', satellites: ['N21'], version: '2.0NRT' },
  MODIS_NRT: { instrument: 'MODIS', satellites: ['Terra', 'Aqua'], version: '6.1NRT' },
  MODIS_SP: { instrument: 'MODIS', satellites: ['Terra', 'Aqua'], version: '6.03' },
  // Pixels of 30 m over the US and Canada: without brightness, power, instrument and version.
  LANDSAT_NRT: { instrument: null, satellites: ['L8', 'L9'], version: null },
} as const satisfies Record<
  string,
  { instrument: 'VIIRS' | 'MODIS' | null; satellites: readonly string[]; version: string | null }
>;

export type FirmsDataset = keyof typeof firmsDatasets;

/** How many rows a dataset has. */
export interface FireRate {
  /** Rows that are visible from the start. Default 200. */
  readonly backlog?: number;
  /** Rows that become visible per minute after the start. Default 60. */
  readonly perMinute?: number;
}

export interface FireOptions extends FireRate {
  /** Other rates for single datasets. */
  readonly datasets?: Partial<Record<FirmsDataset, FireRate>>;
  /** A row appears at most this long after its acquisition, seconds. Default 7200; a few hours is what NRT data has. */
  readonly maxDelaySeconds?: number;
  /**
   * Let rows appear on another UTC day than they were acquired. Default false: a row acquired "yesterday" would be
   * outside a request for one day, so that a run started shortly after midnight UTC would see nothing for hours.
   */
  readonly acrossMidnight?: boolean;
  /**
   * For load: every answer holds exactly `rows` rows; with `everySeconds` all of them are replaced by new ones each
   * period, without it they stay the same for ever. Replaces backlog and perMinute.
   */
  readonly bulk?: { readonly rows: number; readonly everySeconds?: number };
}

/** One detection: the truth that the CSV row and the expected record are both made of. */
export interface FireDetection {
  readonly kind: 'firms';
  readonly naturalKey: string;
  readonly acquiredAtMs: number;
  readonly latitude: number;
  readonly longitude: number;
  readonly satellite: string;
  /** Null for LANDSAT, and all that is null besides is so for it only. */
  readonly instrument: 'VIIRS' | 'MODIS' | null;
  readonly version: string | null;
  /** 0–1; for MODIS a whole number of hundredths. */
  readonly confidence: number;
  readonly confidenceClass: 'low' | 'nominal' | 'high';
  readonly brightnessK: number | null;
  readonly brightnessLongwaveK: number | null;
  readonly frpMw: number | null;
  readonly scanKm: number | null;
  readonly trackKm: number | null;
  readonly dayNight: 'D' | 'N';
  /** Where the pixel lies in its LANDSAT scene: path and row of the scene, column and line in it. */
  readonly scene: { readonly path: number; readonly row: number; readonly scan: number; readonly track: number } | null;
}

export interface Fires {
  /** The rows of a dataset that exist at this time, in the order in which they appeared. */
  visible(dataset: FirmsDataset, atMs: number): readonly FireDetection[];
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A box inside California; the config's bounding box contains it. */
const area = { west: -124.4, south: 32.6, east: -114.2, north: 41.9 };
const hotSpots = 24;

const hundredths = (value: number): number => Math.round(value * 100) / 100;

/**
 * Degrees with five decimals whose last three come from the row's number: rows of one dataset differ in them, so no two
 * of a million successive rows lie in the same place. Never exactly between two tenths, where a rounded partition key
 * would depend on the way of rounding.
 */
const degreesOf = (near: number, low: number): number => {
  const units = Math.trunc(near * 100) * 1000 + (near < 0 ? -low : low);
  return (Math.abs(units) % 10_000 === 5000 ? units + 1000 * Math.sign(units) : units) / 100_000;
};

const acquiredAt = (appearsMs: number, delayMs: number, acrossMidnight: boolean): number => {
  const acquiredMs = Math.floor((appearsMs - delayMs) / minuteMs) * minuteMs;
  return acrossMidnight ? acquiredMs : Math.max(acquiredMs, Math.floor(appearsMs / dayMs) * dayMs);
};

const confidenceOf = (
  random: Random,
  instrument: FireDetection['instrument'],
): Pick<FireDetection, 'confidence' | 'confidenceClass'> => {
  if (instrument === 'MODIS') {
    const percent = random.int(0, 100);
    return { confidence: percent / 100, confidenceClass: percent < 30 ? 'low' : percent < 80 ? 'nominal' : 'high' };
  }
  const drawn = random.next();
  if (drawn < 0.15) return { confidence: 0.3, confidenceClass: 'low' };
  return drawn < 0.75 ? { confidence: 0.5, confidenceClass: 'nominal' } : { confidence: 0.8, confidenceClass: 'high' };
};

/** The fires of one world. Rows that were visible once are kept, since every later answer has them again. */
export const createFires = (seed: number, startAt: number, options: FireOptions = {}): Fires => {
  const { maxDelaySeconds = 7200, acrossMidnight = false, bulk } = options;
  const spots = randomOf(seedOf('hot-spots', seed, startAt));
  const centres = Array.from({ length: hotSpots }, () => ({
    latitude: area.south + 0.3 + spots.next() * (area.north - area.south - 0.6),
    longitude: area.west + 0.3 + spots.next() * (area.east - area.west - 0.6),
  }));
  const latitudeShift = spots.int(0, 999);
  const longitudeShift = spots.int(0, 999);
  const datasetSeeds = new Map<FirmsDataset, Seed>();
  const kept = new Map<FirmsDataset, { batch: number; rows: FireDetection[] }>();

  const seedFor = (dataset: FirmsDataset): Seed => {
    const known = datasetSeeds.get(dataset) ?? seedOf('fires', seed, startAt, dataset);
    datasetSeeds.set(dataset, known);
    return known;
  };

  const detect = (dataset: FirmsDataset, serial: number, appearsMs: number, delaysMs: number): FireDetection => {
    const { instrument, satellites, version } = firmsDatasets[dataset];
    const random = randomOf(seedFor(dataset), serial);
    const centre = random.chance(0.7) ? random.pick(centres) : null;
    const spread = (): number => (random.next() + random.next() - 1) * 0.25;
    const latitude = centre
      ? centre.latitude + spread()
      : area.south + random.next() * (area.north - area.south - 0.02) + 0.01;
    const longitude = centre
      ? centre.longitude + spread()
      : area.west + random.next() * (area.east - area.west - 0.02) + 0.01;
    const acquiredAtMs = acquiredAt(appearsMs, random.next() * delaysMs, acrossMidnight);
    const viirs = instrument === 'VIIRS';
    const landsat = instrument === null;
    const where = {
      satellite: random.pick<string>(satellites),
      instrument,
      acquiredAtMs,
      latitude: degreesOf(latitude, (serial * 7 + latitudeShift) % 1000),
      longitude: degreesOf(longitude, (Math.floor(serial / 1000) * 7 + serial * 13 + longitudeShift) % 1000),
      scanKm: landsat ? null : random.int(viirs ? 32 : 100, viirs ? 80 : 480) / 100,
      trackKm: landsat ? null : random.int(viirs ? 36 : 100, viirs ? 80 : 200) / 100,
    };
    // The sun over California: about UTC − 8.
    const hour = new Date(acquiredAtMs - 8 * 3_600_000).getUTCHours();
    return {
      kind: 'firms',
      naturalKey: fireKey(where),
      ...where,
      version,
      ...confidenceOf(random, instrument),
      brightnessK: landsat ? null : hundredths(300 + random.next() * (viirs ? 67 : 120)),
      brightnessLongwaveK: landsat ? null : hundredths(275 + random.next() * 40),
      frpMw: landsat ? null : hundredths(0.3 + Math.exp(random.next() * 5.5) - 1),
      dayNight: hour >= 6 && hour < 18 ? 'D' : 'N',
      scene: landsat
        ? { path: random.int(38, 46), row: random.int(31, 38), scan: random.int(0, 7600), track: random.int(0, 7700) }
        : null,
    };
  };

  const bulkRows = (dataset: FirmsDataset, atMs: number, size: { rows: number; everySeconds?: number }) => {
    const periodMs = size.everySeconds === undefined ? Number.POSITIVE_INFINITY : size.everySeconds * 1000;
    const batch = Math.max(0, Math.floor((atMs - startAt) / periodMs));
    const held = kept.get(dataset);
    if (held?.batch === batch) return held.rows;
    const appearsMs = batch === 0 ? startAt : startAt + batch * periodMs;
    const rows = Array.from({ length: size.rows }, (_, at) =>
      detect(dataset, batch * size.rows + at, appearsMs, maxDelaySeconds * 1000),
    );
    kept.set(dataset, { batch, rows });
    return rows;
  };

  return {
    visible: (dataset, atMs) => {
      if (bulk) return bulkRows(dataset, atMs, bulk);
      const rate = { backlog: 200, perMinute: 60, ...numbersOf(options), ...numbersOf(options.datasets?.[dataset]) };
      const grown = Math.floor((Math.max(0, atMs - startAt) * rate.perMinute) / minuteMs);
      const count = rate.backlog + grown;
      const held = kept.get(dataset) ?? { batch: 0, rows: [] };
      kept.set(dataset, held);
      for (let serial = held.rows.length; serial < count; serial += 1) {
        const late = serial - rate.backlog;
        const appearsMs = late < 0 ? startAt : startAt + ((late + 1) * minuteMs) / rate.perMinute;
        held.rows.push(detect(dataset, serial, appearsMs, maxDelaySeconds * 1000));
      }
      return count === held.rows.length ? held.rows : held.rows.slice(0, count);
    },
  };
};

const numbersOf = (rate: FireRate = {}): { backlog?: number; perMinute?: number } => ({
  ...(rate.backlog === undefined ? {} : { backlog: rate.backlog }),
  ...(rate.perMinute === undefined ? {} : { perMinute: rate.perMinute }),
});
