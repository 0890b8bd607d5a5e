import { describeKafkaPort } from '@stream-manager/testkit/contracts/kafka-port';
import { openRealKafka } from '@stream-manager/testkit/contracts/real-kafka';
import { inject } from 'vitest';
import { createPlatformaticPort } from '../../src/kafka/platformatic-adapter.ts';

for (const { name, compression, idempotent } of [
  { name: 'none', compression: 'none', idempotent: true },
  { name: 'gzip', compression: 'gzip', idempotent: true },
  { name: 'none, not idempotent', compression: 'none', idempotent: false },
] as const) {
  describeKafkaPort(`platformatic (${name})`, async () =>
    openRealKafka(inject('kafkaBrokers'), (brokers) =>
      createPlatformaticPort({ brokers, clientId: 'contract', compression, idempotent, ssl: false, sasl: null }),
    ),
  );
}
