import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import type { ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { openQueueWith } from '../open-queue.ts';
import { numberedRecord, numberedRecords, openProducer, type ProducerBundle, sourceId } from '../producer-bundle.ts';

/** Decides for the source of a bundle, for as long as the test lasts. */
const decide = async (
  producer: ProducerBundle,
  { delayMs, allowedRate }: Pick<ThrottleDecision, 'delayMs' | 'allowedRate'>,
): Promise<void> => {
  const store = createRedisThrottleStore({ redis: producer.redis, keyPrefix: producer.config.redis.keyPrefix });
  const from = (await store.load([sourceId])).get(sourceId) ?? { number: 0, state: null };
  const at = await store.now();
  const written = await store.step(
    new Map([
      [
        sourceId,
        {
          from,
          state: { level: 0, allowedRate, lowSamples: 0, at, ends: {}, sliceMs: 1_000, slices: [], since: at },
          decision: {
            action: 'throttle_moderate',
            level: 0,
            delayMs,
            allowedRate,
            lag: 2_000,
            averageLag: 2_000,
            targetRecords: 1_000,
            criticalRecords: 5_000,
            trendPerSecond: 0,
            drainSeconds: null,
            reason: 'the test says so',
          },
          holdsMs: 3_600_000,
          lag: { records: 2_000, group: 'g', topic: 't', groups: [], abandoned: [] },
        },
      ],
    ]),
  );
  expect(written).toEqual(new Set([sourceId]));
};

const indexOf = (record: OutgoingRecord): number =>
  (JSON.parse(record.value.toString()) as { readonly data: { readonly index: number } }).data.index;

/** A publisher that notes what it was given, and when. */
const recorder = () => {
  const batches: { readonly indexes: readonly number[]; readonly at: number }[] = [];
  const publish = async (records: readonly OutgoingRecord[]): Promise<readonly never[]> => {
    batches.push({ indexes: records.map(indexOf), at: performance.now() });
    return [];
  };
  return { batches, publish, sent: () => batches.flatMap(({ indexes }) => indexes) };
};

/** Longer than any test: a batch that waits for it is never sent. */
const neverMs = 3_600_000;

describe('the throttle before a send', () => {
  it('lets one batch of the fleet go per pause, and leaves the rest in the queue', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: neverMs, allowedRate: 100_000 });
    for (let from = 0; from < 5_000; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const { batches, publish } = recorder();
    await using one = openQueueWith(producer, publish);
    await using other = openQueueWith(producer, publish);
    await waitUntil('a batch to be sent and one to be held by each worker', async () => {
      const [active, waiting] = await Promise.all([
        producer.records.getActiveCount(),
        producer.records.getPrioritizedCount(),
      ]);
      return active === 2 && waiting === 7;
    });
    expect(batches.map(({ indexes }) => indexes.length)).toEqual([500]);
    expect(await producer.records.getDelayedCount()).toBe(0);
    expect([...one.letters, ...other.letters]).toEqual([]);
  });

  it('keeps the pause between the batches of all workers', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: 400, allowedRate: 100_000 });
    for (let from = 0; from < 2_000; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const { batches, publish, sent } = recorder();
    await using one = openQueueWith(producer, publish);
    await using other = openQueueWith(producer, publish);
    await producer.drained();
    expect(sent().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
    // Leave was given 400 ms apart by Redis' clock; how long each took from there to the send differs.
    const lasted = (batches.at(-1)?.at ?? 0) - (batches[0]?.at ?? 0);
    expect(lasted).toBeGreaterThan(3 * 400 - 200);
    expect([...one.letters, ...other.letters]).toEqual([]);
  });

  it('sends critical records at once, though the worker holds others that have to wait', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: neverMs, allowedRate: 100_000 });
    await producer.enqueue(numberedRecords(0, 500), { priority: 4 });
    await producer.enqueue(numberedRecords(500, 500), { priority: 4 });
    await producer.enqueue(numberedRecords(1_000, 500), { priority: 4 });
    const { publish, sent } = recorder();
    await using queue = openQueueWith(producer, publish);
    await waitUntil('one batch sent and one held', async () => {
      return sent().length === 500 && (await producer.records.getActiveCount()) === 1;
    });
    await producer.enqueue([numberedRecord(9_000, { priority: 1 })], { priority: 1 });
    await producer.enqueue([numberedRecord(9_001, { priority: 1 })], { priority: 1 });
    await waitUntil('both critical records', () => sent().length === 502);
    expect(sent().slice(500)).toEqual([9_000, 9_001]);
    await waitUntil('a batch to be held again', async () => (await producer.records.getActiveCount()) === 1);
    const [held] = await producer.records.getActive();
    expect(held?.attemptsMade).toBe(0);
    expect(queue.letters).toEqual([]);
  });

  it('holds the more urgent of what has to wait', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: neverMs, allowedRate: 100_000 });
    await producer.enqueue(numberedRecords(0, 500), { priority: 4 });
    const { publish, sent } = recorder();
    await using queue = openQueueWith(producer, publish);
    await waitUntil('the first batch', () => sent().length === 500);
    const low = await producer.enqueue(numberedRecords(500, 500), { priority: 4 });
    const isHeld = async (chunkId: string): Promise<boolean> =>
      (await producer.records.getActive()).some(({ id }) => id === chunkId);
    await waitUntil('the low chunk to be held', () => isHeld(low));
    const high = await producer.enqueue(numberedRecords(1_000, 500), { priority: 2 });
    await waitUntil('the high chunk in its place', async () => (await isHeld(high)) && !(await isHeld(low)));
    expect(await producer.records.getPrioritizedCount()).toBe(1);
    expect(queue.letters).toEqual([]);
  });

  it('sends a chunk in parts that is more than 16 s of the allowed rate, and settles what is sent', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: 0, allowedRate: 10 });
    // The first answer tells the rate; what is taken after it is cut by it.
    await producer.enqueue([numberedRecord(9_000, { priority: 1 })], { priority: 1 });
    const { batches, publish } = recorder();
    await using queue = openQueueWith(producer, publish);
    await waitUntil('the rate to be known', () => batches.length === 1);
    await producer.enqueue(numberedRecords(0, 500));
    await waitUntil('a part of the chunk', () => batches.length === 2);
    expect(batches[1]?.indexes).toEqual(Array.from({ length: 160 }, (_, index) => index));
    await waitUntil('its room to be free', async () => {
      return (await producer.store.counts([sourceId])).get(sourceId)?.total === 340;
    });
    expect(queue.letters).toEqual([]);
  });

  it('cuts the first chunk too, before which nobody knew the rate', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: 0, allowedRate: 10 });
    await producer.enqueue(numberedRecords(0, 500));
    const { batches, publish } = recorder();
    await using queue = openQueueWith(producer, publish);
    await waitUntil('a part of the chunk', () => batches.length === 1);
    expect(batches[0]?.indexes).toEqual(Array.from({ length: 160 }, (_, index) => index));
    expect(queue.letters).toEqual([]);
  });

  it('sends a critical chunk whole at once, though all of a throttled source is sent in parts', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: neverMs, allowedRate: 0.1 });
    await producer.enqueue(numberedRecords(0, 500), { priority: 1 });
    const { batches, publish } = recorder();
    await using queue = openQueueWith(producer, publish);
    await producer.drained();
    expect(batches.map(({ indexes }) => indexes.length)).toEqual([500]);
    expect(queue.letters).toEqual([]);
  });

  it('takes a critical chunk although sends of others take all the time of the world', async () => {
    await using producer = await openProducer();
    for (let from = 0; from < 5_000; from += 500) await producer.enqueue(numberedRecords(from, 500), { priority: 4 });
    const sent: number[] = [];
    const released = Promise.withResolvers<void>();
    await using queue = openQueueWith(producer, async (records) => {
      sent.push(...records.map(indexOf));
      if (records.some((record) => indexOf(record) < 9_000)) await released.promise;
      return [];
    });
    await waitUntil('all that may be in hand', async () => (await producer.records.getActiveCount()) === 5);
    await producer.enqueue([numberedRecord(9_000, { priority: 1 })], { priority: 1 });
    await waitUntil('the critical record', () => sent.includes(9_000));
    released.resolve();
    await producer.drained();
    expect(sent.toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 5_000 }, (_, index) => index), 9_000]);
    expect(queue.letters).toEqual([]);
  });

  it('gives the worker that waits longer its turn, however near another is', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: 200, allowedRate: 100_000 });
    for (let from = 0; from < 4_000; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const near = recorder();
    const far = recorder();
    const store = createRedisThrottleStore({ redis: producer.redis, keyPrefix: producer.config.redis.keyPrefix });
    await using one = openQueueWith(producer, near.publish, { workerName: 'near' });
    await using other = openQueueWith(
      producer,
      far.publish,
      { workerName: 'far' },
      {
        throttle: {
          askToSend: async (source, request) => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return store.askToSend(source, request);
          },
        },
      },
    );
    await producer.drained();
    expect(far.batches.length).toBeGreaterThanOrEqual(3);
    expect(near.batches.length).toBeGreaterThanOrEqual(3);
    expect([...one.letters, ...other.letters]).toEqual([]);
  });

  it('goes on as soon as a milder decision is there', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: neverMs, allowedRate: 10 });
    for (let from = 0; from < 2_000; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const { publish, sent } = recorder();
    await using queue = openQueueWith(producer, publish);
    await waitUntil('something to be sent', () => sent().length > 0);
    await decide(producer, { delayMs: 0, allowedRate: 100_000 });
    await producer.drained();
    expect(sent().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
    expect(queue.letters).toEqual([]);
  });

  it('gives back what has to wait when it closes, without an attempt', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: neverMs, allowedRate: 10 });
    for (let from = 0; from < 1_500; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const { publish, sent } = recorder();
    {
      await using queue = openQueueWith(producer, publish);
      await waitUntil('a chunk to be held', async () => {
        return sent().length > 0 && (await producer.records.getActiveCount()) === 1;
      });
      expect(queue.letters).toEqual([]);
    }
    expect(await producer.records.getActiveCount()).toBe(0);
    const waiting = await producer.records.getPrioritized();
    expect(waiting.map(({ attemptsMade }) => attemptsMade)).toEqual(waiting.map(() => 0));
    const left = (await producer.store.counts([sourceId])).get(sourceId)?.total ?? 0;
    expect(left + sent().length).toBe(1_500);
  });

  it('keeps the order of `per-key` while it holds back', async () => {
    await using producer = await openProducer();
    await decide(producer, { delayMs: 50, allowedRate: 100_000 });
    for (let from = 0; from < 500; from += 50) await producer.enqueue(numberedRecords(from, 50));
    const { publish, sent } = recorder();
    await using one = openQueueWith(producer, publish, { isOrdered: true });
    await using other = openQueueWith(producer, publish, { isOrdered: true });
    await producer.drained();
    expect(sent()).toEqual(Array.from({ length: 500 }, (_, index) => index));
    expect([...one.letters, ...other.letters]).toEqual([]);
  });
});
