// Writes a Kafka record batch (magic 2) in one pass into one buffer. kafkajs allocates an Encoder of 512 bytes per record
// and per header and copies each into the next; with our headers that costs more than everything else of a send.
// The bytes are the same (a property test compares them), down to what kafkajs writes for a producer without idempotence.
import { schemaVersion } from '../records/envelope.ts';
import type { Codec } from './compression.ts';
import { crc32c } from './crc32c.ts';
import type { OutgoingRecord } from './port.ts';
import { protocolError } from './protocol-error.ts';

/** Bytes of a record batch before its first record. */
export const batchHeadBytes = 61;

/** Most bytes that a record can need besides key, value and the texts of its headers: lengths, deltas, header names. */
const recordFrameBytes = 96;

/** How many bytes a record takes in an uncompressed batch: never less than it does (header texts are ASCII). */
export const recordBytesAtMost = (record: OutgoingRecord): number =>
  recordFrameBytes +
  record.key.length +
  record.value.length +
  record.recordId.length +
  record.sourceId.length +
  (record.revision?.length ?? 0);

const invalidTimestamp = 32;

/** Why a record cannot be written at all, or null. Found here, so that it fails alone. */
export const faultOf = (record: OutgoingRecord): Error | null => {
  if (!Buffer.isBuffer(record.key) || !Buffer.isBuffer(record.value)) {
    const error = new TypeError(`key and value of record ${record.recordId} must be buffers`);
    return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
  }
  if (!Number.isFinite(record.timestampMs) || record.timestampMs < 0) {
    return protocolError(invalidTimestamp, `record ${record.recordId} has timestamp ${record.timestampMs}`);
  }
  return null;
};

/** Bytes of `value` (not negative) as a zigzag varint or varlong. */
const varintBytes = (value: number): number => {
  let bytes = 1;
  for (let rest = value * 2; rest >= 128; rest /= 128) bytes++;
  return bytes;
};

/** Writes `value` (not negative) as a zigzag varint or varlong and returns the position behind it. */
const writeVarint = (target: Buffer, position: number, value: number): number => {
  let at = position;
  let rest = value * 2;
  // Above 2³¹ the bit operators would cut it.
  for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 128;
  for (; rest >= 128; rest >>>= 7) target[at++] = (rest & 127) | 128;
  target[at++] = rest;
  return at;
};

/** Copies `bytes` and returns the position behind it. */
const writeBytes = (target: Buffer, position: number, bytes: Buffer): number => {
  bytes.copy(target, position);
  return position + bytes.length;
};

const encodeHeader = (name: string, value: string): Buffer => {
  const nameBytes = Buffer.from(name, 'utf8');
  const valueBytes = Buffer.from(value, 'utf8');
  const lengths = varintBytes(nameBytes.length) + varintBytes(valueBytes.length);
  const header = Buffer.alloc(lengths + nameBytes.length + valueBytes.length);
  let at = writeVarint(header, 0, nameBytes.length);
  at = writeBytes(header, at, nameBytes);
  at = writeVarint(header, at, valueBytes.length);
  writeBytes(header, at, valueBytes);
  return header;
};

/** Name of the header `record-id` with its length. */
const recordIdName = encodeHeader('record-id', '').subarray(0, -1);
const revisionName = encodeHeader('revision', '').subarray(0, -1);
const schemaVersionHeader = encodeHeader('schema-version', schemaVersion);

/** The headers `source-id` and `schema-version`, made once for all records of a source in a batch. */
const sourceHeaders = (sourceId: string): Buffer =>
  Buffer.concat([encodeHeader('source-id', sourceId), schemaVersionHeader]);

const textHeaderBytes = (name: Buffer, length: number): number => name.length + varintBytes(length) + length;

const writeTextHeader = (target: Buffer, position: number, name: Buffer, value: string, length: number): number => {
  let at = writeBytes(target, position, name);
  at = writeVarint(target, at, length);
  target.write(value, at, length, length === value.length ? 'latin1' : 'utf8');
  return at + length;
};

/** Oldest and newest timestamp, in whole milliseconds. */
const timeSpan = (records: readonly OutgoingRecord[]): { readonly first: number; readonly last: number } => {
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const { timestampMs } of records) {
    if (timestampMs < first) first = timestampMs;
    if (timestampMs > last) last = timestampMs;
  }
  return { first: Math.trunc(first), last: Math.trunc(last) };
};

