// The common form of every record: what stands as JSON in the value of a Kafka record, and what every
// source turns its rows into. Names here are part of the contract (docs/records.md).
import type { Priority } from './priority.ts';

/** Kinds of records; `data` of each is described in docs/records.md. */
export const recordTypes = [
  'fire-detection',
  'weather-observation',
  'weather-alert',
  'weather-forecast',
  'air-quality',
  'sensor-reading',
  'record',
] as const;
export type RecordType = (typeof recordTypes)[number];

/** WGS84 degrees; elevation in metres above sea level where the source gives it. */
export interface Location {
  readonly latitude: number;
  readonly longitude: number;
  readonly elevationM?: number;
}

/** The envelope. Times are ISO 8601 UTC with milliseconds (`2026-01-04T09:02:00.000Z`). */
export interface Envelope {
  /** 22 base64url characters: a 128-bit hash of source id and natural key, the same for the same reading always. */
  readonly id: string;
  readonly sourceId: string;
  readonly type: RecordType;
  readonly observedAt: string;
  readonly ingestedAt: string;
  readonly priority: Priority;
  readonly location?: Location;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Version of the envelope, sent as header `schema-version` with every Kafka record. */
export const schemaVersion = '1';

/** One reading as a source's parser gives it, before it has an id and a place in a chunk. */
export interface SourceRecord {
  readonly type: RecordType;
  /** What makes the reading this reading, joined with `|`; natural keys per type: docs/records.md. */
  readonly naturalKey: string;
  /** Event time in milliseconds since the epoch; becomes `observedAt` and the Kafka timestamp. */
  readonly observedAtMs: number;
  readonly location?: Location;
  readonly data: Readonly<Record<string, unknown>>;
  /** Kafka key by the source's own rule; undefined = the record id. */
  readonly partitionKey?: string;
}

/** A row that is no record: kept as a dead letter with its reason. */
export interface InvalidRow {
  /** The row as it came, cut to `maxRawCharacters`. */
  readonly raw: string;
  /** A short code for the metric, such as `missing_column` or `not_a_number`. */
  readonly reason: string;
  /** A sentence that names the field, what was expected and what was found. */
  readonly message: string;
  /** What the row cannot be read without beside itself: the header of its CSV, the names of its columns, its station. */
  readonly context?: string;
  /** `raw` is not the whole row (it was cut, or could not be shown): it cannot be parsed again. */
  readonly isIncomplete?: true;
  /** What the row is known by where its text alone says too little: equal texts of two devices. Default: `raw`. */
  readonly identity?: string;
}

/** Longest raw row that is kept with a dead letter, in characters. */
export const maxRawCharacters = 8192;
