import { describeKafkaPort } from '@stream-manager/testkit/contracts/kafka-port';
import { createMemoryKafka } from '@stream-manager/testkit/contracts/memory-kafka';

describeKafkaPort('the memory', async () => createMemoryKafka());
