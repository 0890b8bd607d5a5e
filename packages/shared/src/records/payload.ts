// The payload of a chunk: its records, serialised once by the poller and never rewritten. Little endian:
//   u8 version, u32 n, then per record: u32 value length, u16 key length, f64 event time (ms),
//   16 bytes id, 8 bytes content hash; then all keys (UTF-8), then all values (the finished Kafka values).
// The fixed part stands first, so that ids and lengths are read without touching the values.

/** Version written by this build. A payload with a higher version goes back to the queue, unread. */
export const payloadVersion = 1;

const headBytes = 5;
const entryBytes = 38;

/** A record ready to be stored: its value is the finished Kafka value. */
export interface PreparedRecord {
  /** 16 bytes. */
  readonly id: Buffer;
  /** 8 bytes over observedAt, location and data. */
  readonly hash: Buffer;
  /** Event time in milliseconds since the epoch. */
  readonly eventTimeMs: number;
  /** Kafka key. At most 65,535 bytes of UTF-8. */
  readonly key: string;
  /** JSON of the envelope, UTF-8. */
  readonly value: Buffer;
}

/** Serialises records into one payload. Throws a RangeError if a key is longer than 65,535 bytes. */
export const encodePayload = (records: readonly PreparedRecord[]): Buffer => {
  const keys = records.map((record) => Buffer.from(record.key, 'utf8'));
  let size = headBytes + entryBytes * records.length;
  for (const [index, record] of records.entries()) size += record.value.length + (keys[index]?.length ?? 0);
  const payload = Buffer.allocUnsafe(size);
  payload.writeUInt8(payloadVersion, 0);
  payload.writeUInt32LE(records.length, 1);
  let keyAt = headBytes + entryBytes * records.length;
  let valueAt = keyAt;
  for (const key of keys) valueAt += key.length;
  for (const [index, record] of records.entries()) {
    const key = keys[index] ?? Buffer.alloc(0);
    if (key.length > 0xffff) throw new RangeError(`a Kafka key of ${key.length} bytes is longer than 65,535 bytes`);
    const entry = headBytes + entryBytes * index;
    payload.writeUInt32LE(record.value.length, entry);
    payload.writeUInt16LE(key.length, entry + 4);
    payload.writeDoubleLE(record.eventTimeMs, entry + 6);
    record.id.copy(payload, entry + 14);
    record.hash.copy(payload, entry + 30);
    keyAt += key.copy(payload, keyAt);
    valueAt += record.value.copy(payload, valueAt);
  }
  return payload;
};

/** A stored record, as views into the payload (nothing is copied). */
export interface StoredRecord {
  readonly index: number;
  readonly id: Buffer;
  readonly hash: Buffer;
  readonly eventTimeMs: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Why a payload could not be read: `newer` = written by a later version (leave it alone), `damaged` = unreadable. */
export type PayloadFault = { readonly kind: 'newer'; readonly version: number } | { readonly kind: 'damaged' };

/** Reads a payload; a fault instead of records if it is not one that this build can read. */
export const decodePayload = (payload: Buffer): readonly StoredRecord[] | PayloadFault => {
  if (payload.length < headBytes) return { kind: 'damaged' };
  const version = payload.readUInt8(0);
  if (version > payloadVersion) return { kind: 'newer', version };
  const count = payload.readUInt32LE(1);
  const fixed = headBytes + entryBytes * count;
  if (version === 0 || payload.length < fixed) return { kind: 'damaged' };
  let keysLength = 0;
  let valuesLength = 0;
  for (let index = 0; index < count; index++) {
    const entry = headBytes + entryBytes * index;
    valuesLength += payload.readUInt32LE(entry);
    keysLength += payload.readUInt16LE(entry + 4);
  }
  if (payload.length !== fixed + keysLength + valuesLength) return { kind: 'damaged' };
  const records: StoredRecord[] = [];
  let keyAt = fixed;
  let valueAt = fixed + keysLength;
  for (let index = 0; index < count; index++) {
    const entry = headBytes + entryBytes * index;
    const valueEnd = valueAt + payload.readUInt32LE(entry);
    const keyEnd = keyAt + payload.readUInt16LE(entry + 4);
    records.push({
      index,
      id: payload.subarray(entry + 14, entry + 30),
      hash: payload.subarray(entry + 30, entry + 38),
      eventTimeMs: payload.readDoubleLE(entry + 6),
      key: payload.subarray(keyAt, keyEnd),
      value: payload.subarray(valueAt, valueEnd),
    });
    keyAt = keyEnd;
    valueAt = valueEnd;
  }
  return records;
};

/** Tells a fault from records. */
export const isPayloadFault = (decoded: readonly StoredRecord[] | PayloadFault): decoded is PayloadFault =>
  !Array.isArray(decoded);
