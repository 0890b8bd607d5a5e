// Lag of a real consumer on a real topic.
import { randomUUID } from 'node:crypto';
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { createKafkajsPort } from '../../src/kafka/kafkajs-adapter.ts';
import { abandonedAfterMs, createCommitWatch } from '../../src/lag/abandoned-groups.ts';
import { createLagReader } from '../../src/lag/sample-lag.ts';

const { signal } = new AbortController();

describe('the lag of a real consumer', () => {
  it('is what it has not committed, and none when it has read everything', async () => {
    const brokers = inject('kafkaBrokers');
    const [topic, group] = [`lag-${randomUUID()}`, `lag-${randomUUID()}`];
    const port = createKafkajsPort({ brokers, clientId: 'lag', compression: 'gzip', ssl: false, sasl: null });
    const admin = port.createAdmin();
    const producer = port.createProducer();
    await admin.createTopics([{ topic, partitions: 3, replicationFactor: -1, config: {} }]);
    const send = (from: number, to: number) =>
      producer.publish(Array.from({ length: to - from }, (_, n) => outgoingRecord(topic, from + n)));
    await send(0, 100);

    const kafka = new Kafka({ clientId: 'lag', brokers: [...brokers], logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    let read = 0;
    await consumer.run({
      autoCommitThreshold: 1,
      eachMessage: async () => {
        read++;
      },
    });
    const reader = createLagReader({ admin, watch: createCommitWatch(), noteUnasked: () => {}, now: Date.now });
    const lagNow = async () => (await reader.read(new Map([['s', [topic]]]), [group], Date.now(), signal)).get('s');
    await waitUntil('all is read and committed', async () => read === 100 && (await lagNow())?.records === 0);
    expect(await lagNow()).toMatchObject({ records: 0, group, topic, failure: null });
    await consumer.disconnect();

    await send(100, 137);
    expect(await lagNow()).toMatchObject({ records: 37, group, topic });
    await producer.close();
    await admin.close();
  });

  it('stays at the markers of transactions when it has read everything, and is never taken for abandoned by them', async () => {
    const brokers = inject('kafkaBrokers');
    const [topic, group] = [`lag-${randomUUID()}`, `lag-${randomUUID()}`];
    const port = createKafkajsPort({ brokers, clientId: 'lag', compression: 'gzip', ssl: false, sasl: null });
    const admin = port.createAdmin();
    await admin.createTopics([{ topic, partitions: 1, replicationFactor: -1, config: {} }]);

    const kafka = new Kafka({ clientId: 'lag', brokers: [...brokers], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'one' }, { value: 'two' }] });
    await transaction.commit();
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommitThreshold: 1, eachMessage: async () => {} });

    const watch = createCommitWatch();
    const reader = createLagReader({ admin, watch, noteUnasked: () => {}, now: Date.now });
    const lagAt = async (ms: number) => (await reader.read(new Map([['s', [topic]]]), 'auto', ms, signal)).get('s');
    const atRest = await waitUntil(
      'both records to be read and committed',
      async () => {
        const lag = await lagAt(0);
        return lag?.group === group && (lag.records ?? 9) <= 1 ? lag : null;
      },
      { timeoutMs: 60_000 },
    );
    await consumer.disconnect();
    expect(atRest).toMatchObject({ ends: { [topic]: 3 }, failure: null });
    watch.recall(
      watch.remembered().map((commit) => ({ ...commit, movedAt: -abandonedAfterMs })),
      0,
    );
    expect(await lagAt(0)).toMatchObject({ records: atRest.records, group, abandoned: [] });
    await admin.close();
  });
});
