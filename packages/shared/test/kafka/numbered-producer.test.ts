import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifySendError } from '../../src/failures/send-outcome.ts';
import { refusedForARecord } from '../../src/kafka/batch-verdict.ts';
import { createClusterMetadata } from '../../src/kafka/cluster-metadata.ts';
import { codecOf } from '../../src/kafka/compression.ts';
import { createNumberedProducer } from '../../src/kafka/numbered-producer.ts';
import { partitionOfKey } from '../../src/kafka/partition-of-key.ts';
import type { KafkaProducerPort, OutgoingRecord } from '../../src/kafka/port.ts';
import { createTopicLimits } from '../../src/kafka/topic-limits.ts';
import { type ArrivedBatch, createFakeCluster, type FakeCluster, type Reply } from './fake-cluster.ts';

interface SetUp {
  readonly cluster: FakeCluster;
  readonly producer: KafkaProducerPort;
  readonly troubles: readonly { readonly error: unknown; readonly sourceIds: readonly string[] }[];
}

const setUp = (
  reply: (batch: ArrivedBatch) => Reply | Promise<Reply>,
  options: { readonly maxMessageBytes?: number; readonly withinMs?: number; readonly maxLanes?: number } = {},
): SetUp => {
  const cluster = createFakeCluster({
    topics: { a: 3, b: 2 },
    brokers: 2,
    maxMessageBytes: options.maxMessageBytes ?? 1_000_000,
    reply,
  });
  const { wire } = cluster;
  const now = (): number => 0;
  const troubles: { readonly error: unknown; readonly sourceIds: readonly string[] }[] = [];
  const producer = createNumberedProducer(
    {
      wire,
      metadata: createClusterMetadata(wire, { maxAgeMs: 60_000, now }),
      limits: createTopicLimits(wire, now),
      codec: codecOf('none'),
      produceTimeoutMs: 1_000,
      maxLanes: options.maxLanes ?? 1_000,
      retry: { retries: 3, firstDelayMs: 0, maxDelayMs: 0, withinMs: options.withinMs ?? 60_000 },
    },
    { onTrouble: (error, sourceIds) => troubles.push({ error, sourceIds }) },
  );
  return { cluster, producer, troubles };
};

const idsOf = (cluster: FakeCluster): readonly string[] => [...cluster.log.values()].flat();
const key = Buffer.from('one');
/** All of one partition. */
const keyed = (count: number, from = 0): readonly OutgoingRecord[] =>
  Array.from({ length: count }, (_, n) => outgoingRecord('a', from + n, { key }));
const records = (count: number): readonly OutgoingRecord[] =>
  Array.from({ length: count }, (_, n) => outgoingRecord('a', n));
const isBad = (id: string): boolean => id.endsWith('3') || id.endsWith('7');

/** The replies in order, then `written`. */
const script = (...replies: readonly Reply[]): (() => Reply) => {
  let at = 0;
  return () => replies[at++] ?? 'written';
};

const times = (count: number, reply: Reply): readonly Reply[] => Array.from({ length: count }, () => reply);

describe('a batch without an answer', () => {
  it.each<{ name: string; replies: readonly Reply[] }>([
    { name: 'the connection was cut after it was written', replies: times(30, 'cut after') },
    { name: 'the connection was cut before it was written', replies: times(30, 'cut before') },
    { name: 'the answer leaves it out', replies: ['no answer', 'no answer'] },
    { name: 'replicas did not confirm it', replies: times(30, { appended: 20 }) },
    { name: 'replicas did not confirm it in time', replies: times(30, { appended: 7 }) },
    { name: 'its leader was deposed', replies: times(30, { appended: 6 }) },
    {
      name: 'it was written, then nobody listened for long',
      replies: ['cut after', ...times(30, 'not sent')],
    },
  ])('is sent again until it is acknowledged, and lies there once: $name', async ({ replies }) => {
    const { cluster, producer } = setUp(script(...replies));
    expect(await producer.publish(keyed(20))).toEqual({ failures: [] });
    expect(await producer.publish(keyed(5, 20))).toEqual({ failures: [] });
    expect(idsOf(cluster)).toEqual(keyed(25).map(({ recordId }) => recordId));
    expect(cluster.identities()).toBe(1);
  });

  it('is told of, but not with every try', async () => {
    const { producer, troubles } = setUp(script(...times(30, 'cut after')));
    await producer.publish(keyed(1));
    expect(troubles.length).toBeGreaterThanOrEqual(1);
    expect(troubles.length).toBeLessThan(30);
    expect(classifySendError(troubles[0]?.error).outcome).toBe('outage');
    expect(troubles[0]?.sourceIds).toEqual(['contract']);
  });

  it('is told of by the sources whose batches are kept up, not by those that only wait or are well', async () => {
    const gate = Promise.withResolvers<Reply>();
    let arrived = 0;
    const { producer, troubles } = setUp(() => (arrived++ === 0 ? gate.promise : 'written'));
    const of = (topic: string, sourceId: string, n: number) => [outgoingRecord(topic, n, { key, sourceId })];
    const first = producer.publish([...of('a', 'fires', 0), ...of('a', 'smoke', 1)]);
    await waitUntil('it is on its way', () => arrived === 1);
    const others = [producer.publish(of('a', 'waits', 2)), producer.publish(of('b', 'well', 3))];
    gate.resolve('cut after');
    expect(await Promise.all([first, ...others])).toEqual([{ failures: [] }, { failures: [] }, { failures: [] }]);
    expect(troubles.map(({ sourceIds }) => sourceIds)).toEqual([['fires', 'smoke']]);
  });

  it('ends as stopped when the producer is closed', async () => {
    let tries = 0;
    const { cluster, producer } = setUp(() => {
      tries++;
      return 'cut after';
    });
    const publishing = producer.publish(keyed(3));
    await waitUntil('it is kept up', () => tries > 5);
    await producer.close();
    const { failures } = await publishing;
    expect(failures.map(({ indexes }) => indexes)).toEqual([[0, 1, 2]]);
    expect(classifySendError(failures[0]?.error)).toMatchObject({ outcome: 'outage', code: 'stopped' });
    expect(idsOf(cluster)).toHaveLength(3);
  });

  it('keeps what waits behind it from being sent, and lets that go after its time', async () => {
    let isFrozen = true;
    const { cluster, producer } = setUp(() => (isFrozen ? 'cut after' : 'written'), { withinMs: 0 });
    const first = producer.publish(keyed(3));
    await waitUntil('the first is there', () => idsOf(cluster).length === 3);
    const { failures } = await producer.publish(keyed(3, 3));
    expect(failures.map(({ indexes }) => indexes)).toEqual([[0, 1, 2]]);
    expect(classifySendError(failures[0]?.error).outcome).toBe('outage');
    isFrozen = false;
    expect(await first).toEqual({ failures: [] });
    expect(await producer.publish(keyed(3, 3))).toEqual({ failures: [] });
    expect(idsOf(cluster)).toEqual(keyed(6).map(({ recordId }) => recordId));
  });
});

