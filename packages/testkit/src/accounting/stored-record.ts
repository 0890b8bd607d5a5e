// A record as it lies in Kafka, and its envelope once it is known to have the shape of one.

/** One record of a topic. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Null for a record without key. */
  readonly key: string | null;
  /** UTF-8; a header given several times counts with its last value. */
  readonly headers: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** The parsed JSON of the value; undefined when it is no JSON. */
  readonly value: unknown;
}

/** An envelope as found: only the fields that say which reading it is are sure to be there. */
export interface StoredEnvelope {
  readonly id: string;
  readonly sourceId: string;
  readonly type: string;
  readonly observedAt: unknown;
  readonly location?: unknown;
  readonly data: unknown;
  /** All fields, those above included. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The envelope in a stored value, or null when it is none. */
export const envelopeOf = (value: unknown): StoredEnvelope | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  // An object's fields are all unknown: this only makes them readable.
  const fields = value as Readonly<Record<string, unknown>>;
  const { id, sourceId, type, observedAt, location, data } = fields;
  if (typeof id !== 'string' || typeof sourceId !== 'string' || typeof type !== 'string') return null;
  return { id, sourceId, type, observedAt, location, data, fields };
};
