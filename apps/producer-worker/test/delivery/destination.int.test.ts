// A topic that takes nothing: its chunks wait, other topics go on, and after the grace time what waits becomes letters.
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { numberedRecords, numbersOf, openProducer } from '../producer-bundle.ts';

const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);

describe('a topic that is not there', () => {
  it('lets its chunks wait without an attempt, and gets all of them when somebody makes it', async () => {
    await using producer = await openProducer();
    const chunkId = await producer.enqueue(numberedRecords(0, 5));
    const { health, facts } = await producer.startWorker();
    await waitUntil('the chunk to wait', async () => (await producer.records.getDelayedCount()) === 1, {
      timeoutMs: 30_000,
    });
    expect((await producer.records.getJob(chunkId))?.attemptsMade).toBe(0);
    await waitUntil('the note', () => health.report().sources.fires?.includes('its topic takes no records'));
    expect(facts.read().breaker).toBe('closed');
    await producer.createTopic();
    await producer.drained();
    expect(ascending(numbersOf(await producer.stored()))).toEqual([0, 1, 2, 3, 4]);
  }, 60_000);

  it('makes letters that say what to do when the grace time is over, and a retry publishes them', async () => {
    await using producer = await openProducer({ config: { delivery: { destinationGraceMs: 1_500 } } });
    await producer.enqueue(numberedRecords(0, 3));
    await producer.startWorker();
    const letters = await waitUntil(
      'the letters',
      async () => {
        const failed = await producer.deadLetters.getFailed();
        return failed.length === 3 ? failed : null;
      },
      { timeoutMs: 60_000 },
    );
    expect(letters[0]?.data).toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      topic: producer.topic,
      reason: expect.stringMatching(/did not exist for 1.5 s .*create it or correct the routing, then replay/),
    });
    await producer.createTopic();
    for (const letter of letters) await letter.retry();
    await waitUntil('the records', async () => (await producer.stored()).length === 3, { timeoutMs: 60_000 });
    expect(ascending(numbersOf(await producer.stored()))).toEqual([0, 1, 2]);
  }, 120_000);
});
