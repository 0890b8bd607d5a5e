// The Kafka timestamp of a record is its event time. One that lies more than an hour ahead of this machine's clock, or
// that the broker refuses, is replaced by the ingestion time: a wrong date from a provider must not stop its record, and
// a far future timestamp would keep a log segment from ever expiring.

/** How far ahead of now an event time may lie, in milliseconds. */
export const timestampAheadMaxMs = 3_600_000;

/** Whether an event time may stand as the Kafka timestamp; a time that is no number may not. */
export const isUsableEventTime = (eventTimeMs: number, nowMs: number): boolean =>
  eventTimeMs >= 0 && eventTimeMs <= nowMs + timestampAheadMaxMs;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A record's value as an object; null if it is not one. Only for the few that have to be looked into. */
export const parseValue = (value: Buffer): Readonly<Record<string, unknown>> | null => {
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
};

/** `ingestedAt` of an envelope in milliseconds; null if there is none that can be used. */
export const ingestedAtOf = (envelope: Readonly<Record<string, unknown>> | null): number | null => {
  const at = typeof envelope?.ingestedAt === 'string' ? Date.parse(envelope.ingestedAt) : Number.NaN;
  return Number.isFinite(at) ? at : null;
};

/** The timestamp that replaces an unusable event time: when the record was ingested, or now if that lies ahead as well. */
export const replacementTimestamp = (value: Buffer, nowMs: number): number =>
  Math.min(ingestedAtOf(parseValue(value)) ?? nowMs, nowMs);
