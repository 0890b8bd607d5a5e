// What a batch costs whose topic does not take its timestamps, on real Kafka: over both clients' wires, with every produce
// request counted.
import { randomUUID } from 'node:crypto';
import { completeSettings } from '@stream-manager/shared/kafka/client-settings';
import { codecOf } from '@stream-manager/shared/kafka/compression';
import { createPort } from '@stream-manager/shared/kafka/create-port';
import { createKafkajsLinks } from '@stream-manager/shared/kafka/kafkajs-links';
import { createKafkajsWire } from '@stream-manager/shared/kafka/kafkajs-wire';
import { createNumberedProducer } from '@stream-manager/shared/kafka/numbered-producer';
import { createPlainProducer } from '@stream-manager/shared/kafka/plain-producer';
import { loadPlatformatic } from '@stream-manager/shared/kafka/platformatic-internals';
import { createPlatformaticLinks } from '@stream-manager/shared/kafka/platformatic-links';
import { createPlatformaticWire } from '@stream-manager/shared/kafka/platformatic-wire';
import type { KafkaPort, OutgoingRecord } from '@stream-manager/shared/kafka/port';
import type { KafkaWire } from '@stream-manager/shared/kafka/wire';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { readTopics } from '@stream-manager/testkit/accounting/read-topics';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { createPublisher } from '../../src/delivery/publish.ts';

const day = 86_400_000;
const codec = codecOf('none');

/** Counts the produce requests of the port that is made over the wire. */
const counting = <Wire extends KafkaWire>(wire: Wire, requests: { count: number }): Wire => ({
  ...wire,
  produce: (...request: Parameters<KafkaWire['produce']>) => {
    requests.count += 1;
    return wire.produce(...request);
  },
});

const openPort = (client: 'kafkajs' | 'platformatic', requests: { count: number }): KafkaPort => {
  const settings = completeSettings({ brokers: inject('kafkaBrokers'), clientId: 'times', ssl: false, sasl: null });
  if (client === 'kafkajs')
    return createPort({
      timeouts: settings.timeouts,
      openWire: () => counting(createKafkajsWire(createKafkajsLinks(settings)), requests),
      createProducer: (wire, parts) => createPlainProducer({ wire, ...parts, codec }, parts.retry),
    });
  const library = loadPlatformatic();
  return createPort({
    timeouts: settings.timeouts,
    openWire: () => counting(createPlatformaticWire(library, createPlatformaticLinks(library, settings)), requests),
    createProducer: (wire, parts, options) => createNumberedProducer({ wire, ...parts, codec }, options),
  });
};

const setUp = async (client: 'kafkajs' | 'platformatic', config: Readonly<Record<string, string>>) => {
  const requests = { count: 0 };
  const port = openPort(client, requests);
  const topic = `times-${randomUUID()}`;
  const [admin, producer, metrics] = [port.createAdmin(), port.createProducer(), createMetrics()];
  await admin.createTopics([{ topic, partitions: 2, replicationFactor: -1, config }]);
  const startedAt = Date.now();
  return {
    requests,
    topic,
    startedAt,
    publisher: createPublisher({ producer, metrics, now: Date.now }),
    /** Records of one key that are ten days old and were ingested a moment ago. */
    old: (from: number, count: number): readonly OutgoingRecord[] =>
      Array.from({ length: count }, (_, n) => ({
        topic,
        key: Buffer.from('one'),
        value: Buffer.from(JSON.stringify({ n: from + n, ingestedAt: new Date(startedAt).toISOString() })),
        timestampMs: startedAt - 10 * day + n,
        recordId: `record-${from + n}`,
        sourceId: 'times',
      })),
    replaced: async () => (await metrics.timestampsReplacedTotal.get()).values[0]?.value ?? 0,
    stored: () => readTopics({ brokers: inject('kafkaBrokers'), topics: [topic] }),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await producer.close();
      await admin.close();
    },
  };
};

const ids = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `record-${n}`);

describe.each(['kafkajs', 'platformatic'] as const)('500 records older than their topic takes, by %s', (client) => {
  it('go out in one request, in order, with the time of their ingestion', async () => {
    await using kafka = await setUp(client, { 'message.timestamp.before.max.ms': `${day}` });
    const { publisher, requests, startedAt } = kafka;
    expect(await publisher.publish(kafka.old(0, 500))).toEqual({ failures: [], acknowledged: 500 });
    expect(requests.count).toBe(1);
    const stored = await kafka.stored();
    expect(stored.map(({ headers }) => headers['record-id'])).toEqual(ids(500));
    expect(new Set(stored.map(({ timestamp }) => timestamp))).toEqual(new Set([startedAt]));
    expect(await kafka.replaced()).toBe(500);
  });

  it('cost many requests only once when the topic was altered a moment ago', async () => {
    await using kafka = await setUp(client, { 'retention.ms': '-1' });
    const { publisher, requests, topic } = kafka;
    expect(await publisher.publish(kafka.old(0, 10))).toEqual({ failures: [], acknowledged: 10 });
    expect(await kafka.replaced()).toBe(0);
    const admin = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name: 'message.timestamp.before.max.ms', value: `${day}` }],
        },
      ],
    });
    await admin.disconnect();
    let sent = 10;
    await waitUntil('the broker refuses old records', async () => {
      expect(await publisher.publish(kafka.old(sent, 20))).toEqual({ failures: [], acknowledged: 20 });
      sent += 20;
      return (await kafka.replaced()) === 20;
    });
    const before = requests.count;
    expect(await publisher.publish(kafka.old(sent, 500))).toEqual({ failures: [], acknowledged: 500 });
    expect(requests.count - before).toBe(1);
    const stored = (await kafka.stored()).map(({ headers }) => headers['record-id']);
    expect(stored).toHaveLength(sent + 500);
    expect(stored.slice(sent)).toEqual(ids(sent + 500).slice(sent));
    expect(await kafka.replaced()).toBe(520);
  });
});