describe('a batch that cannot have been written', () => {
  it.each<{ name: string; reply: Reply; sends: number; outcome: string }>([
    { name: 'refused connections', reply: 'not sent', sends: 4, outcome: 'outage' },
    { name: 'NOT_ENOUGH_REPLICAS', reply: 19, sends: 4, outcome: 'outage' },
    { name: 'CLUSTER_AUTHORIZATION_FAILED', reply: 31, sends: 1, outcome: 'outage' },
    { name: 'TOPIC_AUTHORIZATION_FAILED', reply: 29, sends: 1, outcome: 'destination' },
    { name: 'UNKNOWN_TOPIC_OR_PARTITION', reply: 3, sends: 4, outcome: 'destination' },
    { name: 'UNKNOWN_SERVER_ERROR', reply: -1, sends: 4, outcome: 'other' },
  ])('fails as $outcome after $sends tries: $name', async ({ reply, sends, outcome }) => {
    let arrived = 0;
    let isWell = false;
    const { cluster, producer, troubles } = setUp(() => {
      arrived++;
      return isWell ? 'written' : reply;
    });
    const { failures } = await producer.publish(keyed(2));
    expect(failures.map(({ indexes }) => indexes)).toEqual([[0, 1]]);
    expect(classifySendError(failures[0]?.error).outcome).toBe(outcome);
    expect(arrived).toBe(sends);
    expect(troubles).toEqual([]);
    isWell = true;
    // Other records under the number that was not used, or under a new identity: written, never taken for the first.
    expect(await producer.publish(keyed(2, 2))).toEqual({ failures: [] });
    expect(idsOf(cluster)).toEqual(['record-2', 'record-3']);
  });
});

describe('a producer whose identity the broker does not take any more', () => {
  it.each([
    { name: 'OUT_OF_ORDER_SEQUENCE_NUMBER', code: 45 },
    { name: 'INVALID_PRODUCER_EPOCH', code: 47 },
    { name: 'UNKNOWN_PRODUCER_ID', code: 59 },
    { name: 'PRODUCER_FENCED', code: 90 },
  ])('reports an outage once and goes on under a new one: $name', async ({ name, code }) => {
    const { cluster, producer } = setUp(script('written', code));
    expect(await producer.publish(keyed(2))).toEqual({ failures: [] });
    const { failures } = await producer.publish(keyed(2, 2));
    expect(failures.map(({ error }) => classifySendError(error))).toMatchObject([{ outcome: 'outage' }]);
    expect(classifySendError(failures[0]?.error).code).toContain(name.slice(0, 8));
    expect(await producer.publish(keyed(2, 2))).toEqual({ failures: [] });
    expect(cluster.identities()).toBe(2);
    expect(idsOf(cluster)).toEqual(keyed(4).map(({ recordId }) => recordId));
  });
});

