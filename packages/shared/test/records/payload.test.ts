import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PreparedRecord, StoredRecord } from '../../src/records/payload.ts';
import { decodePayload, encodePayload, isPayloadFault, payloadVersion } from '../../src/records/payload.ts';

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

const preparedRecord: fc.Arbitrary<PreparedRecord> = fc.record({
  id: bytes(16),
  hash: bytes(8),
  eventTimeMs: fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.double({ noNaN: true })),
  key: fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('', '-118.2,34.0', 'Zürich', '🔥')),
  value: fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
});

const decoded = (payload: Buffer): readonly StoredRecord[] => {
  const records = decodePayload(payload);
  if (isPayloadFault(records)) throw new Error(`unexpected fault ${records.kind}`);
  return records;
};

const one: PreparedRecord = {
  id: Buffer.alloc(16, 1),
  hash: Buffer.alloc(8, 2),
  eventTimeMs: 1_767_517_320_000,
  key: 'KSMO',
  value: Buffer.from('{"id":"x"}'),
};

describe('payload', () => {
  it('gives back what was put in, in order', () => {
    fc.assert(
      fc.property(fc.array(preparedRecord, { maxLength: 40 }), (records) => {
        expect(decoded(encodePayload(records))).toEqual(
          records.map((record, index) => ({ ...record, index, key: Buffer.from(record.key, 'utf8') })),
        );
      }),
    );
  });

  it('has the layout that is written down, byte for byte', () => {
    const payload = encodePayload([one, { ...one, key: '', value: Buffer.from('{}') }]);
    expect(payload.length).toBe(5 + 2 * 38 + 4 + 0 + 10 + 2);
    expect(payload.readUInt8(0)).toBe(1);
    expect(payload.readUInt32LE(1)).toBe(2);
    expect(payload.readUInt32LE(5)).toBe(10);
    expect(payload.readUInt16LE(9)).toBe(4);
    expect(payload.readDoubleLE(11)).toBe(one.eventTimeMs);
    expect(payload.subarray(19, 35)).toEqual(one.id);
    expect(payload.subarray(35, 43)).toEqual(one.hash);
    expect(payload.subarray(81).toString()).toBe('KSMO{"id":"x"}{}');
  });

  it('gives views into the payload, not copies', () => {
    const payload = encodePayload([one]);
    expect(decoded(payload)[0]?.value.buffer).toBe(payload.buffer);
  });

  it('takes a key of 65,535 bytes and refuses a longer one', () => {
    expect(decoded(encodePayload([{ ...one, key: 'k'.repeat(65_535) }]))[0]?.key.length).toBe(65_535);
    expect(() => encodePayload([{ ...one, key: 'k'.repeat(65_536) }])).toThrow(RangeError);
    expect(() => encodePayload([{ ...one, key: 'ü'.repeat(32_768) }])).toThrow('65536 bytes');
  });

  it('leaves a payload of a newer version alone, whatever follows the version', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: payloadVersion + 1, max: 255 }),
        fc.uint8Array({ minLength: 4 }),
        (version, rest) => {
          expect(decodePayload(Buffer.from([version, ...rest]))).toEqual({ kind: 'newer', version });
        },
      ),
    );
  });

  it.each([
    { name: 'nothing at all', payload: Buffer.alloc(0) },
    { name: 'less than a head', payload: Buffer.from([1, 0, 0, 0]) },
    { name: 'version 0', payload: Buffer.from([0, 0, 0, 0, 0]) },
    { name: 'a count without entries', payload: Buffer.from([1, 1, 0, 0, 0]) },
    { name: 'a count that would not fit into memory', payload: Buffer.from([1, 255, 255, 255, 255, 0, 0]) },
    { name: 'a byte too many', payload: Buffer.concat([encodePayload([one]), Buffer.from([0])]) },
  ])('calls $name damaged', ({ payload }) => {
    expect(decodePayload(payload)).toEqual({ kind: 'damaged' });
  });

  it('calls every payload that was cut short damaged, and never throws', () => {
    fc.assert(
      fc.property(fc.array(preparedRecord, { minLength: 1, maxLength: 8 }), fc.nat(), (records, at) => {
        const whole = encodePayload(records);
        expect(decodePayload(whole.subarray(0, at % whole.length))).toEqual({ kind: 'damaged' });
      }),
    );
  });

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        const records = decodePayload(Buffer.from(random));
        expect(isPayloadFault(records) || Array.isArray(records)).toBe(true);
      }),
    );
  });
});
