// What happens to records and connections when a broker is killed or frozen. A broker of its own, which suffers for it.
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
import { createKafkajsPort } from '../../src/kafka/kafkajs-adapter.ts';
import type { KafkaPort, PublishResult } from '../../src/kafka/port.ts';

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

const portWith = (timeouts: Partial<KafkaTimeouts> = {}): KafkaPort =>
  createKafkajsPort({
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

const outcomesOf = ({ failures }: PublishResult): readonly string[] =>
  failures.map(({ error }) => classifySendError(error).outcome);

/** How often each record id lies in a topic. */
const countsIn = async (topic: string): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>();
  for (const { headers } of await readTopics({ brokers: broker.brokers, topics: [topic] })) {
    const id = headers['record-id'] ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
};

describe('producer and admin', () => {
  it('go on by themselves when a killed broker is back, and what they acknowledged is there once', async () => {
    const port = portWith();
    const topic = await makeTopic(port);
    const producer = port.createProducer();
    const admin = port.createAdmin();
    const records = Array.from({ length: 50 }, (_, n) => outgoingRecord(topic, n));
    expect(await producer.publish(records.slice(0, 25))).toEqual({ failures: [] });
    expect(await admin.endOffsets(topic)).toHaveLength(3);

    await broker.kill('SIGKILL');
    expect(new Set(outcomesOf(await producer.publish(records.slice(25))))).toEqual(new Set(['outage']));
    expect(producer.isReachable()).toBe(false);
    await expect(admin.endOffsets(topic)).rejects.toThrow('ECONNREFUSED');

    await broker.start();
    await waitUntil(
      'the rest is acknowledged',
      async () => (await producer.publish(records.slice(25))).failures.length === 0,
    );
    expect(producer.isReachable()).toBe(true);
    expect(await waitUntil('the admin reads', () => admin.endOffsets(topic))).toHaveLength(3);
    const counts = await countsIn(topic);
    expect(counts.size).toBe(50);
    // Nothing listened while it was down, so nothing was in flight.
    expect([...counts.values()].filter((count) => count > 1)).toEqual([]);
    await producer.close();
    await admin.close();
  }, 120_000);

  it('write to a frozen broker once, however often they try', async () => {
    const port = portWith({ connectMs: 500, handshakeMs: 500, produceMs: 500, requestMs: 600 });
    const topic = await makeTopic(port);
    const producer = port.createProducer();
    const record = [outgoingRecord(topic, 1)];
    expect(await producer.publish([outgoingRecord(topic, 0)])).toEqual({ failures: [] });

    await broker.kill('SIGSTOP');
    for (let tries = 0; tries < 4; tries++) expect(outcomesOf(await producer.publish(record))).toEqual(['outage']);
    await broker.kill('SIGCONT');

    await waitUntil('the record is acknowledged', async () => (await producer.publish(record)).failures.length === 0);
    const counts = await countsIn(topic);
    expect(counts.get('record-0')).toBe(1);
    // The one that was in flight when the broker froze may be there, and the one that was acknowledged is.
    expect(counts.get('record-1')).toBeGreaterThanOrEqual(1);
    expect(counts.get('record-1')).toBeLessThanOrEqual(2);
    await producer.close();
  }, 60_000);
});
