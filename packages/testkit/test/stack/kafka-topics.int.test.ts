import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { endOffsets } from '../../src/accounting/read-topics.ts';
import { createTopic, deleteTopic } from '../../src/stack/kafka-topics.ts';
import { waitUntil } from '../../src/wait-until.ts';

it('makes a topic once, and deletes it', async () => {
  const brokers = inject('kafkaBrokers');
  const name = `topics-${randomUUID()}`;
  await createTopic(brokers, { name, partitions: 3, config: { 'max.message.bytes': '2000' } });
  expect(await endOffsets({ brokers, topics: [name] })).toHaveLength(3);
  await expect(createTopic(brokers, { name })).rejects.toThrow('exists already');
  await deleteTopic(brokers, name);
  const isGone = async (): Promise<boolean> => (await endOffsets({ brokers, topics: [name] })).length === 0;
  expect(await waitUntil('the topic to go', isGone, { timeoutMs: 30_000 })).toBe(true);
});
