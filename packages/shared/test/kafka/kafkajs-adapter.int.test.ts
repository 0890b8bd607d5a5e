import { describeKafkaPort } from '@stream-manager/testkit/contracts/kafka-port';
import { openRealKafka } from '@stream-manager/testkit/contracts/real-kafka';
import { inject } from 'vitest';
import type { Compression } from '../../src/kafka/compression.ts';
import { createKafkajsPort } from '../../src/kafka/kafkajs-adapter.ts';

for (const compression of ['none', 'gzip'] as const satisfies readonly Compression[]) {
  describeKafkaPort(`kafkajs (${compression})`, async () =>
    openRealKafka(inject('kafkaBrokers'), (brokers) =>
      createKafkajsPort({ brokers, clientId: 'contract', compression, ssl: false, sasl: null }),
    ),
  );
}
