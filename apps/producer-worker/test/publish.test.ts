import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { describe, expect, it } from 'vitest';
import { createPublisher } from '../src/publish.ts';
import { fakeProducer, kafkaError, noon, preparedRecord } from './chunks.ts';

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
  const kafka: string[] = [];
  const publisher = createPublisher({
    producer,
    metrics,
    kafka: {
      acknowledged: () => kafka.push('acknowledged'),
      failed: ({ sourceId, code, isWhole }) => kafka.push(`${sourceId}: ${code}, ${isWhole ? 'whole' : 'in part'}`),
    },
    now: () => noon,
  });
  return { producer, metrics, kafka, publisher };
};

const countedOf = async (metrics: ReturnType<typeof createMetrics>) =>
  (await metrics.recordsPublishedTotal.get()).values.map(({ labels, value }) => [labels.topic, value]);

describe('createPublisher', () => {
  it('counts what was acknowledged per topic, and reports no failure', async () => {
    const { publisher, metrics, kafka, producer } = setup();
    expect(await publisher.publish([outgoing(0), outgoing(1), outgoing(2, 'alerts'), outgoing(3)])).toEqual([]);
    expect(await countedOf(metrics)).toEqual([
      ['fires', 3],
      ['alerts', 1],
    ]);
    expect(kafka).toEqual(['acknowledged']);
    expect(producer.published).toHaveLength(1);
  });

  it('asks Kafka nothing for an empty batch', async () => {
    const { publisher, producer } = setup();
    expect(await publisher.publish([])).toEqual([]);
    expect(producer.published).toEqual([]);
  });

  it('classifies each failure and counts only the others', async () => {
    const { publisher, metrics } = setup(({ recordId }) =>
      recordId === 'r1' ? kafkaError('MESSAGE_TOO_LARGE') : null,
    );
    expect(await publisher.publish([outgoing(0), outgoing(1), outgoing(2)])).toEqual([
      {
        indexes: [1],
        outcome: 'poison',
        code: 'MESSAGE_TOO_LARGE',
        message: expect.stringContaining('MESSAGE_TOO_LARGE'),
      },
    ]);
    expect(await countedOf(metrics)).toEqual([['fires', 2]]);
  });

  it.each([
    {
      name: 'nothing of a batch',
      refused: ['r0', 'r1'],
      code: 'NOT_ENOUGH_REPLICAS',
      told: ['firms: NOT_ENOUGH_REPLICAS, whole'],
    },
    {
      name: 'a part of a batch',
      refused: ['r1'],
      code: 'NOT_ENOUGH_REPLICAS',
      told: ['acknowledged', 'firms: NOT_ENOUGH_REPLICAS, in part'],
    },
    { name: 'only what is refused for itself', refused: ['r0', 'r1'], code: 'MESSAGE_TOO_LARGE', told: [] },
    { name: 'a topic that is not there', refused: ['r0', 'r1'], code: 'UNKNOWN_TOPIC_OR_PARTITION', told: [] },
  ])('tells the watch over the cluster when Kafka does not take $name', async ({ refused, code, told }) => {
    const { publisher, kafka } = setup(({ recordId }) => (refused.includes(recordId) ? kafkaError(code) : null));
    await publisher.publish([outgoing(0), outgoing(1)]);
    expect(kafka).toEqual(told);
  });

  it('takes a producer that throws for a failure of every record', async () => {
    const { publisher } = setup(() => {
      throw kafkaError('KafkaJSConnectionError');
    });
    expect(await publisher.publish([outgoing(0), outgoing(1)])).toMatchObject([{ indexes: [0, 1], outcome: 'outage' }]);
  });

  it('sends a record whose timestamp the broker refuses once more with the time of its ingestion', async () => {
    const { publisher, producer, metrics } = setup(({ recordId, timestampMs }) =>
      recordId !== 'r0' && timestampMs === noon - 60_000 ? kafkaError('INVALID_TIMESTAMP') : null,
    );
    expect(await publisher.publish([outgoing(0), outgoing(1), outgoing(2)])).toEqual([]);
    expect(producer.published[1]?.map(({ recordId, timestampMs }) => [recordId, timestampMs])).toEqual([
      ['r1', noon - 10_000],
      ['r2', noon - 10_000],
    ]);
    expect((await metrics.timestampsReplacedTotal.get()).values).toMatchObject([{ value: 2 }]);
  });

  it('reports a record whose other timestamp is refused as well by its index in the batch', async () => {
    const { publisher, producer } = setup(({ recordId }) =>
      recordId === 'r2' ? kafkaError('INVALID_TIMESTAMP') : null,
    );
    expect(await publisher.publish([outgoing(0), outgoing(1), outgoing(2)])).toMatchObject([
      { indexes: [2], outcome: 'poison', code: 'INVALID_TIMESTAMP' },
    ]);
    expect(producer.published).toHaveLength(2);
  });
});
