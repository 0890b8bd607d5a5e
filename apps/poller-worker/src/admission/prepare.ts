// Makes of a source's rows what lies in Redis and on Kafka: id, content hash, key, priority, and the envelope, serialised
// once. The hot path of a poll: one pass, no await and no copy of an object per record. One bad record is an invalid
// row with its reason; its neighbours never notice.
import { messageOf } from '@stream-manager/shared/failures/errors';
import {
  type InvalidRow,
  type Location,
  maxRawCharacters,
  type SourceRecord,
} from '@stream-manager/shared/records/envelope';
import type { PreparedRecord } from '@stream-manager/shared/records/payload';
import { classOf, type Priority, type PriorityClass } from '@stream-manager/shared/records/priority';
import type { KeyReader } from './partition-key.ts';
import { contentHash, idText, invalidRowId, recordId } from './record-id.ts';

/** A record that can be admitted. */
export interface AdmissibleRecord extends PreparedRecord {
  readonly priority: PriorityClass;
}

/** A row that is no record, with what it is known by. */
export interface AdmissibleRow extends InvalidRow {
  /** 16 bytes over source and raw row. */
  readonly id: Buffer;
  /** 8 bytes. */
  readonly hash: Buffer;
}

/** What of a source the records of a poll depend on. */
export interface PrepareOptions {
  readonly sourceId: string;
  /** The source's own class; content rules may raise a record above it. */
  readonly priority: Priority;
  /** Raises a record by its content, never lowers it. */
  readonly resolvePriority: (record: SourceRecord, base: Priority) => Priority;
  /** Class in which all records wait, whatever their own priority; absent: each in its own. */
  readonly queueAs?: PriorityClass;
  /** The operator's own key; undefined: the source's, else the record id. */
  readonly readKey: KeyReader | undefined;
}

/** The rows of a page, ready for admission. */
export interface PreparedRows {
  /** United by id, the last of equal ones wins and stands where the last one stood. */
  readonly records: readonly AdmissibleRecord[];
  /** United likewise. */
  readonly invalid: readonly AdmissibleRow[];
  /** Records that a later one of the same page replaced. */
  readonly repeated: number;
  /** Records of the source that cannot be stored, repeated ones included; they stand among the invalid rows. */
  readonly rejected: number;
  /**
   * Event time of the newest record, milliseconds since the epoch; null without records. One that lies more than an hour ahead
   * does not count: a single device with a wrong clock would hide that all others are silent.
   */
  readonly newestObservedAtMs: number | null;
}

/** Collects the rows of one page. `add` may be called with a page in slices; `finish` gives all of it. */
export interface Preparation {
  add(records: readonly SourceRecord[]): void;
  addInvalid(rows: readonly InvalidRow[]): void;
  finish(): PreparedRows;
}

// A Kafka key is stored with a length of 16 bits; a character is at most 3 bytes of UTF-8 per UTF-16 unit.
const maxKeyBytes = 0xffff;
const isKeyTooLong = (key: string): boolean =>
  key.length > maxKeyBytes / 3 && Buffer.byteLength(key, 'utf8') > maxKeyBytes;

/** Furthest time that a Date can hold, in milliseconds from the epoch. */
const furthestMs = 8.64e15;

/** What is observed further ahead of its page than this, in milliseconds, says nothing of how new the page is. */
const mostAheadMs = 3_600_000;

/** JSON writes NaN and infinities as null, which would turn a fault into "not measured": they are looked for first. */
const isFiniteThroughout = (value: unknown): boolean => {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isFiniteThroughout);
  for (const key in value) {
    // `key` was just enumerated.
    if (!isFiniteThroughout((value as Readonly<Record<string, unknown>>)[key])) return false;
  }
  return true;
};

const locationJson = ({ latitude, longitude, elevationM }: Location): string =>
  elevationM === undefined
    ? `{"latitude":${latitude},"longitude":${longitude}}`
    : `{"latitude":${latitude},"longitude":${longitude},"elevationM":${elevationM}}`;

/**
 * A record that cannot be stored, as the row that its dead letter shows. Only faults come here. It is what the row was
 * made into and not the row, so it cannot be parsed again; the next poll that brings the row does that anyway.
 */