describe('publishing', () => {
  it.each([10, 18, 32, 87])(
    'splits a batch that is refused with %i until the records at fault stand alone',
    async (code) => {
      const { cluster, producer } = setUp(({ ids }) => (ids.some(isBad) ? code : 'written'));
      const { failures } = await producer.publish(keyed(64));
      const failed = failures.flatMap(({ indexes }) => indexes).toSorted((a, b) => a - b);
      expect(failed).toEqual(Array.from({ length: 64 }, (_, n) => n).filter((n) => isBad(`record-${n}`)));
      for (const { error } of failures) expect(classifySendError(error).outcome).toBe('poison');
      const expected = keyed(64).map(({ recordId }) => recordId);
      expect(cluster.log.get(`a/${partitionOfKey(key, 3)}`)).toEqual(expected.filter((id) => !isBad(id)));
      expect(cluster.identities()).toBe(1);
    },
  );

  it('sends nothing again that one partition acknowledged while another refused', async () => {
    const { cluster, producer } = setUp(({ partition }) => (partition === 1 ? 19 : 'written'));
    const { failures } = await producer.publish(records(60));
    const failed = new Set(failures.flatMap(({ indexes }) => indexes));
    for (const [index, one] of records(60).entries()) expect(failed.has(index)).toBe(partitionOfKey(one.key, 3) === 1);
    const stored = idsOf(cluster);
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored).toHaveLength(60 - failed.size);
  });

  it('goes on under new identities with more partitions than it remembers', async () => {
    const { cluster, producer } = setUp(() => 'written', { maxLanes: 2 });
    for (let call = 0; call < 12; call++) {
      const topic = call % 2 === 0 ? 'a' : 'b';
      const sent = Array.from({ length: 10 }, (_, n) => outgoingRecord(topic, call * 10 + n));
      expect(await producer.publish(sent)).toEqual({ failures: [] });
    }
    expect(new Set(idsOf(cluster)).size).toBe(120);
    expect(idsOf(cluster)).toHaveLength(120);
    expect(cluster.identities()).toBeGreaterThan(1);
  });

  it('never has two batches of one partition on their way', async () => {
    const underway = new Map<string, number>();
    let most = 0;
    const { cluster, producer } = setUp(async ({ topic, partition }): Promise<Reply> => {
      const name = `${topic}/${partition}`;
      underway.set(name, (underway.get(name) ?? 0) + 1);
      most = Math.max(most, underway.get(name) ?? 0);
      await new Promise((resolve) => setImmediate(resolve));
      underway.set(name, (underway.get(name) ?? 0) - 1);
      return 'written';
    });
    await Promise.all(Array.from({ length: 20 }, (_, call) => producer.publish(keyed(10, call * 10))));
    expect(most).toBe(1);
    expect(idsOf(cluster)).toHaveLength(200);
  });

  it('accounts for every record, whatever the brokers answer: acknowledged is stored once, reported is not stored twice', async () => {
    const replies = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.constant<Reply>('written') },
        { weight: 3, arbitrary: fc.constantFrom<Reply>(3, 5, 10, 18, 19, 29, 32, 87, 45, 59) },
        {
          weight: 4,
          arbitrary: fc.constantFrom<Reply>(
            'no answer',
            'cut before',
            'cut after',
            'not sent',
            6,
            { appended: 7 },
            { appended: 20 },
            { appended: 6 },
            { appended: -1 },
          ),
        },
      ),
      { minLength: 1, maxLength: 40 },
    );
    const calls = fc.array(fc.array(fc.constantFrom('a', 'b', 'gone'), { maxLength: 25 }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(
        replies,
        calls,
        fc.integer({ min: 200, max: 4_000 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 5 }),
        async (answers, topicsOfCalls, maxMessageBytes, callOffs) => {
          const next = script(...answers);
          // Call number n is called off when that many batches have arrived; 0 = before it begins.
          const calledOff = topicsOfCalls.map(() => new AbortController());
          let arrived = 0;
          const callOff = (): void => {
            for (const [call, at] of callOffs.entries()) if (at <= arrived) calledOff[call]?.abort();
          };
          callOff();
          const { cluster, producer } = setUp(
            ({ ids }) => {
              arrived++;
              callOff();
              const reply = next();
              const isRefusal = typeof reply === 'number' && refusedForARecord.has(reply);
              // What a broker has taken once it does not refuse for what is in it.
              return isRefusal && idsOf(cluster).includes(ids[0] ?? '') ? 'written' : reply;
            },
            { maxMessageBytes },
          );
          let n = 0;
          const sent = topicsOfCalls.map((topics) => topics.map((topic) => outgoingRecord(topic, n++)));
          const results = await Promise.all(
            sent.map((call, at) => producer.publish(call, { signal: calledOff[at]?.signal ?? AbortSignal.abort() })),
          );
          const counts = new Map<string, number>();
          for (const id of idsOf(cluster)) counts.set(id, (counts.get(id) ?? 0) + 1);
          for (const [call, { failures }] of results.entries()) {
            const failed = failures.flatMap(({ indexes }) => indexes);
            expect(new Set(failed).size).toBe(failed.length);
            for (const [index, { recordId }] of (sent[call] ?? []).entries()) {
              const count = counts.get(recordId) ?? 0;
              expect(count).toBeLessThanOrEqual(1);
              expect(count === 1 || failed.includes(index)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
