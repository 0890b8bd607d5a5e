import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifySendError } from '../../src/failures/send-outcome.ts';
import { createClusterMetadata } from '../../src/kafka/cluster-metadata.ts';
import { codecOf } from '../../src/kafka/compression.ts';
import { partitionOfKey } from '../../src/kafka/partition-of-key.ts';
import { createPlainProducer } from '../../src/kafka/plain-producer.ts';
import type { KafkaProducerPort, OutgoingRecord } from '../../src/kafka/port.ts';
import { createTopicLimits } from '../../src/kafka/topic-limits.ts';
import { type ArrivedBatch, createFakeCluster, type FakeCluster, type Reply } from './fake-cluster.ts';

const retry = { retries: 3, firstDelayMs: 0, maxDelayMs: 0, withinMs: 60_000 };

const setUp = (
  reply: (batch: ArrivedBatch) => Reply,
  options: { readonly maxMessageBytes?: number } = {},
): { readonly cluster: FakeCluster; readonly producer: KafkaProducerPort } => {
  const cluster = createFakeCluster({
    topics: { a: 3, b: 2 },
    brokers: 2,
    maxMessageBytes: options.maxMessageBytes ?? 1_000_000,
    reply,
  });
  const { wire } = cluster;
  const now = (): number => 0;
  const producer = createPlainProducer(
    {
      wire,
      metadata: createClusterMetadata(wire, { maxAgeMs: 60_000, now }),
      limits: createTopicLimits(wire, now),
      codec: codecOf('none'),
      produceTimeoutMs: 1_000,
    },
    retry,
  );
  return { cluster, producer };
};

const idsOf = (cluster: FakeCluster): readonly string[] => [...cluster.log.values()].flat();
const records = (count: number, topicOf: (n: number) => string = () => 'a'): readonly OutgoingRecord[] =>
  Array.from({ length: count }, (_, n) => outgoingRecord(topicOf(n), n));

/** Records whose id ends so are refused by the cluster wherever they stand. */
const isBad = (id: string): boolean => id.endsWith('3') || id.endsWith('7');
const refusing =
  (code: number) =>
  ({ ids }: ArrivedBatch): Reply =>
    ids.some(isBad) ? code : 'written';