const reject = (record: SourceRecord, reason: string, message: string): InvalidRow => {
  const subject = `${record.type} ${record.naturalKey}`;
  try {
    const raw = JSON.stringify(record, (_key, value: unknown) => {
      const isUnwritable = typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value));
      return isUnwritable ? String(value) : value;
    });
    return { raw, reason, message: `${subject}: ${message}`, isIncomplete: true };
  } catch {
    // A cycle cannot be shown at all; type and natural key still name the reading.
    return { raw: subject, reason, message: `${subject}: ${message}`, isIncomplete: true };
  }
};

/** Starts on a page that arrived at `ingestedAtMs` (milliseconds since the epoch). */
export const startPreparation = (options: PrepareOptions, ingestedAtMs: number): Preparation => {
  const { sourceId, priority: base, resolvePriority, queueAs, readKey } = options;
  const sourceJson = `","sourceId":${JSON.stringify(sourceId)},"type":"`;
  const ingestedJson = `","ingestedAt":"${new Date(ingestedAtMs).toISOString()}","priority":"`;
  const byId = new Map<string, AdmissibleRecord>();
  const invalidById = new Map<string, AdmissibleRow>();
  let repeated = 0;
  let rejected = 0;
  let newest: number | null = null;
  const latestMs = ingestedAtMs + mostAheadMs;
  // Rows of one answer often share their time: the last text is kept.
  let lastTimeMs = Number.NaN;
  let lastTime = '';

  const timeText = (timeMs: number): string => {
    if (timeMs !== lastTimeMs) {
      lastTimeMs = timeMs;
      lastTime = new Date(timeMs).toISOString();
    }
    return lastTime;
  };

  const addOne = (record: SourceRecord): InvalidRow | null => {
    const { observedAtMs, location, data } = record;
    if (!(Math.abs(observedAtMs) <= furthestMs))
      return reject(record, 'not_a_time', `expected a time in milliseconds since the epoch, found ${observedAtMs}`);
    if (!isFiniteThroughout(data) || !isFiniteThroughout(location))
      return reject(record, 'not_finite', 'expected finite numbers, found NaN or infinity');
    const id = recordId(sourceId, record.naturalKey);
    const text = idText(id);
    const key = readKey?.(record) ?? record.partitionKey ?? text;
    if (isKeyTooLong(key))
      return reject(
        record,
        'key_too_long',
        `the Kafka key has ${key.length} characters, more than ${maxKeyBytes} bytes`,
      );
    const observedAt = timeText(observedAtMs);
    const place = location === undefined ? '' : `,"location":${locationJson(location)}`;
    const content = `${place},"data":${JSON.stringify(data)}}`;
    const priority = resolvePriority(record, base);
    if (byId.delete(text)) repeated += 1;
    byId.set(text, {
      id,
      hash: contentHash(`${observedAt}${content}`),
      eventTimeMs: observedAtMs,
      key,
      value: Buffer.from(
        `{"id":"${text}${sourceJson}${record.type}","observedAt":"${observedAt}${ingestedJson}${priority}"${content}`,
        'utf8',
      ),
      priority: queueAs ?? classOf(priority),
    });
    if ((newest === null || observedAtMs > newest) && observedAtMs <= latestMs) newest = observedAtMs;
    return null;
  };

  const addInvalid = (row: InvalidRow): void => {
    const isCut = row.raw.length > maxRawCharacters;
    const raw = isCut ? row.raw.slice(0, maxRawCharacters) : row.raw;
    const known = invalidRowId(sourceId, row.identity ?? raw);
    invalidById.set(idText(known.id), { ...row, ...known, raw, ...(isCut ? { isIncomplete: true } : {}) });
  };

  return {
    add: (records) => {
      for (const record of records) {
        let fault: InvalidRow | null;
        try {
          fault = addOne(record);
        } catch (error) {
          // A value that JSON cannot hold (a bigint, a cycle): the fault of this record only.
          fault = reject(record, 'not_serialisable', messageOf(error));
        }
        if (fault === null) continue;
        rejected += 1;
        addInvalid(fault);
      }
    },
    addInvalid: (rows) => {
      for (const row of rows) addInvalid(row);
    },
    finish: () => ({
      records: [...byId.values()],
      invalid: [...invalidById.values()],
      repeated,
      rejected,
      newestObservedAtMs: newest,
    }),
  };
};
