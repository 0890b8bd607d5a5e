// The Kafka timestamp of a record is its event time. One that lies more than an hour ahead of this machine's clock, or
// that its topic does not take, is replaced by the ingestion time: a wrong date from a provider must not stop its record,
// and a far future timestamp would keep a log segment from ever expiring.
import type { OutgoingRecord, TimestampBounds } from '@stream-manager/shared/kafka/port';
import { parseValue } from '@stream-manager/shared/records/stored-value';

/** How far ahead of now an event time may lie, in milliseconds. */
export const timestampAheadMaxMs = 3_600_000;

/** Whether an event time may stand as the Kafka timestamp; a time that is no number may not. */
export const isUsableEventTime = (eventTimeMs: number, nowMs: number): boolean =>
  eventTimeMs >= 0 && eventTimeMs <= nowMs + timestampAheadMaxMs;

/** `ingestedAt` of an envelope in milliseconds; null if there is none that can be used. */
export const ingestedAtOf = (envelope: Readonly<Record<string, unknown>> | null): number | null => {
  const at = typeof envelope?.ingestedAt === 'string' ? Date.parse(envelope.ingestedAt) : Number.NaN;
  return Number.isFinite(at) ? at : null;
};

/** Records with timestamps that their topics take. */
export interface FittedRecords {
  /** The list that was given when nothing had to be replaced. */
  readonly records: readonly OutgoingRecord[];
  /** How many timestamps were replaced, by source. */
  readonly replaced: ReadonlyMap<string, number>;
}

const isBounded = ({ beforeMaxMs, afterMaxMs }: TimestampBounds): boolean =>
  beforeMaxMs !== Number.POSITIVE_INFINITY || afterMaxMs !== Number.POSITIVE_INFINITY;

const noneReplaced: ReadonlyMap<string, number> = new Map();

/**
 * Replaces the timestamps that lie outside the bounds of their topics: what a broker refuses it refuses with the whole
 * batch. Two comparisons a record, and none where no topic has bounds.
 */
export const fitTimestamps = (
  records: readonly OutgoingRecord[],
  bounds: ReadonlyMap<string, TimestampBounds>,
  nowMs: number,
): FittedRecords => {
  if (!bounds.values().some(isBounded)) return { records, replaced: noneReplaced };
  const replaced = new Map<string, number>();
  let fitted: OutgoingRecord[] | null = null;
  let topic: string | null = null;
  let oldest = Number.NEGATIVE_INFINITY;
  let newest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index];
    if (record === undefined) continue;
    if (record.topic !== topic) {
      topic = record.topic;
      const ofTopic = bounds.get(topic);
      oldest = nowMs - (ofTopic?.beforeMaxMs ?? Number.POSITIVE_INFINITY);
      newest = nowMs + (ofTopic?.afterMaxMs ?? Number.POSITIVE_INFINITY);
    }
    if (record.timestampMs >= oldest && record.timestampMs <= newest) continue;
    fitted ??= [...records];
    fitted[index] = { ...record, timestampMs: takenTimestamp(record.value, bounds.get(topic), nowMs) };
    replaced.set(record.sourceId, (replaced.get(record.sourceId) ?? 0) + 1);
  }
  return { records: fitted ?? records, replaced };
};

/** The timestamp instead of one that the topic does not take: the time of ingestion, or now if that lies outside, too. */
export const takenTimestamp = (value: Buffer, bounds: TimestampBounds | undefined, nowMs: number): number => {
  const timestampMs = replacementTimestamp(value, nowMs);
  return timestampMs >= nowMs - (bounds?.beforeMaxMs ?? Number.POSITIVE_INFINITY) ? timestampMs : nowMs;
};

/** The timestamp that replaces an unusable event time: when the record was ingested, or now if that lies ahead as well. */
export const replacementTimestamp = (value: Buffer, nowMs: number): number =>
  Math.min(ingestedAtOf(parseValue(value)) ?? nowMs, nowMs);