describe('publishing', () => {
  it.each([
    { name: 'MESSAGE_TOO_LARGE', code: 10 },
    { name: 'RECORD_LIST_TOO_LARGE', code: 18 },
    { name: 'INVALID_TIMESTAMP', code: 32 },
    { name: 'INVALID_RECORD', code: 87 },
  ])('splits a batch that is refused with $name until the records at fault stand alone', async ({ code }) => {
    const { cluster, producer } = setUp(refusing(code));
    const { failures } = await producer.publish(records(100));
    const failed = failures.flatMap(({ indexes }) => indexes).toSorted((a, b) => a - b);
    expect(failed).toEqual(Array.from({ length: 100 }, (_, n) => n).filter((n) => isBad(`record-${n}`)));
    for (const { error } of failures) expect(classifySendError(error).outcome).toBe('poison');
    const expected = records(100).map(({ recordId }) => recordId);
    expect(idsOf(cluster).toSorted()).toEqual(expected.filter((id) => !isBad(id)).toSorted());
  });

  it('keeps the order of a partition when its batch is split', async () => {
    const { cluster, producer } = setUp(refusing(10));
    const key = Buffer.from('one');
    await producer.publish(records(64).map((record) => ({ ...record, key })));
    const expected = records(64).map(({ recordId }) => recordId);
    expect(cluster.log.get(`a/${partitionOfKey(key, 3)}`)).toEqual(expected.filter((id) => !isBad(id)));
  });

  it('sends nothing again that one partition acknowledged while another did not', async () => {
    const { cluster, producer } = setUp(({ partition }) => (partition === 1 ? 6 : 'written'));
    const { failures } = await producer.publish(records(60));
    const failed = new Set(failures.flatMap(({ indexes }) => indexes));
    for (const [index, { key }] of records(60).entries()) {
      expect(failed.has(index)).toBe(partitionOfKey(key, 3) === 1);
    }
    const stored = idsOf(cluster);
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored).toHaveLength(60 - failed.size);
  });

  it('tries again what passes by itself, within the same call', async () => {
    let refusals = 2;
    const { cluster, producer } = setUp(() => (refusals-- > 0 ? 5 : 'written'));
    expect(await producer.publish(records(20))).toEqual({ failures: [] });
    expect(idsOf(cluster)).toHaveLength(20);
  });

  it.each<{ name: string; reply: Reply; sends: number; copies: number }>([
    { name: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', reply: { appended: 20 }, sends: 1, copies: 1 },
    { name: 'REQUEST_TIMED_OUT', reply: { appended: 7 }, sends: 1, copies: 1 },
    { name: 'NOT_ENOUGH_REPLICAS', reply: 19, sends: 4, copies: 0 },
    { name: 'NOT_LEADER_FOR_PARTITION', reply: 6, sends: 4, copies: 0 },
  ])(
    'sends a batch that is answered with $name $sends times: $copies copies',
    async ({ name, reply, sends, copies }) => {
      let arrived = 0;
      const { cluster, producer } = setUp(() => {
        arrived++;
        return reply;
      });
      const { failures } = await producer.publish(records(1));
      expect(failures.map(({ indexes }) => indexes)).toEqual([[0]]);
      expect(classifySendError(failures[0]?.error)).toMatchObject({ outcome: 'outage', code: name });
      expect(arrived).toBe(sends);
      expect(idsOf(cluster)).toHaveLength(copies);
    },
  );

  it('reports records of a partition that the answer leaves out, which kafkajs takes for written', async () => {
    const { producer } = setUp(({ partition }) => (partition === 0 ? 'no answer' : 'written'));
    const { failures } = await producer.publish(records(60));
    const failed = new Set(failures.flatMap(({ indexes }) => indexes));
    expect(failed.size).toBeGreaterThan(0);
    for (const [index, { key }] of records(60).entries()) {
      expect(failed.has(index)).toBe(partitionOfKey(key, 3) === 0);
    }
  });

  it('never sends a batch of several records above nine tenths of what the topic takes', async () => {
    const batches: ArrivedBatch[] = [];
    const { cluster, producer } = setUp(
      (batch) => {
        batches.push(batch);
        return 'written';
      },
      { maxMessageBytes: 3_000 },
    );
    expect(await producer.publish(records(200))).toEqual({ failures: [] });
    expect(idsOf(cluster)).toHaveLength(200);
    expect(batches.length).toBeGreaterThan(3);
    for (const { bytes, ids } of batches) expect(ids.length === 1 || bytes <= 2_700).toBe(true);
  });

  it('refuses a record that is larger than its topic takes without sending it', async () => {
    const sent: string[] = [];
    const { producer } = setUp(
      ({ ids }) => {
        sent.push(...ids);
        return 'written';
      },
      { maxMessageBytes: 3_000 },
    );
    const { failures } = await producer.publish(
      records(9).map((record, n) => (n === 4 ? { ...record, value: Buffer.alloc(5_000) } : record)),
    );
    expect(failures.map(({ indexes }) => indexes)).toEqual([[4]]);
    expect(classifySendError(failures[0]?.error)).toMatchObject({ outcome: 'poison', code: 'MESSAGE_TOO_LARGE' });
    expect(sent).not.toContain('record-4');
    expect(sent).toHaveLength(8);
  });

  it.each([
    { name: 'a value that is no buffer', fault: { value: 'text' as unknown as Buffer }, code: 'ERR_INVALID_ARG_TYPE' },
    { name: 'a key that is no buffer', fault: { key: null as unknown as Buffer }, code: 'ERR_INVALID_ARG_TYPE' },
    { name: 'a timestamp that is no number', fault: { timestampMs: Number.NaN }, code: 'INVALID_TIMESTAMP' },
    { name: 'a timestamp before 1970', fault: { timestampMs: -1 }, code: 'INVALID_TIMESTAMP' },
  ])('fails a record with $name alone', async ({ fault, code }) => {
    const { cluster, producer } = setUp(() => 'written');
    const { failures } = await producer.publish(
      records(5).map((record, n) => (n === 2 ? { ...record, ...fault } : record)),
    );
    expect(failures.map(({ indexes }) => indexes)).toEqual([[2]]);
    expect(classifySendError(failures[0]?.error)).toMatchObject({ outcome: 'poison', code });
    expect(idsOf(cluster)).toHaveLength(4);
  });

  it('accounts for every record, whatever the brokers answer: acknowledged and stored, or reported', async () => {
    const replies = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.constant<Reply>('written') },
        { weight: 4, arbitrary: fc.constantFrom<Reply>(3, 5, 6, 7, 10, 18, 19, 29, 32, 56, 87, -1) },
        { weight: 1, arbitrary: fc.constantFrom<Reply>('no answer', 'cut before', 'cut after') },
      ),
      { minLength: 1, maxLength: 40 },
    );
    const topics = fc.array(fc.constantFrom('a', 'b', 'gone'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        replies,
        topics,
        fc.integer({ min: 200, max: 4_000 }),
        async (script, names, maxMessageBytes) => {
          let at = 0;
          let isCertain = true;
          const { cluster, producer } = setUp(
            () => {
              const reply = script[at++ % script.length] ?? 'written';
              if (reply === 'no answer' || reply === 'cut before' || reply === 'cut after') isCertain = false;
              return reply;
            },
            { maxMessageBytes },
          );
          const sent = names.map((topic, n) => outgoingRecord(topic, n));
          const { failures } = await producer.publish(sent);
          const failed = failures.flatMap(({ indexes }) => indexes);
          expect(new Set(failed).size).toBe(failed.length);
          const stored = idsOf(cluster);
          const acknowledged = sent.filter((_, index) => !failed.includes(index)).map(({ recordId }) => recordId);
          expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
          // Only an answer that never came may leave a record both reported and stored, or stored twice.
          const excess = isCertain ? stored.length - acknowledged.length : 0;
          expect(excess).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
