// A Kafka of the test's own, which is killed, frozen and started again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KafkaBroker, startKafkaBroker } from '@stream-manager/testkit/stack/kafka-broker';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { numberedRecords, numbersOf, openProducer, type ProducerBundle, sourceId } from '../producer-bundle.ts';

/** A broker of the test's own. */
const openBroker = async (): Promise<KafkaBroker & AsyncDisposable> => {
  const dir = await mkdtemp(join(tmpdir(), 'producer-outage-'));
  const { KAFKA_BROKERS: _given, ...env } = process.env;
  const broker = await startKafkaBroker({ dir, env });
  return Object.assign(broker, {
    [Symbol.asyncDispose]: async () => {
      await broker.stop();
      await rm(dir, { recursive: true, force: true });
    },
  });
};

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);

const openWith = (broker: KafkaBroker, delivery: Readonly<Record<string, unknown>> = {}): Promise<ProducerBundle> =>
  openProducer({
    config: {
      kafka: { brokers: broker.brokers, compression: 'none' },
      delivery: { circuitBreaker: { resetMs: 1_000 }, ...delivery },
    },
  });

const breakerToBe = (worker: Awaited<ReturnType<ProducerBundle['startWorker']>>, state: string): Promise<unknown> =>
  waitUntil(`the breaker to be ${state}`, () => worker.facts.read().breaker === state, { timeoutMs: 60_000 });

describe('a Kafka that is away', () => {
  it('leaves everything in Redis without an attempt, and gets it in order of urgency when it is back', async () => {
    await using broker = await openBroker();
    await using producer = await openWith(broker);
    await producer.createTopic({ partitions: 1 });
    const worker = await producer.startWorker();
    await producer.enqueue(numberedRecords(0, 10));
    await producer.drained();
    await broker.kill('SIGKILL');
    const chunks = [];
    for (let at = 10; at < 60; at += 10) chunks.push(await producer.enqueue(numberedRecords(at, 10), { priority: 4 }));
    await breakerToBe(worker, 'open');
    expect(worker.health.report()).toMatchObject({ ready: false, problems: { kafka: /the breaker is open/ } });
    await producer.enqueue(numberedRecords(60, 10), { priority: 3 });
    await producer.enqueue(numberedRecords(70, 10), { priority: 1 });
    const isInvited = async (): Promise<boolean> => {
      const [first] = await producer.records.getActive();
      return first?.data.priority === 1;
    };
    await waitUntil('a trial, with the most urgent chunk', isInvited, { timeoutMs: 30_000 });
    for (const chunkId of chunks) expect((await producer.records.getJob(chunkId))?.attemptsMade).toBe(0);
    await broker.start();
    await breakerToBe(worker, 'closed');
    await producer.drained(60_000);
    expect(worker.health.report().problems).toEqual({});
    const numbers = numbersOf(await producer.stored());
    expect(ascending(numbers)).toEqual(upTo(80));
    // One partition: the order of the log. What was on its way when Kafka died comes wherever it comes.
    expect(numbers.slice(10, 20)).toEqual(upTo(80).slice(70));
    expect(numbers.indexOf(60)).toBeLessThan(numbers.indexOf(50));
    expect(await producer.deadLetters.getJobCountByTypes('failed', 'wait', 'active', 'delayed')).toBe(0);
  }, 180_000);

  it('does not keep a worker from starting, nor from stopping with full hands', async () => {
    await using broker = await openBroker();
    await using producer = await openWith(broker);
    await producer.createTopic();
    await broker.kill('SIGKILL');
    for (let at = 0; at < 50; at += 10) await producer.enqueue(numberedRecords(at, 10));
    const worker = await producer.startWorker();
    await breakerToBe(worker, 'open');
    await worker.stop();
    expect(await producer.records.getActiveCount()).toBe(0);
    expect((await producer.store.counts([sourceId])).get(sourceId)?.total).toBe(50);

    const next = await producer.startWorker();
    await breakerToBe(next, 'open');
    await broker.start();
    await producer.drained(60_000);
    expect(ascending(numbersOf(await producer.stored()))).toEqual(upTo(50));
    await breakerToBe(next, 'closed');
  }, 180_000);

  it.each([{ ordering: 'none' }, { ordering: 'per-key' }])(
    'of one worker only, keeps nothing from a worker whose network is well (ordering $ordering)',
    async ({ ordering }) => {
      await using producer = await openProducer({ config: { delivery: { ordering } } });
      await producer.createTopic({ partitions: 1 });
      const { config } = producer;
      const cutOff = { ...config, kafka: { ...config.kafka, brokers: ['127.0.0.1:1'] } };
      const alone = await producer.startWorker({}, { config: cutOff });
      await breakerToBe(alone, 'open');
      for (let at = 0; at < 20; at += 1) await producer.enqueue(numberedRecords(at, 1));
      await producer.startWorker();
      await producer.drained(60_000);
      const numbers = numbersOf(await producer.stored());
      expect(ordering === 'none' ? ascending(numbers) : numbers).toEqual(upTo(20));
      expect(alone.facts.read().breaker).not.toBe('closed');
    },
    90_000,
  );

  it('has the chunk of a dead worker recovered meanwhile', async () => {
    await using producer = await openProducer({
      config: { kafka: { brokers: ['127.0.0.1:1'] }, delivery: { circuitBreaker: { resetMs: 600_000 } } },
    });
    const worker = await producer.startWorker();
    await breakerToBe(worker, 'open');
    const chunkId = await producer.enqueue(numberedRecords(0, 1));
    const job = await producer.records.getJob(chunkId);
    // What a killed worker leaves behind: an active job without a lock.
    const prefix = `${producer.config.redis.keyPrefix}:{${sourceId}}:records.${sourceId}`;
    await producer.redis.zrem(`${prefix}:prioritized`, chunkId);
    await producer.redis.lpush(`${prefix}:active`, chunkId);
    expect(await job?.getState()).toBe('active');
    await waitUntil('the chunk to wait again', async () => (await job?.getState()) !== 'active', { timeoutMs: 30_000 });
    expect(worker.facts.read().breaker).toBe('open');
  }, 60_000);

  it('uses attempts only where the operator turned the breaker off', async () => {
    await using broker = await openBroker();
    await using producer = await openWith(broker, {
      maxAttempts: 2,
      backoffMs: [100],
      circuitBreaker: { enabled: false },
    });
    await producer.createTopic();
    await producer.startWorker();
    await producer.enqueue(numberedRecords(0, 1));
    await producer.drained();
    await broker.kill('SIGKILL');
    await producer.enqueue(numberedRecords(1, 3));
    await waitUntil('the letters', async () => (await producer.deadLetters.getFailedCount()) === 3, {
      timeoutMs: 60_000,
    });
    const [letter] = await producer.deadLetters.getFailed();
    expect(letter?.data.reason).toMatch(/\(after 2 attempts\)$/);
  }, 180_000);
});
