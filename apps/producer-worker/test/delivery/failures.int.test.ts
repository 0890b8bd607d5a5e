import type { DeadLetterJobData } from '@stream-manager/shared/jobs/payloads';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import {
  numberedRecord,
  numberedRecords,
  numbersOf,
  openProducer,
  type ProducerBundle,
  sourceId,
} from '../producer-bundle.ts';

const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** Resolves with the letters of the bundle's source once there are `count` that failed. */
const failedLetters = (producer: ProducerBundle, count: number): Promise<readonly Job<DeadLetterJobData>[]> =>
  waitUntil(
    `${count} failed letters`,
    async () => {
      const failed: readonly Job<DeadLetterJobData>[] = await producer.deadLetters.getFailed();
      if (failed.length !== count) throw new Error(`there are ${failed.length}`);
      return failed;
    },
    { timeoutMs: 30_000 },
  );

describe('a record that Kafka refuses for itself', () => {
  it('alone becomes a dead letter, which shows as failed with its reason, and goes through when it is retried', async () => {
    await using producer = await openProducer();
    await producer.createTopic({ partitions: 1, config: { 'max.message.bytes': '20000' } });
    const poison = numberedRecord(3, { padding: 30_000 });
    await producer.enqueue([...numberedRecords(0, 3), poison, ...numberedRecords(4, 3)]);
    const { metrics } = await producer.startWorker();
    await producer.drained();
    expect(numbersOf(await producer.stored())).toEqual([0, 1, 2, 4, 5, 6]);

    const [letter] = await failedLetters(producer, 1);
    expect(letter?.id).toBe(`${poison.id.toString('base64url')}-${poison.hash.toString('hex').slice(0, 6)}-0`);
    expect(letter?.failedReason).toBe(letter?.data.reason);
    expect(letter?.data).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      topic: producer.topic,
      record: JSON.parse(poison.value.toString()),
      replays: 0,
      attempts: [{ error: letter?.failedReason }],
    });
    expect((await metrics.deadLettersTotal.get()).values).toMatchObject([
      { value: 1, labels: { source: sourceId, code: 'MESSAGE_TOO_LARGE' } },
    ]);
    const totals = await producer.store.totals([sourceId]);
    expect(totals.get(sourceId)?.published).toBe(6);

    // Refused again: one letter, of the next replay.
    await letter?.retry();
    const [second] = await waitUntil(
      'the next letter',
      async () => {
        const failed: readonly Job<DeadLetterJobData>[] = await producer.deadLetters.getFailed();
        return failed.length === 1 && failed[0]?.id !== letter?.id ? failed : null;
      },
      { timeoutMs: 20_000 },
    );
    expect(second?.id).toBe(letter?.id?.replace(/-0$/, '-1'));
    expect(second?.data).toMatchObject({ replays: 1, pollId: 'poll-1', record: letter?.data.record });

    await producer.alterTopic({ 'max.message.bytes': '1000000' });
    await waitUntil(
      'the record to be in Kafka',
      async () => {
        const [lying] = await producer.deadLetters.getFailed();
        if (lying !== undefined) await lying.retry().catch(() => {});
        return numbersOf(await producer.stored()).includes(3);
      },
      { timeoutMs: 90_000, intervalMs: 2_000 },
    );
    await producer.drained();
    const stored = (await producer.stored()).filter((record) => numbersOf([record])[0] === 3);
    expect(stored).toHaveLength(1);
    expect(stored[0]).toMatchObject({
      key: poison.key,
      timestamp: poison.eventTimeMs,
      value: JSON.parse(poison.value.toString()),
      headers: { 'record-id': poison.id.toString('base64url') },
    });
    expect(await producer.deadLetters.getJobCountByTypes('failed', 'wait', 'active', 'delayed')).toBe(0);
  }, 150_000);
});

