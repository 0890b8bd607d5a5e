// A source that is removed from the config while it holds records: they still go to the topic they were meant for.
import { configSchema } from '@stream-manager/shared/config/schema';
import { addDeadLetters } from '@stream-manager/shared/queues/dead-letters';
import { createLetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { registerSources } from '@stream-manager/shared/queues/known-sources';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { silent } from './chunks.ts';
import {
  numberedRecord,
  numberedRecords,
  numbersOf,
  openProducer,
  type ProducerBundle,
  sourceId,
} from './producer-bundle.ts';

/** What a process starts with after the source was removed from the bundle's config. */
const afterRemoval = async (producer: ProducerBundle) => {
  const { redis, kafka } = producer.config;
  const register = (config: ProducerBundle['config']) =>
    registerSources({ redis: producer.redis, logger: silent }, redis.keyPrefix, config);
  await register(producer.config);
  const config = configSchema.parse({ redis, kafka, sources: {} });
  return { config, retired: await register(config) };
};

describe('records of a source that is gone from the config', () => {
  it('are published to its fixed topic', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    await producer.enqueue(numberedRecords(0, 50));
    await producer.startWorker({}, await afterRemoval(producer));
    await producer.drained();
    expect(numbersOf(await producer.stored()).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  it('are found by the sweep when their job was never added', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const chunkId = await producer.enqueue(numberedRecords(0, 5));
    await producer.records.remove(chunkId);
    await producer.startWorker({ SOURCES: sourceId }, await afterRemoval(producer));
    await producer.drained();
    expect(await producer.stored()).toHaveLength(5);
  });

  it('are replayed from its dead letters', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const { key, value } = numberedRecord(7);
    const record: unknown = JSON.parse(value.toString());
    const at = '2026-01-04T10:00:00.000Z';
    const letter = {
      sourceId,
      code: 'poison',
      reason: 'too large',
      topic: producer.topic,
      record,
      key,
      attempts: [{ at, error: 'too large' }],
      firstFailedAt: at,
      lastFailedAt: at,
      pollId: 'poll-1',
      payloadVersion: 1,
      replays: 0,
    };
    const stocks = createLetterStocks(producer.redis, producer.config.redis.keyPrefix);
    await addDeadLetters(producer.deadLetters, [{ jobId: 'letter-7', data: letter }], stocks);
    await producer.startWorker({}, await afterRemoval(producer));
    const job = await waitUntil('the letter to be shown as failed', async () => {
      const job = await producer.deadLetters.getJob('letter-7');
      return (await job?.isFailed()) === true ? job : null;
    });
    await job.retry('failed');
    await waitUntil('the record to be published', async () => (await producer.stored()).length === 1);
    expect(numbersOf(await producer.stored())).toEqual([7]);
  });
});
