import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/kafka/crc32c.ts';

// kafkajs' own checksum, signed or not as it comes; it has no types.
const original = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;

describe('crc32c', () => {
  it.each([
    { name: 'the check value of the standard', bytes: Buffer.from('123456789'), expected: 0xe3069283 },
    { name: 'RFC 3720: 32 bytes of zeros', bytes: Buffer.alloc(32), expected: 0x8a9136aa },
    { name: 'RFC 3720: 32 bytes of ones', bytes: Buffer.alloc(32, 0xff), expected: 0x62a8ab43 },
    { name: 'nothing', bytes: Buffer.alloc(0), expected: 0 },
  ])('gives $name', ({ bytes, expected }) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('is the same as byte by byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), (bytes, skip) => {
        const part = Buffer.from(bytes).subarray(skip);
        expect(crc32c(part)).toBe(original(part));
      }),
    );
  });
});
