// From a real consumer group on a real Kafka to the decision in a real Redis; and the sampler that does it is killed.
import { randomUUID } from 'node:crypto';
import { createKafkajsPort } from '@stream-manager/shared/kafka/kafkajs-adapter';
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { openSamplerFleet } from './sampler-bundle.ts';
import { leaseKey, samplerProcess } from './sampler-process.ts';

const patience = { timeoutMs: 60_000 };

describe('the lag of a real consumer', () => {
  it('becomes one decision of the fleet, on which another process goes on when the sampler is killed', async () => {
    const brokers = inject('kafkaBrokers');
    const [topic, group] = [`takeover-${randomUUID()}`, `takeover-${randomUUID()}`];
    await using fleet = await openSamplerFleet({ a: [topic] });
    const port = createKafkajsPort({ brokers, clientId: 'takeover', compression: 'gzip', ssl: false, sasl: null });
    const [admin, producer] = [port.createAdmin(), port.createProducer()];
    await admin.createTopics([{ topic, partitions: 3, replicationFactor: -1, config: { 'retention.ms': '-1' } }]);
    const send = (from: number, to: number) =>
      producer.publish(Array.from({ length: to - from }, (_, n) => outgoingRecord(topic, from + n)));
    const stands = async () => (await fleet.store.load(['a'])).get('a') ?? { number: 0, state: null };
    const decided = async () => (await fleet.store.read(['a'])).get('a')?.decision;

    await send(0, 100);
    const [one, other] = ['one', 'other'].map((name) => samplerProcess(fleet, { name, intervalMs: 250, admin }));
    await one!.act.start(new AbortController().signal);
    await waitUntil('the first sample', async () => (await stands()).number > 0, patience);
    await other!.act.start(new AbortController().signal);
    expect(await decided()).toMatchObject({ action: 'no_sample', lag: null });

    const kafka = new Kafka({ clientId: 'takeover', brokers: [...brokers], logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommitThreshold: 1, eachMessage: async () => {} });
    // Groups are looked for every 5 s while there is none.
    await waitUntil('the group, which has read everything', async () => (await decided())?.lag === 0, patience);
    expect(await decided()).toMatchObject({ action: 'none', reason: expect.any(String) });
    await consumer.disconnect();

    await send(100, 120);
    await waitUntil('the new lag', async () => (await decided())?.lag === 20, patience);
    expect(await decided()).toMatchObject({ action: 'throttle_moderate', lag: 20 });
    await send(120, 160);
    await waitUntil('the highest level', async () => (await decided())?.level === 4, patience);
    const killed = (await fleet.redis.get(leaseKey(fleet))) === 'one' ? one! : other!;
    const left = killed === one ? other! : one!;
    killed.kill();
    const before = await stands();
    await waitUntil('three samples of the other', async () => (await stands()).number > before.number + 3, patience);

    const now = await stands();
    expect(now.state?.level).toBe(4);
    expect(now.state?.since).toBe(before.state?.since);
    expect(now.state?.ends).toEqual({ [topic]: 160 });
    expect(now.state?.allowedRate).toBeLessThanOrEqual(before.state?.allowedRate ?? 0);
    expect(await decided()).toMatchObject({ action: 'throttle_critical', lag: 60 });
    // Each number once, over both.
    await left.act.stop();
    const all = [one!, other!].flatMap(({ sampler }) => sampler.written.map(({ number }) => number));
    expect(all.toSorted((x, y) => x - y)).toEqual(Array.from({ length: (await stands()).number }, (_, n) => n + 1));
    expect(left.sampler.written.at(-1)?.number).toBe((await stands()).number);
    await killed.act.stop();
    await producer.close();
    await admin.close();
  });
});
