// `delivery.ordering: per-key`: records of a source reach Kafka in the order in which they were admitted, within their class,
// whatever fails and whoever dies.
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import type { SendFailure } from '../../src/delivery/publish.ts';
import { openQueueWith } from '../open-queue.ts';
import { numberedRecords, numbersOf, openProducer, sourceId } from '../producer-bundle.ts';

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const numberIn = (value: Buffer): number => JSON.parse(value.toString()).data.index;
const firstTimes = (numbers: readonly number[]): readonly number[] => [...new Set(numbers)];

describe('per-key order', () => {
  it('holds over two workers whose sends fail, and no two chunks are on their way at a time', async () => {
    await using producer = await openProducer();
    const sent: number[] = [];
    let sends = 0;
    let onTheirWay = 0;
    const publish = async (records: readonly { readonly value: Buffer }[]): Promise<readonly SendFailure[]> => {
      onTheirWay += 1;
      expect(onTheirWay).toBe(1);
      sends += 1;
      await new Promise((resolve) => setImmediate(resolve));
      onTheirWay -= 1;
      const indexes = records.map((_record, index) => index);
      if (sends % 5 === 2) return [{ outcome: 'other', code: 'SOMETHING_NEW', message: 'not now', indexes }];
      if (sends % 5 === 4) return [{ outcome: 'outage', code: 'NO_LEADER', message: 'no leader', indexes: [0] }];
      sent.push(...records.map(({ value }) => numberIn(value)));
      return [];
    };
    const ordered = { isOrdered: true, maxAttempts: 50, backoffMs: [20] };
    const chunks = 30;
    for (let at = 0; at < chunks; at += 1) await producer.enqueue(numberedRecords(at, 1));
    await using one = openQueueWith(producer, publish, ordered);
    await using two = openQueueWith(producer, publish, ordered);
    await producer.drained(60_000);
    expect(sent).toEqual(upTo(chunks));
    expect([...one.letters, ...two.letters]).toEqual([]);
  }, 90_000);

  it('lets what is more urgent overtake a chunk that waits for its next attempt', async () => {
    await using producer = await openProducer();
    const sent: number[] = [];
    let isRefusing = true;
    const publish = async (records: readonly { readonly value: Buffer }[]): Promise<readonly SendFailure[]> => {
      const numbers = records.map(({ value }) => numberIn(value));
      if (isRefusing && numbers[0] === 0) return [{ outcome: 'other', code: 'NEW', message: 'not now', indexes: [0] }];
      sent.push(...numbers);
      return [];
    };
    const chunkId = await producer.enqueue(numberedRecords(0, 1));
    await producer.enqueue(numberedRecords(1, 1));
    await using _queue = openQueueWith(producer, publish, { isOrdered: true, maxAttempts: 50, backoffMs: [3_600_000] });
    await waitUntil('the first attempt', async () => (await producer.store.take(sourceId, chunkId))?.tries.made === 1);
    expect((await producer.records.getJob(chunkId))?.attemptsMade).toBe(0);
    isRefusing = false;
    await producer.enqueue(numberedRecords(2, 1), { priority: 1 });
    await producer.drained();
    expect(sent).toEqual([2, 0, 1]);
  });

  it('counts the attempts in the chunk: a worker that takes over goes on counting, and the last one makes the letter', async () => {
    await using producer = await openProducer();
    const refuse = async (): Promise<readonly SendFailure[]> => [
      { outcome: 'other', code: 'NEW', message: 'not now', indexes: [0] },
    ];
    const chunkId = await producer.enqueue(numberedRecords(0, 1));
    const ordered = { isOrdered: true, maxAttempts: 3 };
    {
      await using _first = openQueueWith(producer, refuse, { ...ordered, backoffMs: [3_600_000] });
      await waitUntil(
        'the first attempt',
        async () => (await producer.store.take(sourceId, chunkId))?.tries.made === 1,
      );
    }
    await using second = openQueueWith(producer, refuse, { ...ordered, backoffMs: [20] });
    await producer.drained();
    expect(second.letters[0]?.data).toMatchObject({ reason: 'not now (after 3 attempts)' });
    expect(second.letters[0]?.data.attempts).toHaveLength(3);
  });

  it('goes on behind a worker that is killed, in order', async () => {
    await using producer = await openProducer({ config: { delivery: { ordering: 'per-key' } } });
    await producer.createTopic({ partitions: 1 });
    const total = 30_000;
    for (let from = 0; from < total; from += 500) await producer.enqueue(numberedRecords(from, 500));
    const victim = await producer.spawnWorker();
    await waitUntil(
      'the first records',
      async () => ((await producer.store.totals([sourceId])).get(sourceId)?.published ?? 0) > 2_000,
      { timeoutMs: 30_000 },
    );
    victim.kill('SIGKILL');
    await producer.spawnWorker();
    await producer.drained(60_000);
    expect(await producer.records.getGlobalConcurrency()).toBe(1);
    expect(firstTimes(numbersOf(await producer.stored()))).toEqual(upTo(total));
  }, 150_000);

  it('is given up when the config says so', async () => {
    await using producer = await openProducer();
    await producer.records.setGlobalConcurrency(1);
    await using _queue = openQueueWith(producer, async () => []);
    await waitUntil('the setting to go', async () => (await producer.records.getGlobalConcurrency()) === null);
    await producer.enqueue(numberedRecords(0, 1));
    await producer.drained();
    expect(await producer.records.getGlobalConcurrency()).toBeNull();
  });
});
