// What happens to records when a broker is killed or frozen under the idempotent producer. A broker of its own.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTopics } from '@stream-manager/testkit/accounting/read-topics';
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { type KafkaBroker, startKafkaBroker } from '@stream-manager/testkit/stack/kafka-broker';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifySendError } from '../../src/failures/send-outcome.ts';
import type { KafkaTimeouts } from '../../src/kafka/client-settings.ts';
import { createPlatformaticPort } from '../../src/kafka/platformatic-adapter.ts';
import type { KafkaPort } from '../../src/kafka/port.ts';

let dir: string;
let broker: KafkaBroker;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stream-manager-test-kafka-'));
  // A local one, also when the run's Kafka is given from outside.
  const { KAFKA_BROKERS: _, ...env } = process.env;
  broker = await startKafkaBroker({
    dir,
    env,
    // A restarted node is let in when the session of the killed one has ended: 9 s by default.
    config: { 'broker.session.timeout.ms': '1500', 'broker.heartbeat.interval.ms': '300' },
  });
}, 120_000);

afterAll(async () => {
  await broker.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Far below a freeze. */
const hasty: Partial<KafkaTimeouts> = { connectMs: 500, handshakeMs: 500, produceMs: 500, requestMs: 600 };

const portWith = (timeouts: Partial<KafkaTimeouts> = {}): KafkaPort =>
  createPlatformaticPort({
    brokers: broker.brokers,
    clientId: 'outage',
    compression: 'none',
    ssl: false,
    sasl: null,
    timeouts,
  });

const makeTopic = async (port: KafkaPort): Promise<string> => {
  const topic = `outage-${randomUUID()}`;
  const admin = port.createAdmin();
  // The records of these tests are older than a topic keeps them by default.
  await admin.createTopics([{ topic, partitions: 3, replicationFactor: -1, config: { 'retention.ms': '-1' } }]);
  await admin.close();
  return topic;
};

/** How often each record id lies in a topic. */
const countsIn = async (topic: string): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>();
  for (const { headers } of await readTopics({ brokers: broker.brokers, topics: [topic] })) {
    const id = headers['record-id'] ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
};

describe('the idempotent producer', () => {
  it('reports what it could not send to a killed broker, and goes on when that is back', async () => {
    const port = portWith();
    const topic = await makeTopic(port);
    const troubles: unknown[] = [];
    const producer = port.createProducer({ onTrouble: (error) => troubles.push(error) });
    const records = Array.from({ length: 50 }, (_, n) => outgoingRecord(topic, n));
    expect(await producer.publish(records.slice(0, 25))).toEqual({ failures: [] });

    await broker.kill('SIGKILL');
    const { failures } = await producer.publish(records.slice(25));
    expect(new Set(failures.map(({ error }) => classifySendError(error).outcome))).toEqual(new Set(['outage']));
    expect(failures.flatMap(({ indexes }) => indexes)).toHaveLength(25);
    expect(producer.isReachable()).toBe(false);
    // It is over for these; nothing is kept up.
    expect(troubles).toEqual([]);

    await broker.start();
    await waitUntil(
      'the rest is acknowledged',
      async () => (await producer.publish(records.slice(25))).failures.length === 0,
      { timeoutMs: 60_000 },
    );
    expect(producer.isReachable()).toBe(true);
    const counts = await countsIn(topic);
    expect(counts.size).toBe(50);
    expect([...counts.values()].filter((count) => count > 1)).toEqual([]);
    await producer.close();
  }, 120_000);

  it('keeps up what a frozen broker did not answer, tells of it, and has it there once', async () => {
    const port = portWith(hasty);
    const topic = await makeTopic(port);
    const troubles: unknown[] = [];
    const producer = port.createProducer({ onTrouble: (error) => troubles.push(error) });
    expect(await producer.publish([outgoingRecord(topic, 0)])).toEqual({ failures: [] });

    await broker.kill('SIGSTOP');
    const publishing = producer.publish([outgoingRecord(topic, 1)]);
    await waitUntil('it was tried again and again', () => troubles.length >= 2, { timeoutMs: 60_000 });
    for (const trouble of troubles) expect(classifySendError(trouble).outcome).toBe('outage');
    expect(producer.isReachable()).toBe(false);
    await broker.kill('SIGCONT');

    expect(await publishing).toEqual({ failures: [] });
    expect(producer.isReachable()).toBe(true);
    expect(await countsIn(topic)).toEqual(
      new Map([
        ['record-0', 1],
        ['record-1', 1],
      ]),
    );
    await producer.close();
  }, 120_000);

  it('goes through the restart of a killed broker that did not answer, and has everything there once', async () => {
    const port = portWith(hasty);
    const topic = await makeTopic(port);
    const troubles: unknown[] = [];
    const producer = port.createProducer({ onTrouble: (error) => troubles.push(error) });
    expect(await producer.publish([outgoingRecord(topic, 0)])).toEqual({ failures: [] });

    await broker.kill('SIGSTOP');
    const publishing = producer.publish([outgoingRecord(topic, 1)]);
    await waitUntil('it is kept up', () => troubles.length > 0, { timeoutMs: 60_000 });
    await broker.kill('SIGKILL');
    await broker.start();

    expect(await publishing).toEqual({ failures: [] });
    expect((await countsIn(topic)).get('record-1')).toBe(1);
    await producer.close();
  }, 120_000);

  it('lets go of what it keeps up when it is closed', async () => {
    const port = portWith(hasty);
    const topic = await makeTopic(port);
    const troubles: unknown[] = [];
    const producer = port.createProducer({ onTrouble: (error) => troubles.push(error) });
    expect(await producer.publish([outgoingRecord(topic, 0)])).toEqual({ failures: [] });

    await broker.kill('SIGSTOP');
    try {
      const publishing = producer.publish([outgoingRecord(topic, 1)]);
      await waitUntil('it is kept up', () => troubles.length > 0, { timeoutMs: 60_000 });
      await producer.close();
      const { failures } = await publishing;
      expect(failures.map(({ indexes }) => indexes)).toEqual([[0]]);
      expect(classifySendError(failures[0]?.error)).toMatchObject({ outcome: 'outage', code: 'stopped' });
    } finally {
      await broker.kill('SIGCONT');
    }
  }, 120_000);
});
