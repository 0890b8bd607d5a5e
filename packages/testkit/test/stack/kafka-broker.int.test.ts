import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { startKafkaBroker } from '../../src/stack/kafka-broker.ts';
import { fetchClusterMetadata } from '../../src/stack/kafka-metadata.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const clientOf = (brokers: readonly string[]): Kafka =>
  new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 3 } });

const asAdmin = async <T>(brokers: readonly string[], act: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
};

const endOffset = async (brokers: readonly string[]): Promise<string | undefined> =>
  asAdmin(brokers, async (admin) => (await admin.fetchTopicOffsets('kept'))[0]?.high);

it('keeps records through a kill and a stop, and through a change of its ports', async () => {
  await using directory = await temporaryDirectory();
  const broker = await startKafkaBroker({ dir: directory.path });
  await asAdmin(broker.brokers, async (admin) =>
    admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }], waitForLeaders: true }),
  );
  const producer = clientOf(broker.brokers).producer();
  await producer.connect();
  await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'yes' }] });
  await producer.disconnect();

  const firstPid = broker.pid;
  await broker.kill('SIGKILL');
  await expect(fetchClusterMetadata(broker.brokers[0]!)).rejects.toThrow('ECONNREFUSED');
  await broker.start();
  expect(broker.pid).not.toBe(firstPid);
  expect(await waitUntil('the topic', async () => endOffset(broker.brokers))).toBe('1');
  await broker.stop();
  await broker.stop();

  // Its old ports are taken: it moves, and the quorum of one with it.
  const strangers = await Promise.all(
    [broker.port, broker.controllerPort].map(async (port) => {
      const stranger = createServer().listen(port, '127.0.0.1');
      await once(stranger, 'listening');
      return stranger;
    }),
  );
  const moved = await startKafkaBroker({ dir: directory.path });
  expect(moved.port).not.toBe(broker.port);
  expect(moved.clusterId).toBe(broker.clusterId);
  expect(await waitUntil('the topic', async () => endOffset(moved.brokers))).toBe('1');
  await moved.stop();
  for (const stranger of strangers) stranger.close();
});

it('freezes: connections are taken but not answered, until it is thawed', async () => {
  await using directory = await temporaryDirectory();
  const broker = await startKafkaBroker({ dir: directory.path });
  await broker.kill('SIGSTOP');
  await expect(fetchClusterMetadata(broker.brokers[0]!, 300)).rejects.toThrow('no answer');
  await broker.kill('SIGCONT');
  expect((await fetchClusterMetadata(broker.brokers[0]!)).brokerIds).toEqual([1]);
  await broker.stop();
});

it('tells the end of the log when the broker does not start', async () => {
  await using directory = await temporaryDirectory();
  const start = startKafkaBroker({ dir: directory.path, config: { 'log.retention.bytes': 'many' } });
  await expect(start).rejects.toThrow(/log\.retention\.bytes/);
});
