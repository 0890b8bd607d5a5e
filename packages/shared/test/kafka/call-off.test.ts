// Publishes that are called off, at every point of their way, by both producers: what no broker was given never goes out.
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { StreamManagerError } from '../../src/failures/errors.ts';
import { classifySendError } from '../../src/failures/send-outcome.ts';
import { createClusterMetadata } from '../../src/kafka/cluster-metadata.ts';
import { codecOf } from '../../src/kafka/compression.ts';
import { createNumberedProducer } from '../../src/kafka/numbered-producer.ts';
import { createPlainProducer } from '../../src/kafka/plain-producer.ts';
import type { KafkaProducerPort, OutgoingRecord, PublishResult } from '../../src/kafka/port.ts';
import { createTopicLimits } from '../../src/kafka/topic-limits.ts';
import { type ArrivedBatch, createFakeCluster, type FakeCluster, type Reply } from './fake-cluster.ts';

type Kind = 'numbered' | 'plain';

interface SetUp {
  readonly cluster: FakeCluster;
  readonly producer: KafkaProducerPort;
  readonly arrived: readonly ArrivedBatch[];
}

const topics = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`topic-${n}`, 1]));

const setUp = (
  kind: Kind,
  options: {
    readonly reply?: (batch: ArrivedBatch) => Reply | Promise<Reply>;
    readonly metadata?: () => Promise<void>;
    readonly maxMessageBytes?: number;
    readonly withinMs?: number;
  } = {},
): SetUp => {
  const arrived: ArrivedBatch[] = [];
  const cluster = createFakeCluster({
    topics,
    brokers: 1,
    maxMessageBytes: options.maxMessageBytes ?? 1_000_000,
    reply: (batch) => {
      arrived.push(batch);
      return options.reply?.(batch) ?? 'written';
    },
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
  });
  const now = (): number => 0;
  const retry = { retries: 3, firstDelayMs: 0, maxDelayMs: 0, withinMs: options.withinMs ?? 60_000 };
  const parts = {
    wire: cluster.wire,
    metadata: createClusterMetadata(cluster.wire, { maxAgeMs: 60_000, now }),
    limits: createTopicLimits(cluster.wire, now),
    codec: codecOf('none'),
    produceTimeoutMs: 1_000,
  };
  const producer = kind === 'plain' ? createPlainProducer(parts, retry) : createNumberedProducer({ ...parts, retry });
  return { cluster, producer, arrived };
};

const records = (topic: string, count: number, from = 0): readonly OutgoingRecord[] =>
  Array.from({ length: count }, (_, n) => outgoingRecord(topic, from + n));

const idsOf = (cluster: FakeCluster): readonly string[] => [...cluster.log.values()].flat();

/** The failures of a publish, which must all be of being called off; by index. */
const stoppedIn = ({ failures }: PublishResult): readonly number[] => {
  for (const { error } of failures)
    expect(classifySendError(error)).toMatchObject({ outcome: 'outage', code: 'stopped' });
  return failures.flatMap(({ indexes }) => indexes);
};

const both: readonly Kind[] = ['numbered', 'plain'];

describe.each(both)('a publish by the %s producer that is called off', (kind) => {
  it('while nobody says who leads its topic ends at once, and nothing of it is sent when somebody does', async () => {
    const gate = Promise.withResolvers<void>();
    let isAsked = false;
    const { producer, arrived } = setUp(kind, {
      metadata: () => {
        isAsked = true;
        return gate.promise;
      },
    });
    const calledOff = new AbortController();
    // A burst: one asks, the others wait behind it.
    const publishing = Object.keys(topics).map((topic) =>
      producer.publish(records(topic, 5), { signal: calledOff.signal }),
    );
    await waitUntil('metadata are asked for', () => isAsked);
    calledOff.abort(new StreamManagerError('hung', 'no progress'));
    for (const { failures } of await Promise.all(publishing)) {
      expect(failures.flatMap(({ indexes }) => indexes)).toEqual([0, 1, 2, 3, 4]);
      // The reason of ours is kept.
      expect(failures.map(({ error }) => classifySendError(error))).toMatchObject([
        { outcome: 'outage', code: 'hung' },
      ]);
    }
    gate.resolve();
    expect(await producer.publish(records('topic-0', 1, 100))).toEqual({ failures: [] });
    expect(arrived.flatMap(({ ids }) => ids)).toEqual(['record-100']);
  });

  it('after it was handed over is answered as it ends', async () => {
    const gate = Promise.withResolvers<Reply>();
    const { cluster, producer, arrived } = setUp(kind, { reply: () => gate.promise });
    const calledOff = new AbortController();
    const publishing = producer.publish(records('topic-0', 5), { signal: calledOff.signal });
    await waitUntil('it is handed over', () => arrived.length > 0);
    calledOff.abort();
    gate.resolve('written');
    expect(await publishing).toEqual({ failures: [] });
    expect(idsOf(cluster)).toHaveLength(5);
  });

  it('between two of its batches is reported as far as it was not sent', async () => {
    const calledOff = new AbortController();
    const { cluster, producer } = setUp(kind, {
      maxMessageBytes: 1_000,
      reply: () => {
        calledOff.abort();
        return 'written';
      },
    });
    const sent = records('topic-0', 50);
    const stopped = stoppedIn(await producer.publish(sent, { signal: calledOff.signal }));
    expect(stopped.length).toBeGreaterThan(0);
    expect(stopped.length).toBeLessThan(50);
    expect(idsOf(cluster)).toEqual(sent.filter((_, index) => !stopped.includes(index)).map(({ recordId }) => recordId));
  });

  it('by a reason that is nobody’s is stopped', async () => {
    const { producer, arrived } = setUp(kind);
    expect(stoppedIn(await producer.publish(records('topic-0', 3), { signal: AbortSignal.abort() }))).toEqual([
      0, 1, 2,
    ]);
    expect(arrived).toEqual([]);
  });
});

