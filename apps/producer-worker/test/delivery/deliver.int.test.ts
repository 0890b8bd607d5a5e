import { emptyBitmap, setBit } from '@stream-manager/shared/records/bitmap';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { numberedRecord, numberedRecords, numbersOf, openProducer, sourceId } from '../producer-bundle.ts';

const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe('a producer worker', () => {
  it('brings every record of its chunks to Kafka once, with key, headers, timestamp and value', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const { metrics } = await producer.startWorker();
    for (let from = 0; from < 2_000; from += 500) await producer.enqueue(numberedRecords(from, 500));
    await producer.drained();

    const stored = await producer.stored();
    expect(ascending(numbersOf(stored))).toEqual(upTo(2_000));
    for (const record of stored.slice(0, 50)) {
      const [index] = numbersOf([record]);
      const expected = numberedRecord(index ?? -1);
      expect(record).toMatchObject({
        key: expected.key,
        timestamp: expected.eventTimeMs,
        value: JSON.parse(expected.value.toString()),
      });
      expect(record.headers).toEqual({
        'record-id': expected.id.toString('base64url'),
        'source-id': sourceId,
        'schema-version': '1',
      });
    }
    const totals = await producer.store.totals([sourceId]);
    expect(totals.get(sourceId)).toMatchObject({ published: 2_000, dropped: 0 });
    expect((await metrics.recordsPublishedTotal.get()).values).toMatchObject([{ value: 2_000 }]);
  });

  it('sends a correction with a revision, and only what is not done', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const first = numberedRecord(1);
    const corrected = { ...first, hash: Buffer.from('0123456789abcdef', 'hex') };
    const chunkId = await producer.enqueue([numberedRecord(0), first]);
    const done = emptyBitmap(2);
    setBit(done, 0);
    await producer.store.settle(sourceId, chunkId, done, 1);
    await producer.enqueue([corrected]);
    await producer.startWorker();
    await producer.drained();
    const stored = await producer.stored();
    expect(numbersOf(stored)).toEqual([1, 1]);
    expect(stored.map(({ headers }) => headers.revision)).toEqual([undefined, '0123456789ab']);
  });

  it('publishes a record from the future with the time of its ingestion', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const { metrics } = await producer.startWorker();
    await producer.enqueue([numberedRecord(0, { eventTimeMs: Date.now() + 7_200_000 })]);
    await producer.drained();
    const [record] = await producer.stored();
    expect(record?.timestamp).toBe(Date.parse('2026-01-04T10:00:00.000Z'));
    expect((await metrics.timestampsReplacedTotal.get()).values).toMatchObject([{ value: 1 }]);
  });

  it('gathers small chunks behind a send instead of sending each by itself', async () => {
    await using producer = await openProducer();
    await producer.createTopic({ partitions: 1 });
    const large = Array.from({ length: 500 }, (_, offset) => numberedRecord(300 + offset, { padding: 20_000 }));
    await producer.enqueue(large, { priority: 2 });
    for (let index = 0; index < 300; index += 1) await producer.enqueue([numberedRecord(index)]);
    const { metrics } = await producer.startWorker();
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual(upTo(800));
    const sends = (await metrics.publishSeconds.get()).values.find(({ metricName }) => metricName?.endsWith('_count'));
    expect(sends?.value).toBeLessThan(300);
  });

  it('sends the most urgent chunks first', async () => {
    await using producer = await openProducer();
    await producer.createTopic({ partitions: 1 });
    for (const [index, priority] of ([4, 3, 2, 1, 4, 1] as const).entries())
      await producer.enqueue([numberedRecord(index)], { priority });
    await producer.startWorker();
    await producer.drained();
    expect(numbersOf(await producer.stored())).toEqual([3, 5, 2, 1, 0, 4]);
  });

  it('shares a source with another worker', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const workers = [await producer.startWorker(), await producer.startWorker()];
    for (let from = 0; from < 20_000; from += 250) await producer.enqueue(numberedRecords(from, 250));
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual(upTo(20_000));
    for (const { metrics } of workers)
      expect((await metrics.recordsPublishedTotal.get()).values[0]?.value).toBeGreaterThan(0);
  });

  it('works only on the sources that SOURCES names, and honours the pause of an operator', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    await expect(producer.startWorker({ SOURCES: 'other' })).rejects.toThrow('SOURCES names "other"');
    const state = `${producer.config.redis.keyPrefix}:{${sourceId}}:state`;
    await producer.redis.hset(state, 'paused', '1');
    await producer.enqueue(numberedRecords(0, 10));
    await producer.startWorker({ SOURCES: sourceId });
    const beats = `${producer.config.redis.keyPrefix}:{poll}:lease:sweep`;
    await waitUntil('the worker to be at work', async () => (await producer.redis.exists(beats)) === 1);
    expect((await producer.store.counts([sourceId])).get(sourceId)?.total).toBe(10);
    await producer.redis.hdel(state, 'paused');
    await producer.drained();
    expect(await producer.stored()).toHaveLength(10);
  });

  it('lets chunks wait without an attempt while their topic is missing, and says so', async () => {
    await using producer = await openProducer();
    const { health } = await producer.startWorker();
    const chunkId = await producer.enqueue(numberedRecords(0, 10));
    await waitUntil(
      'the chunk to have waited twice',
      async () => {
        const job = await producer.records.getJob(chunkId);
        return job !== undefined && job.attemptsStarted >= 3;
      },
      { timeoutMs: 30_000 },
    );
    const job = await producer.records.getJob(chunkId);
    expect(job?.attemptsMade).toBe(0);
    expect(health.report().sources[sourceId]).toContain(producer.topic);
    await producer.createTopic();
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual(upTo(10));
    expect(await producer.deadLetters.getJobCountByTypes('failed', 'wait')).toBe(0);
  });

  it('samples the lag of the source for the fleet', async () => {
    await using producer = await openProducer();
    await producer.createTopic({ partitions: 1 });
    await producer.startWorker();
    const state = `${producer.config.redis.keyPrefix}:{${sourceId}}:state`;
    const lag = await waitUntil('a sample', () => producer.redis.hget(state, 'lag'));
    expect(JSON.parse(lag)).toMatchObject({ records: null, groups: [] });
  });

  it('starts while Kafka is away, and says that it is', async () => {
    await using producer = await openProducer({ config: { kafka: { brokers: ['127.0.0.1:1'] } } });
    const chunkId = await producer.enqueue(numberedRecords(0, 10));
    const worker = await producer.startWorker();
    await waitUntil('the trouble to show', () => worker.health.report().problems.kafka !== undefined, {
      timeoutMs: 20_000,
    });
    expect(worker.facts.read().breaker).toBe('open');
    await worker.stop();
    // Delayed, if its send failed before the look at the cluster did.
    expect(['prioritized', 'delayed']).toContain(await (await producer.records.getJob(chunkId))?.getState());
    expect((await producer.records.getJob(chunkId))?.attemptsMade).toBe(0);
    expect((await producer.store.counts([sourceId])).get(sourceId)?.total).toBe(10);
  });

  it('finishes what is in hand when it stops, and leaves the rest in the queue', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    for (let from = 0; from < 50_000; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const worker = await producer.startWorker();
    await waitUntil(
      'the first records',
      async () => ((await producer.store.totals([sourceId])).get(sourceId)?.published ?? 0) > 0,
    );
    await worker.stop();
    const left = (await producer.store.counts([sourceId])).get(sourceId)?.total ?? 0;
    const stored = new Set(numbersOf(await producer.stored()));
    expect(stored.size + left).toBe(50_000);
    expect(await producer.records.getActiveCount()).toBe(0);
    await producer.startWorker();
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual(upTo(50_000));
  });
});
