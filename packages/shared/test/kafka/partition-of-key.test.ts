import { compatibilityPartitioner } from '@platformatic/kafka';
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionOfKey } from '../../src/kafka/partition-of-key.ts';

describe('the partition of a key', () => {
  // From org.apache.kafka.common.utils.UtilsTest.
  it.each([
    { key: '21', hash: -973932308 },
    { key: 'foobar', hash: -790332482 },
    { key: 'a-little-bit-long-string', hash: -985981536 },
    { key: 'a-little-bit-longer-string', hash: -1486304829 },
    { key: 'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', hash: -58897971 },
    { key: 'abc', hash: 479470107 },
  ])('hashes "$key" as the Java client does', ({ key, hash }) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('is that of kafkajs for any key and number of partitions', () => {
    const partitioner = Partitioners.DefaultPartitioner();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 1, max: 60 }), (bytes, count) => {
        const key = Buffer.from(bytes);
        const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
          partitionId,
          partitionErrorCode: 0,
          leader: 1,
          replicas: [1],
          isr: [1],
        }));
        const theirs = partitioner({ topic: 't', partitionMetadata, message: { key, value: null } });
        expect(partitionOfKey(key, count)).toBe(theirs);
      }),
    );
  });

  it("is that of platformatic's partitioner for Java, which its default one is not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.integer({ min: 1, max: 60 }), (bytes, count) => {
        const key = Buffer.from(bytes);
        expect(partitionOfKey(key, count)).toBe(compatibilityPartitioner({ topic: 't' }, key) % count);
      }),
    );
  });
});
