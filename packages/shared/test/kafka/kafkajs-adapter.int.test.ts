import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { readTopics } from '@stream-manager/testkit/accounting/read-topics';
import { describeKafkaPort, outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { openRealKafka } from '@stream-manager/testkit/contracts/real-kafka';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import type { Compression } from '../../src/kafka/compression.ts';
import { createKafkajsPort } from '../../src/kafka/kafkajs-adapter.ts';
import type { KafkaPort } from '../../src/kafka/port.ts';

const portWith = (brokers: readonly string[], compression: Compression): KafkaPort =>
  createKafkajsPort({ brokers, clientId: 'contract', compression, ssl: false, sasl: null });

for (const compression of ['none', 'gzip'] as const) {
  describeKafkaPort(`kafkajs (${compression})`, async () =>
    openRealKafka(inject('kafkaBrokers'), (brokers) => portWith(brokers, compression)),
  );
}

describe('zstd', () => {
  it('is taken by the broker, and read by a consumer with that codec', async () => {
    // For the reader; kafkajs brings none.
    const decompress = promisify(zstdDecompress);
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({ compress: async () => Buffer.alloc(0), decompress });
    const brokers = inject('kafkaBrokers');
    const topic = `zstd-${randomUUID()}`;
    const port = portWith(brokers, 'zstd');
    const [admin, producer] = [port.createAdmin(), port.createProducer()];
    await admin.createTopics([{ topic, partitions: 1, replicationFactor: -1, config: {} }]);
    expect(await producer.publish([1, 2, 3].map((n) => outgoingRecord(topic, n)))).toEqual({ failures: [] });
    expect((await readTopics({ brokers, topics: [topic] })).map(({ value }) => value)).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ]);
    await producer.close();
    await admin.close();
  });
});
