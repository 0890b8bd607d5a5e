import { Kafka, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { startKafkaCluster } from '../../src/stack/kafka-cluster.ts';
import { fetchClusterMetadata } from '../../src/stack/kafka-metadata.ts';
import { createTopic } from '../../src/stack/kafka-topics.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { temporaryDirectory } from './temporary-directory.ts';

it('is three brokers with every topic on all, writable with one of them killed', { timeout: 120_000 }, async () => {
  await using directory = await temporaryDirectory();
  const cluster = await startKafkaCluster({ dir: directory.path });
  const { brokerIds } = await fetchClusterMetadata(cluster.brokers[0]!);
  expect(brokerIds.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  await createTopic(cluster.brokers, { name: 'kept', partitions: 1 });

  await cluster.nodes[1]?.kill('SIGKILL');
  const producer = new Kafka({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const send = async (): Promise<boolean> => {
    const [answer] = await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'yes' }] });
    return answer?.errorCode === 0;
  };
  expect(await waitUntil('a record to be written', send, { timeoutMs: 60_000 })).toBe(true);
  await producer.disconnect();
  await cluster.stop();
  await cluster.stop();
});
