import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { describe, expect, it } from 'vitest';
import { createPublisher } from '../../src/delivery/publish.ts';
import { fakeProducer, kafkaError, noon, preparedRecord } from '../chunks.ts';

const outgoing = (index: number, topic = 'fires'): OutgoingRecord => ({
  topic,
  key: Buffer.from(String(index)),
  value: preparedRecord(index).value,
  timestampMs: noon - 60_000,
  recordId: `r${index}`,
  sourceId: 'firms',
});

const setup = (errorOf?: Parameters<typeof fakeProducer>[0]) => {
  const producer = fakeProducer(errorOf);
  const metrics = createMetrics();
  const publisher = createPublisher({
    producer,
    metrics,
    now: () => noon,
  });
  return { producer, metrics, publisher };
};

const countedOf = async (metrics: ReturnType<typeof createMetrics>) =>
  (await metrics.recordsPublishedTotal.get()).values.map(({ labels, value }) => [labels.topic, value]);

/** Number `index`, with an event time in milliseconds before noon. */
const aged = (index: number, ageMs: number, topic = 'fires'): OutgoingRecord => ({
  ...outgoing(index, topic),
  timestampMs: noon - ageMs,
});

describe('a topic that takes not every timestamp', () => {
  it('gets the time of ingestion instead of one outside its bounds, before anything is sent', async () => {
    const { publisher, producer, metrics } = setup();
    Object.assign(producer.bounds, { beforeMaxMs: 60_000, afterMaxMs: 5_000 });
    const batch = [aged(0, 60_001), aged(1, 60_000), aged(2, -5_000), aged(3, -5_001)];
    expect(await publisher.publish(batch)).toEqual({ failures: [], acknowledged: 4 });
    expect(producer.published.map((sent) => sent.map(({ timestampMs }) => noon - timestampMs))).toEqual([
      [10_000, 60_000, -5_000, 10_000],
    ]);
    expect((await metrics.timestampsReplacedTotal.get()).values).toMatchObject([
      { labels: { source: 'firms' }, value: 2 },
    ]);
  });

  it('gets the time of now where the time of ingestion lies outside, too', async () => {
    const { publisher, producer } = setup();
    producer.bounds.beforeMaxMs = 9_999;
    await publisher.publish([aged(0, 60_000)]);
    expect(producer.published[0]?.[0]?.timestampMs).toBe(noon);
  });

  it('changes nothing of what goes to other topics, and copies no batch for nothing', async () => {
    const { publisher, producer } = setup();
    producer.timestampBounds = async (topics) =>
      new Map(
        [...topics].map((topic) => [
          topic,
          { beforeMaxMs: topic === 'fires' ? 60_000 : Number.POSITIVE_INFINITY, afterMaxMs: Number.POSITIVE_INFINITY },
        ]),
      );
    await publisher.publish([aged(0, 90_000, 'alerts'), aged(1, 90_000), aged(2, 90_000, 'alerts')]);
    expect(producer.published[0]?.map(({ timestampMs }) => noon - timestampMs)).toEqual([90_000, 10_000, 90_000]);
    const young = [aged(3, 1_000), aged(4, 1_000, 'alerts')];
    await publisher.publish(young);
    expect(producer.published[1]).toBe(young);
  });
});

describe('createPublisher', () => {
  it('counts what was acknowledged per topic, and reports no failure', async () => {
    const { publisher, metrics, producer } = setup();
    expect(await publisher.publish([outgoing(0), outgoing(1), outgoing(2, 'alerts'), outgoing(3)])).toEqual({
      failures: [],
      acknowledged: 4,
    });
    expect(await countedOf(metrics)).toEqual([
      ['fires', 3],
      ['alerts', 1],
    ]);
    expect(producer.published).toHaveLength(1);
  });

  it('asks Kafka nothing for an empty batch', async () => {
    const { publisher, producer } = setup();
    expect(await publisher.publish([])).toEqual({ failures: [], acknowledged: 0 });
    expect(producer.published).toEqual([]);
  });

  it('classifies each failure and counts only the others', async () => {
    const { publisher, metrics } = setup(({ recordId }) =>
      recordId === 'r1' ? kafkaError('MESSAGE_TOO_LARGE') : null,
    );
    const { failures, acknowledged } = await publisher.publish([outgoing(0), outgoing(1), outgoing(2)]);
    expect(acknowledged).toBe(2);
    expect(failures).toEqual([
      {
        indexes: [1],
        outcome: 'poison',
        code: 'MESSAGE_TOO_LARGE',
        message: expect.stringContaining('MESSAGE_TOO_LARGE'),
      },
    ]);
    expect(await countedOf(metrics)).toEqual([['fires', 2]]);
  });

  it('takes a producer that throws for a failure of every record', async () => {
    const { publisher } = setup(() => {
      throw kafkaError('KafkaJSConnectionError');
    });
    expect(await publisher.publish([outgoing(0), outgoing(1)])).toMatchObject({
      failures: [{ indexes: [0, 1], outcome: 'outage' }],
      acknowledged: 0,
    });
  });

  it('sends a record whose timestamp the broker refuses once more with the time of its ingestion', async () => {
    const { publisher, producer, metrics } = setup(({ recordId, timestampMs }) =>
      recordId !== 'r0' && timestampMs === noon - 60_000 ? kafkaError('INVALID_TIMESTAMP') : null,
    );
    expect((await publisher.publish([outgoing(0), outgoing(1), outgoing(2)])).failures).toEqual([]);
    expect(producer.published[1]?.map(({ recordId, timestampMs }) => [recordId, timestampMs])).toEqual([
      ['r1', noon - 10_000],
      ['r2', noon - 10_000],
    ]);
    expect((await metrics.timestampsReplacedTotal.get()).values).toMatchObject([{ value: 2 }]);
  });

  it('takes for a refused timestamp what the bounds are by then', async () => {
    const { publisher, producer } = setup(({ timestampMs }) => {
      if (timestampMs > noon - 5_000) return null;
      producer.bounds.beforeMaxMs = 5_000;
      return kafkaError('INVALID_TIMESTAMP');
    });
    expect(await publisher.publish([outgoing(0)])).toEqual({ failures: [], acknowledged: 1 });
    expect(producer.published.map(([record]) => record?.timestampMs)).toEqual([noon - 60_000, noon]);
  });

  it('reports a record whose other timestamp is refused as well by its index in the batch', async () => {
    const { publisher, producer } = setup(({ recordId }) =>
      recordId === 'r2' ? kafkaError('INVALID_TIMESTAMP') : null,
    );
    expect((await publisher.publish([outgoing(0), outgoing(1), outgoing(2)])).failures).toMatchObject([
      { indexes: [2], outcome: 'poison', code: 'INVALID_TIMESTAMP' },
    ]);
    expect(producer.published).toHaveLength(2);
  });
});
