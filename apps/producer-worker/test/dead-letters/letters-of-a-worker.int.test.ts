// What a running producer worker does with the dead letters that lie there: it measures them and lets the old ones end.
import { addDeadLetters } from '@stream-manager/shared/queues/dead-letters';
import { createFailedLetters } from '@stream-manager/shared/queues/dead-letters/failed-letters';
import { createLetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { numberedRecord, openProducer, sourceId } from '../producer-bundle.ts';

const at = '2026-01-04T10:00:00.000Z';
const letterOf = (n: number) => ({
  jobId: `letter-${n}`,
  data: {
    sourceId,
    code: 'publish_failed',
    reason: 'refused',
    topic: 't',
    record: { id: `record-${n}` },
    attempts: [{ at, error: 'refused' }],
    firstFailedAt: at,
    lastFailedAt: at,
    pollId: 'poll-1',
    payloadVersion: 1,
    replays: 0,
  },
});

describe('dead letters in the care of a producer worker', () => {
  it('reach their limit and do not pass it: the refused records that are left wait in their chunks', async () => {
    await using producer = await openProducer({ config: { delivery: { deadLetters: { maxRecords: 4 } } } });
    const { store, deadLetters, redis, config } = producer;
    await producer.createTopic({ config: { 'max.message.bytes': '20000' } });
    const tooLarge = (index: number) => numberedRecord(index, { padding: 30_000 });
    for (const from of [0, 3]) await producer.enqueue([0, 1, 2].map((n) => tooLarge(from + n)));
    await producer.startWorker();
    const isAt = (letters: number, records: number) => async (): Promise<boolean> => {
      const left = (await store.counts([sourceId])).get(sourceId)?.total;
      return (await deadLetters.getFailedCount()) === letters && left === records;
    };
    const patience = { timeoutMs: 40_000 };
    await waitUntil('the limit to be reached', isAt(4, 2), patience);
    const lying = (await deadLetters.getFailed()).map(({ id }) => id ?? '');
    const letters = createFailedLetters(redis, config.redis.keyPrefix);
    await letters.remove(sourceId, lying.slice(0, 3));
    await waitUntil('the others to be letters', isAt(3, 0), patience);
    expect(await producer.stored()).toEqual([]);
  });

  it('expire after keepDays, and what was removed in Bull Board is noticed', async () => {
    await using producer = await openProducer();
    await producer.createTopic();
    const stocks = createLetterStocks(producer.redis, producer.config.redis.keyPrefix);
    await addDeadLetters(
      producer.deadLetters,
      Array.from({ length: 30 }, (_, n) => letterOf(n)),
      stocks,
    );
    const { bytes } = (await stocks.read([sourceId])).get(sourceId)!;
    const worker = await producer.startWorker();
    await waitUntil('the letters to be failed', async () => (await producer.deadLetters.getFailedCount()) === 30, {
      timeoutMs: 40_000,
    });
    const longAgo = Date.now() - 15 * 86_400_000;
    for (let n = 0; n < 10; n += 1)
      await producer.redis.zadd(producer.deadLetters.toKey('failed'), longAgo, `letter-${n}`);
    await waitUntil('ten letters to expire', async () => (await producer.deadLetters.getFailedCount()) === 20, {
      timeoutMs: 40_000,
    });
    const expired = await waitUntil('them to be counted', async () => {
      const { values } = await worker.metrics.deadLettersExpiredTotal.get();
      return values.length > 0 && values;
    });
    expect(expired).toEqual([{ labels: { source: sourceId }, value: 10 }]);

    for (let n = 10; n < 25; n += 1) await producer.deadLetters.remove(`letter-${n}`);
    const left = await waitUntil(
      'the bytes to be measured',
      async () => {
        const stock = (await stocks.read([sourceId])).get(sourceId);
        return stock !== undefined && stock.bytes < bytes / 3 && stock;
      },
      { timeoutMs: 40_000 },
    );
    // The job ids of one and of two digits have records of other lengths: those left all have two.
    const size = Buffer.byteLength(JSON.stringify(letterOf(25).data));
    expect(left).toEqual({ letters: 5, bytes: 5 * size });
  });
});
