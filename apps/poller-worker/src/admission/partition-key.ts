// The Kafka key of a record: the operator's path into the envelope if the config has one, else the source's own rule
// (station, sensor, grid cell, first alert), else the record id. The same on every machine and in every run.

/** Reads a key from a record; undefined if the path leads to nothing that can be a key. */
export type KeyReader = (record: KeyedRecord) => string | undefined;

/** What a path can lead into. */
export interface KeyedRecord {
  readonly type: string;
  readonly location?: object;
  readonly data: object;
}

const text = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  return typeof value === 'boolean' ? String(value) : undefined;
};

/**
 * Prepares a path such as `data.stationId` or `location.latitude`. Texts, numbers and booleans make a key; anything else
 * (null, a list, nothing at all) does not. Only what the reading itself says can be a key: `type`, `location` and `data`;
 * a path to `ingestedAt` would scatter one reading over partitions.
 */
export const createKeyReader = (path: string): KeyReader => {
  const steps = path.split('.');
  return (record) => {
    let value: unknown = record;
    for (const step of steps) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
      // An own property of an object, whatever it holds.
      value = (value as Readonly<Record<string, unknown>>)[step];
    }
    return text(value);
  };
};
