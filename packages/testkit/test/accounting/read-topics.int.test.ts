import { randomUUID } from 'node:crypto';
import { compareServedWithStored } from '@stream-manager/testkit/accounting/compare';
import { endOffsets, readTopics } from '@stream-manager/testkit/accounting/read-topics';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { CompressionTypes, Kafka, logLevel, type Message } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { servedRecords, storedCopy } from './stored-copy.ts';

const brokers = inject('kafkaBrokers');
const kafka = new Kafka({ clientId: 'read-topics-test', brokers, logLevel: logLevel.NOTHING });

const withTopics = async (
  partitions: readonly number[],
  act: (topics: readonly string[], send: (topic: string, messages: Message[]) => Promise<void>) => Promise<void>,
) => {
  const topics = partitions.map((count) => ({ topic: `read-topics-${randomUUID()}`, numPartitions: count }));
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    await admin.createTopics({ topics, waitForLeaders: true });
    await act(
      topics.map(({ topic }) => topic),
      async (topic, messages) => {
        await producer.send({ topic, messages, compression: CompressionTypes.GZIP });
      },
    );
  } finally {
    await admin.deleteTopics({ topics: topics.map(({ topic }) => topic) });
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  }
};

describe('reading whole topics', () => {
  it('gives every record with key, headers, timestamp and parsed value, in order', async () => {
    await withTopics([3, 1], async ([first, second], send) => {
      await send(first!, [
        { partition: 2, key: 'a', value: '{"n":1}', headers: { 'record-id': 'x' }, timestamp: '1735981350123' },
        { partition: 2, key: 'a', value: '{"n":2}', headers: { h: ['one', 'two'] }, timestamp: '5' },
        { partition: 0, key: null, value: 'no json', timestamp: '6' },
      ]);
      await send(second!, [{ key: 'k', value: null, timestamp: '7' }]);
      const records = await readTopics({ brokers, topics: [first!, second!, first!] });
      const inOrder = [first!, second!].sort();
      expect(records.map(({ topic }) => topic)).toEqual(
        inOrder.flatMap((topic) => Array.from({ length: topic === first ? 3 : 1 }, () => topic)),
      );
      expect(records.filter(({ topic }) => topic === first)).toEqual([
        { topic: first, partition: 0, offset: 0, key: null, headers: {}, timestamp: 6, value: undefined },
        {
          topic: first,
          partition: 2,
          offset: 0,
          key: 'a',
          headers: { 'record-id': 'x' },
          timestamp: 1735981350123,
          value: { n: 1 },
        },
        { topic: first, partition: 2, offset: 1, key: 'a', headers: { h: 'two' }, timestamp: 5, value: { n: 2 } },
      ]);
      expect(records.find(({ topic }) => topic === second)).toMatchObject({ key: 'k', value: undefined });
    });
  });

  it('gives nothing for empty topics and for topics that do not exist', async () => {
    await withTopics([4], async ([topic]) => {
      expect(await readTopics({ brokers, topics: [topic!, `none-${randomUUID()}`] })).toEqual([]);
      expect(await endOffsets({ brokers, topics: [topic!, `none-${randomUUID()}`] })).toHaveLength(4);
      expect(await readTopics({ brokers, topics: [] })).toEqual([]);
    });
  });

  it('begins where earlier ends were, and stops at the ends of now', async () => {
    await withTopics([2], async ([topic], send) => {
      await send(topic!, [
        { partition: 0, value: '1' },
        { partition: 0, value: '2' },
        { partition: 1, value: '3' },
      ]);
      const from = await endOffsets({ brokers, topics: [topic!] });
      expect(from.map(({ partition, offset }) => `${partition}@${offset}`).sort()).toEqual(['0@2', '1@1']);
      expect(await readTopics({ brokers, topics: [topic!], from })).toEqual([]);
      await send(topic!, [
        { partition: 1, value: '4' },
        { partition: 0, value: '5' },
      ]);
      const records = await readTopics({ brokers, topics: [topic!], from });
      expect(records.map(({ partition, offset, value }) => [partition, offset, value])).toEqual([
        [0, 2, 5],
        [1, 1, 4],
      ]);
    });
  });

  it('reaches the end behind transactions, of which only the committed ones count', async () => {
    await withTopics([1], async ([topic]) => {
      const producer = kafka.producer({ transactionalId: randomUUID(), idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      for (const end of ['commit', 'abort'] as const) {
        const transaction = await producer.transaction();
        await transaction.send({ topic: topic!, messages: [{ value: JSON.stringify(end) }] });
        await transaction[end]();
      }
      await producer.disconnect();
      const records = await readTopics({ brokers, topics: [topic!] });
      expect(records.map(({ value }) => value)).toEqual(['commit']);
    });
  });

  it('leaves no group behind', async () => {
    await withTopics([1], async ([topic], send) => {
      await send(topic!, [{ value: '1' }]);
      const admin = kafka.admin();
      await admin.connect();
      const ours = async () => {
        const { groups } = await admin.listGroups();
        return groups.map(({ groupId }) => groupId).filter((id) => id.startsWith('stream-manager-accounting-'));
      };
      const before = new Set(await ours());
      expect(await readTopics({ brokers, topics: [topic!] })).toHaveLength(1);
      // Other tests may be reading at this moment: their groups are not empty, or soon gone.
      await waitUntil('every empty group of the accounting to be gone', async () => {
        const added = (await ours()).filter((id) => !before.has(id));
        const { groups } = added.length === 0 ? { groups: [] } : await admin.describeGroups(added);
        return groups.every(({ state }) => state !== 'Empty');
      });
      await admin.disconnect();
    });
  });

  it('names what it could not read in time', async () => {
    await withTopics([1], async ([topic], send) => {
      await send(topic!, [{ value: '1' }]);
      await expect(readTopics({ brokers, topics: [topic!], timeoutMs: 1 })).rejects.toThrow(`${topic}[0]`);
    });
  });

  it('finds 20,000 records as they were served', async () => {
    const served = servedRecords(5000);
    await withTopics([4], async ([topic], send) => {
      const messages = served.map((record, at) => {
        const { key, headers, timestamp, value } = storedCopy(record, at);
        return { key, headers, timestamp: String(timestamp), value: JSON.stringify(value) };
      });
      for (let from = 0; from < messages.length; from += 2000) await send(topic!, messages.slice(from, from + 2000));
      const stored = await readTopics({ brokers, topics: [topic!] });
      const comparison = compareServedWithStored({ served, stored, topicOf: () => topic! });
      expect(comparison.total).toMatchObject({ served: 20_000, stored: 20_000 });
      expect(comparison.isExact).toBe(true);
    });
  });
});