describe('a chunk that cannot be read', () => {
  it('ends as one letter with its bytes when it is damaged', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const chunkId = await producer.enqueue(numberedRecords(0, 5));
    const key = `${producer.config.redis.keyPrefix}:{${sourceId}}:chunk:${chunkId}`;
    await producer.redis.hset(key, 'v', Buffer.from([1, 2, 3, 4, 5, 6]));
    await producer.enqueue(numberedRecords(5, 5));
    await producer.startWorker();
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual([5, 6, 7, 8, 9]);
    const [letter] = await failedLetters(producer, 1);
    expect(letter?.data).toMatchObject({
      code: 'payload_damaged',
      raw: Buffer.from([1, 2, 3, 4, 5, 6]).toString('base64'),
    });
    expect(letter?.failedReason).toContain('damaged');
  });

  it('waits without an attempt when a later version wrote it, and is named in the health', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const chunkId = await producer.enqueue(numberedRecords(0, 5));
    const key = `${producer.config.redis.keyPrefix}:{${sourceId}}:chunk:${chunkId}`;
    const payload = await producer.redis.hgetBuffer(key, 'v');
    if (payload === null) throw new Error('the chunk has a payload');
    await producer.redis.hset(key, 'v', Buffer.concat([Buffer.from([9]), payload.subarray(1)]));
    const { health } = await producer.startWorker();
    await waitUntil('the chunk to be delayed', async () => (await producer.records.getDelayedCount()) === 1);
    expect(health.report().sources[sourceId]).toContain('payload version 9');
    expect((await producer.records.getJob(chunkId))?.attemptsMade).toBe(0);
    await producer.redis.hset(key, 'v', payload);
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual(upTo(5));
  });
});

describe('the sweep', () => {
  it('adds the job of a chunk whose poller died, and completes a job whose chunk is settled', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const jobless = await producer.enqueue(numberedRecords(0, 5));
    await producer.records.remove(jobless);
    const settled = await producer.enqueue(numberedRecords(5, 5));
    await producer.store.settle(sourceId, settled, null, 5);
    await producer.startWorker();
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual(upTo(5));
  });

  it('moves a chunk whose job BullMQ has failed to the dead letters', async () => {
    await using producer = await openProducer();
    const chunkId = await producer.enqueue(numberedRecords(0, 3));
    // What BullMQ does with a job that stalled too often: failed, with the chunk still there.
    const job = await producer.records.getJob(chunkId);
    const prefix = `${producer.config.redis.keyPrefix}:{${sourceId}}:records.${sourceId}`;
    await producer.redis.zrem(`${prefix}:prioritized`, chunkId);
    await producer.redis.zadd(`${prefix}:failed`, Date.now(), chunkId);
    await producer.redis.hset(
      `${prefix}:${chunkId}`,
      'failedReason',
      'job stalled more than allowable limit',
      'finishedOn',
      Date.now(),
    );
    expect(await job?.getState()).toBe('failed');
    await producer.startWorker();
    const letters = await failedLetters(producer, 3);
    await producer.drained();
    expect(letters.map(({ data }) => [data.code, data.reason])).toEqual(
      Array.from({ length: 3 }, () => ['publish_failed', 'job stalled more than allowable limit']),
    );
  });
});

describe('a producer worker that is killed', () => {
  it('loses nothing, and doubles at most what it had in flight', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const total = 60_000;
    for (let from = 0; from < total; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const victim = await producer.spawnWorker();
    await waitUntil(
      'the first records',
      async () => ((await producer.store.totals([sourceId])).get(sourceId)?.published ?? 0) > 2_000,
    );
    victim.kill('SIGKILL');
    const left = (await producer.store.counts([sourceId])).get(sourceId)?.total ?? 0;
    expect(left).toBeGreaterThan(0);
    await producer.startWorker();
    await producer.drained(40_000);
    const numbers = numbersOf(await producer.stored());
    expect(new Set(numbers).size).toBe(total);
    // Four batches of 500 in flight, and what was acknowledged and not yet settled.
    expect(numbers.length - total).toBeLessThanOrEqual(2_500);
  }, 120_000);
});