describe('a publish by the numbered producer that is called off', () => {
  it('behind a batch of its partition that is kept up fails, and that batch is written once', async () => {
    let isFrozen = true;
    const { cluster, producer, arrived } = setUp('numbered', { reply: () => (isFrozen ? 'cut after' : 'written') });
    const first = producer.publish(records('topic-0', 3));
    await waitUntil('the first is kept up', () => arrived.length > 2);
    const calledOff = new AbortController();
    const second = producer.publish(records('topic-0', 3, 3), { signal: calledOff.signal });
    const tries = arrived.length;
    await waitUntil('the second waits in its lane', () => arrived.length > tries + 3);
    calledOff.abort();
    expect(stoppedIn(await second)).toEqual([0, 1, 2]);
    isFrozen = false;
    expect(await first).toEqual({ failures: [] });
    expect(idsOf(cluster)).toEqual(['record-0', 'record-1', 'record-2']);
  });

  it('behind a request to the same leader fails when that has ended', async () => {
    const gate = Promise.withResolvers<Reply>();
    const { cluster, producer, arrived } = setUp('numbered', {
      reply: ({ topic }) => (topic === 'topic-0' ? gate.promise : 'written'),
    });
    const first = producer.publish(records('topic-0', 3));
    await waitUntil('the first is on its way', () => arrived.length === 1);
    const calledOff = new AbortController();
    const second = producer.publish(records('topic-1', 3, 3), { signal: calledOff.signal });
    const third = producer.publish(records('topic-2', 3, 6));
    // Nothing that can be seen tells that they wait for the leader; the fake needs no more than these turns.
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    calledOff.abort();
    gate.resolve('written');
    expect(stoppedIn(await second)).toEqual([0, 1, 2]);
    expect(await first).toEqual({ failures: [] });
    expect(await third).toEqual({ failures: [] });
    expect(idsOf(cluster)).toEqual([...records('topic-0', 3), ...records('topic-2', 3, 6)].map((one) => one.recordId));
  });

  it('while its outcome is not known is kept up until it is acknowledged', async () => {
    let isFrozen = true;
    const { cluster, producer, arrived } = setUp('numbered', { reply: () => (isFrozen ? 'cut after' : 'written') });
    const calledOff = new AbortController();
    const publishing = producer.publish(records('topic-0', 3), { signal: calledOff.signal });
    await waitUntil('it is kept up', () => arrived.length > 2);
    calledOff.abort();
    const tries = arrived.length;
    await waitUntil('it is kept up on', () => arrived.length > tries + 2);
    isFrozen = false;
    expect(await publishing).toEqual({ failures: [] });
    expect(idsOf(cluster)).toHaveLength(3);
  });
});

describe.each(both)('a burst of publishes by the %s producer while no broker answers', (kind) => {
  it('fails within the time of a retry, each of them, and nothing of it is sent when one answers again', async () => {
    const gate = Promise.withResolvers<void>();
    const { producer, arrived } = setUp(kind, { metadata: () => gate.promise, withinMs: 50 });
    const results = await Promise.all(Object.keys(topics).map((topic) => producer.publish(records(topic, 5))));
    for (const { failures } of results) {
      expect(failures.flatMap(({ indexes }) => indexes)).toEqual([0, 1, 2, 3, 4]);
      expect(classifySendError(failures[0]?.error)).toMatchObject({ outcome: 'outage', code: 'ETIMEDOUT' });
    }
    gate.resolve();
    await waitUntil('records are taken again', async () => {
      const { failures } = await producer.publish(records('topic-0', 1, 100));
      return failures.length === 0;
    });
    expect(new Set(arrived.flatMap(({ ids }) => ids))).toEqual(new Set(['record-100']));
  });
});