/** Records one after the other, behind `headBytes` free bytes. Timestamps are not negative. */
const encodeRecords = (records: readonly OutgoingRecord[], firstTimestamp: number, headBytes: number): Buffer => {
  const bodies: number[] = [];
  const sharedHeaders: Buffer[] = [];
  let shared: Buffer = Buffer.alloc(0);
  let sharedFor: string | null = null;
  let size = headBytes;
  for (const [offset, record] of records.entries()) {
    if (record.sourceId !== sharedFor) {
      sharedFor = record.sourceId;
      shared = sourceHeaders(sharedFor);
    }
    sharedHeaders.push(shared);
    const body =
      2 + // attributes, number of headers
      varintBytes(Math.trunc(record.timestampMs) - firstTimestamp) +
      varintBytes(offset) +
      varintBytes(record.key.length) +
      record.key.length +
      varintBytes(record.value.length) +
      record.value.length +
      textHeaderBytes(recordIdName, Buffer.byteLength(record.recordId)) +
      shared.length +
      (record.revision === undefined ? 0 : textHeaderBytes(revisionName, Buffer.byteLength(record.revision)));
    bodies.push(body);
    size += varintBytes(body) + body;
  }
  const target = Buffer.allocUnsafe(size);
  let at = headBytes;
  for (const [offset, record] of records.entries()) {
    at = writeVarint(target, at, bodies[offset] ?? 0);
    target[at++] = 0;
    at = writeVarint(target, at, Math.trunc(record.timestampMs) - firstTimestamp);
    at = writeVarint(target, at, offset);
    at = writeVarint(target, at, record.key.length);
    at = writeBytes(target, at, record.key);
    at = writeVarint(target, at, record.value.length);
    at = writeBytes(target, at, record.value);
    at = writeVarint(target, at, record.revision === undefined ? 3 : 4);
    at = writeTextHeader(target, at, recordIdName, record.recordId, Buffer.byteLength(record.recordId));
    at = writeBytes(target, at, sharedHeaders[offset] ?? shared);
    if (record.revision !== undefined) {
      at = writeTextHeader(target, at, revisionName, record.revision, Buffer.byteLength(record.revision));
    }
  }
  return target;
};

/** What a broker recognises a repeated batch by. */
export interface BatchNumber {
  readonly producerId: bigint;
  readonly epoch: number;
  /** Sequence number of the first record on its partition. */
  readonly sequence: number;
}

const notNumbered: BatchNumber = { producerId: -1n, epoch: 0, sequence: 0 };

/** A record batch without number and checksum: `sealRecordBatch` adds both. At least one record, no timestamp negative or not finite. */
export const assembleRecordBatch = async (records: readonly OutgoingRecord[], codec: Codec): Promise<Buffer> => {
  const { first, last } = timeSpan(records);
  let batch = encodeRecords(records, first, batchHeadBytes);
  if (codec.compress !== null) {
    const compressed = await codec.compress(batch.subarray(batchHeadBytes));
    batch = Buffer.concat([batch.subarray(0, batchHeadBytes), compressed]);
  }
  batch.fill(0, 0, 12);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(0, 12); // partition leader epoch
  batch.writeInt8(2, 16); // magic
  batch.writeInt16BE(codec.attribute, 21);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(first), 27);
  batch.writeBigInt64BE(BigInt(last), 35);
  batch.writeInt32BE(records.length, 57);
  return batch;
};

/** Writes number and checksum into an assembled batch, in place. */
export const sealRecordBatch = (batch: Buffer, number: BatchNumber = notNumbered): void => {
  batch.writeBigInt64BE(number.producerId, 43);
  batch.writeInt16BE(number.epoch, 51);
  batch.writeInt32BE(number.sequence, 53);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
};

/** One record batch as it goes into a Produce request, not numbered. See `assembleRecordBatch`. */
export const encodeRecordBatch = async (records: readonly OutgoingRecord[], codec: Codec): Promise<Buffer> => {
  const batch = await assembleRecordBatch(records, codec);
  sealRecordBatch(batch);
  return batch;
};
