import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf } from '../../src/kafka/compression.ts';
import type { OutgoingRecord } from '../../src/kafka/port.ts';
import { batchHeadBytes, encodeRecordBatch, recordBytesAtMost } from '../../src/kafka/record-encoder.ts';

const require = createRequire(import.meta.url);
// kafkajs' own encoder, which ours is held against; it has no types.
const encodeOriginalRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;
const original = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(options: object): Promise<{ readonly buffer: Buffer }>;
};

const record: fc.Arbitrary<OutgoingRecord> = fc.record(
  {
    topic: fc.constant('t'),
    key: fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes)),
    value: fc.uint8Array({ maxLength: 9_000 }).map((bytes) => Buffer.from(bytes)),
    // 13 digits: kafkajs sorts timestamps as texts.
    timestampMs: fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }),
    recordId: fc.oneof(fc.base64String({ minLength: 1, maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 80 })),
    sourceId: fc.constantFrom('firms-california', 'a', 'x'.repeat(63)),
    revision: fc.string({ unit: 'binary', maxLength: 20 }),
  },
  { requiredKeys: ['topic', 'key', 'value', 'timestampMs', 'recordId', 'sourceId'] },
);
const batch = fc.array(record, { minLength: 1, maxLength: 80 });

const encodeOriginal = async (records: readonly OutgoingRecord[]): Promise<Buffer> => {
  const times = records.map(({ timestampMs }) => timestampMs);
  const firstTimestamp = Math.min(...times);
  const encoded = await original.RecordBatch({
    compression: 0,
    records: records.map(({ key, value, timestampMs, recordId, sourceId, revision }, offsetDelta) =>
      encodeOriginalRecord({
        offsetDelta,
        timestampDelta: timestampMs - firstTimestamp,
        key,
        value,
        headers: {
          'record-id': recordId,
          'source-id': sourceId,
          'schema-version': '1',
          ...(revision === undefined ? {} : { revision }),
        },
      }),
    ),
    firstTimestamp,
    maxTimestamp: Math.max(...times),
    lastOffsetDelta: records.length - 1,
  });
  return encoded.buffer;
};

describe('the record encoder', () => {
  it('writes the same bytes as kafkajs', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async (records) => {
        const ours = await encodeRecordBatch(records, codecOf('none'));
        expect(ours.equals(await encodeOriginal(records))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    { name: 'gzip', compression: 'gzip', attribute: 1, expand: promisify(gunzip) },
    { name: 'zstd', compression: 'zstd', attribute: 4, expand: promisify(zstdDecompress) },
  ] as const)('compresses the same records with $name', async ({ compression, attribute, expand }) => {
    await fc.assert(
      fc.asyncProperty(batch, async (records) => {
        const plain = await encodeRecordBatch(records, codecOf('none'));
        const compressed = await encodeRecordBatch(records, codecOf(compression));
        expect(compressed.readInt16BE(21)).toBe(attribute);
        expect(compressed.readInt32BE(8)).toBe(compressed.length - 12);
        const expanded = await expand(compressed.subarray(batchHeadBytes));
        expect(expanded.equals(plain.subarray(batchHeadBytes))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('never needs more bytes for a record with ASCII ids than the estimate says', async () => {
    const ascii = record.map((one) => ({ ...one, recordId: 'A'.repeat(22), revision: '0123456789abcdef' }));
    await fc.assert(
      fc.asyncProperty(fc.array(ascii, { minLength: 1, maxLength: 50 }), async (records) => {
        const { length } = await encodeRecordBatch(records, codecOf('none'));
        const estimate = records.reduce((sum, one) => sum + recordBytesAtMost(one), batchHeadBytes);
        expect(length).toBeLessThanOrEqual(estimate);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps timestamps of any number of digits in order, where kafkajs compares them as texts', async () => {
    const at = (timestampMs: number): OutgoingRecord => ({
      topic: 't',
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      timestampMs,
      recordId: 'r',
      sourceId: 's',
    });
    const encoded = await encodeRecordBatch([at(1_700_000_000_000), at(999_999_999_999), at(0)], codecOf('none'));
    expect(encoded.readBigInt64BE(27)).toBe(0n);
    expect(encoded.readBigInt64BE(35)).toBe(1_700_000_000_000n);
  });
});
