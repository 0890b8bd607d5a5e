// The natural key of a reading as text: what makes two rows the same reading, whoever served or stored them.
// The simulated world uses the same formats on its own truth, so that served and stored can be matched without
// asking the product for its ids. Numbers are written in their shortest form, so 39.75960 and 39.7596 are one.

/**
 * FIRMS: satellite, instrument, minute, position and the pixel's scan and track (two pixels may share all the rest).
 * LANDSAT names no instrument, and its scan and track are no sizes: they are null.
 */
export const fireKey = (fire: {
  readonly satellite: string;
  readonly instrument: string | null;
  readonly acquiredAtMs: number;
  readonly latitude: number;
  readonly longitude: number;
  readonly scanKm: number | null;
  readonly trackKm: number | null;
}): string =>
  `firms ${fire.satellite} ${fire.instrument} ${new Date(fire.acquiredAtMs).toISOString().slice(0, 16)} ` +
  `${fire.latitude} ${fire.longitude} ${fire.scanKm} ${fire.trackKm}`;

/** Weather station: its id and the time of the observation. */
export const stationKey = (stationId: string, observedAtMs: number): string =>
  `station ${stationId} ${new Date(observedAtMs).toISOString()}`;

/** Alert: its own id; an update of an alert is another alert. */
export const alertKey = (alertId: string): string => `alert ${alertId}`;

/** PurpleAir: the sensor and `last_seen`, whole seconds. */
export const airKey = (sensorIndex: number, lastSeenMs: number): string =>
  `purpleair ${sensorIndex} ${Math.floor(lastSeenMs / 1000)}`;

/** Forecast: the gridpoint, when it was issued, and the beginning of the period. */
export const forecastKey = (gridpoint: string, issuedAtMs: number, validFromMs: number): string =>
  `forecast ${gridpoint} ${new Date(issuedAtMs).toISOString()} ${new Date(validFromMs).toISOString()}`;

/** AirNow: the reporting area with its state, what was measured, and the hour; by whichever ZIP code it was asked for. */
export const airNowKey = (area: string, parameter: string, observedAtMs: number): string =>
  `airnow ${area} ${parameter} ${new Date(observedAtMs).toISOString()}`;

/** Earthquake: the event and when it was updated; a correction is another state of the same event. */
export const earthquakeKey = (eventId: string, updatedAtMs: number): string =>
  `earthquake ${eventId} ${new Date(updatedAtMs).toISOString()}`;

/** A reading of the API that nobody knew: its number. */
export const readingKey = (number: number): string => `reading ${number}`;

/** Weather buoy: its id and the minute. */
export const buoyKey = (buoyId: string, observedAtMs: number): string =>
  `buoy ${buoyId} ${new Date(observedAtMs).toISOString()}`;

/** Device of a test: its topic, and the number by which the test tells its readings apart. */
export const deviceKey = (topic: string, serial: number): string => `device ${topic} ${serial}`;

/** A row that a test has pushed: its number. */
export const pushedKey = (number: number): string => `pushed ${number}`;

/** The fields of a stored envelope that its natural key is made of; all unchecked. */
export interface KeyedEnvelope {
  readonly type: unknown;
  readonly observedAt: unknown;
  readonly location?: unknown;
  readonly data: unknown;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  // An object's fields are all unknown: this only makes them readable.
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';
const isNumberOrNull = (value: unknown): value is number | null => value === null || typeof value === 'number';

/**
 * The natural key of a stored envelope by its type, or null where the envelope lacks what the key is made of
 * (or is of a type that the simulated providers do not serve).
 */
export const naturalKeyOf = (envelope: KeyedEnvelope): string | null => {
  const data = fieldsOf(envelope.data);
  const location = fieldsOf(envelope.location);
  const timeMs = typeof envelope.observedAt === 'string' ? Date.parse(envelope.observedAt) : Number.NaN;
  switch (envelope.type) {
    case 'fire-detection': {
      const { satellite, instrument, scanKm, trackKm } = data;
      const { latitude, longitude } = location;
      if (typeof satellite !== 'string' || !isTextOrNull(instrument) || Number.isNaN(timeMs)) return null;
      if (!isNumberOrNull(scanKm) || !isNumberOrNull(trackKm)) return null;
      if (typeof latitude !== 'number' || typeof longitude !== 'number') return null;
      return fireKey({ satellite, instrument, acquiredAtMs: timeMs, latitude, longitude, scanKm, trackKm });
    }
    case 'weather-observation':
      return typeof data['stationId'] === 'string' && !Number.isNaN(timeMs)
        ? stationKey(data['stationId'], timeMs)
        : null;
    case 'weather-alert':
      return typeof data['alertId'] === 'string' ? alertKey(data['alertId']) : null;
    case 'weather-forecast': {
      const { gridpoint, validFrom } = data;
      const fromMs = typeof validFrom === 'string' ? Date.parse(validFrom) : Number.NaN;
      if (typeof gridpoint !== 'string' || Number.isNaN(timeMs) || Number.isNaN(fromMs)) return null;
      return forecastKey(gridpoint, timeMs, fromMs);
    }
    case 'air-quality': {
      const { sensorIndex, area, parameter } = data;
      if (Number.isNaN(timeMs)) return null;
      if (typeof sensorIndex === 'number') return airKey(sensorIndex, timeMs);
      return typeof area === 'string' && typeof parameter === 'string' ? airNowKey(area, parameter, timeMs) : null;
    }
    case 'sensor-reading': {
      // A message that is a bare number (of percent) has no room for a serial: the number itself is one.
      const { topic, serial, relativeHumidityPercent } = data;
      const number = serial ?? relativeHumidityPercent;
      return typeof topic === 'string' && typeof number === 'number' ? deviceKey(topic, number) : null;
    }
    case 'record': {
      // As the mappings of the examples and tests name them.
      const { eventId, updatedAt, readingNumber, pushedNumber, stationId } = data;
      if (typeof readingNumber === 'number') return readingKey(readingNumber);
      if (typeof pushedNumber === 'number') return pushedKey(pushedNumber);
      if (typeof stationId === 'string' && !Number.isNaN(timeMs)) return buoyKey(stationId, timeMs);
      const updatedAtMs = typeof updatedAt === 'string' ? Date.parse(updatedAt) : Number.NaN;
      return typeof eventId === 'string' && !Number.isNaN(updatedAtMs) ? earthquakeKey(eventId, updatedAtMs) : null;
    }
    default:
      return null;
  }
};
