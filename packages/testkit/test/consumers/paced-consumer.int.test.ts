import { randomUUID } from 'node:crypto';
import { leaveGroupAtBeginning, watchGroupLag } from '@stream-manager/testkit/accounting/group-lag';
import { startPacedConsumer } from '@stream-manager/testkit/consumers/paced-consumer';
import { createTopic, deleteTopic } from '@stream-manager/testkit/stack/kafka-topics';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';

const brokers = inject('kafkaBrokers');
const timeoutMs = 30_000;

/** A topic of two partitions with so many records in it, and a group that has read none of them. */
const setup = async (records: number) => {
  const [topic, groupId] = [`paced-${randomUUID()}`, `paced-${randomUUID()}`];
  await createTopic(brokers, { name: topic, partitions: 2 });
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const messages = Array.from({ length: records }, (_unused, index) => ({ partition: index % 2, value: 'x' }));
  await producer.send({ topic, messages });
  await producer.disconnect();
  await leaveGroupAtBeginning({ brokers, groupId, topic });
  const watch = await watchGroupLag({ brokers, groupId, topic, intervalMs: 20 });
  const lag = (): number | undefined => watch.seen.at(-1)?.lag;
  return {
    groupId,
    topic,
    watch,
    lag,
    [Symbol.asyncDispose]: async () => {
      await watch.stop();
      await deleteTopic(brokers, topic);
    },
  };
};

describe('a consumer whose speed can be set', () => {
  it('stands still at 0, and reads and commits all when it is let go', async () => {
    await using group = await setup(500);
    await waitUntil('the lag to be seen', () => group.lag() === 500, { timeoutMs });
    const consumer = await startPacedConsumer({ brokers, ...group, capacity: 0, commitIntervalMs: 50 });
    try {
      const looks = group.watch.seen.length;
      await waitUntil('some more looks', () => group.watch.seen.length >= looks + 20, { timeoutMs });
      expect([consumer.consumed(), group.lag()]).toEqual([0, 500]);
      consumer.setCapacity(Number.POSITIVE_INFINITY);
      await waitUntil('the lag to be gone', () => group.lag() === 0, { timeoutMs });
      expect(consumer.consumed()).toBe(500);
      expect(group.watch.seen.at(-1)?.end).toBe(500);
    } finally {
      await consumer.stop();
    }
  });

  it('goes on where it had committed, and leaves the rest as lag when it stops', async () => {
    await using group = await setup(2_000);
    const slow = await startPacedConsumer({ brokers, ...group, capacity: 500, commitIntervalMs: 50 });
    await waitUntil('a part to be committed', () => (group.lag() ?? 2_000) < 1_900, { timeoutMs });
    await slow.stop();
    const before = slow.consumed();
    expect(before).toBeLessThan(2_000);
    const rest = await startPacedConsumer({ brokers, ...group, commitIntervalMs: 50 });
    await waitUntil('the lag to be gone', () => group.lag() === 0, { timeoutMs });
    await rest.stop();
    // What the first had read and not yet committed is read again.
    expect(before + rest.consumed()).toBeGreaterThanOrEqual(2_000);
  });
});
