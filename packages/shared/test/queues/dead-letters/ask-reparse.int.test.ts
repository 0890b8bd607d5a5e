import { randomBytes } from 'node:crypto';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, inject, it } from 'vitest';
import type { ReparseJobData } from '../../../src/jobs/payloads.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { openQueue, openWorker, pollQueueAddress } from '../../../src/queues/bullmq.ts';
import { createAskReparse, rowsAtATime } from '../../../src/queues/dead-letters/ask-reparse.ts';
import { letterMark, nextLetterId } from '../../../src/queues/dead-letters/letter-mark.ts';
import { fleetKeys } from '../../../src/queues/keys.ts';
import { createRedis } from '../../../src/queues/redis.ts';

const data: ReparseJobData = {
  sourceId: 'fires',
  letterId: 'row-abcdef-0',
  letterAddedAt: 1_777_636_800_000,
  raw: 'a,b',
  rawContext: 'x,y',
  code: 'invalid_row',
  replays: 0,
  pollId: 'fires.7',
  firstFailedAt: '2026-05-01T12:00:00.000Z',
};

const open = async () => {
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const redis = createRedis(inject('redisUrl'), { name: 'test', logger });
  await redis.connect();
  const queue = openQueue(pollQueueAddress(keyPrefix), redis, () => {});
  return {
    queue,
    keys: fleetKeys(keyPrefix),
    redis,
    ask: createAskReparse({ redis, queue }, { keyPrefix }),
    /** Runs what lies in the queue with a poller that does this. */
    run: async (act: () => Promise<unknown>) => {
      const worker = openWorker(pollQueueAddress(keyPrefix), redis, act, { concurrency: 1, name: 'test' }, () => {});
      await waitUntil('the queue to be empty', async () => {
        const counts = await queue.getJobCounts('prioritized', 'active', 'wait');
        return Object.values(counts).every((count) => count === 0);
      });
      await worker.close();
    },
    [Symbol.asyncDispose]: async () => {
      await queue.close();
      for await (const keys of redis.scanStream({ match: `${keyPrefix}:*` }) as AsyncIterable<string[]>)
        if (keys.length > 0) await redis.unlink(...keys);
      redis.disconnect();
    },
  };
};

const asked = { answer: 'asked', forMs: expect.any(Number) };

it('asks once for a row, however often it is asked for, behind every poll', async () => {
  await using polls = await open();
  expect(await polls.ask(data)).toEqual({ answer: 'asked', forMs: 0 });
  expect(await polls.ask(data)).toEqual(asked);
  const jobs = await polls.queue.getJobs(['prioritized']);
  expect(jobs.map((job) => [job.id, job.name, job.opts.priority, job.data])).toEqual([
    ['reparse-row-abcdef-0', 'reparse', 4, data],
  ]);
});

it('says for how long a row is asked for, by the clock of Redis', async () => {
  await using polls = await open();
  await polls.ask(data);
  const set = polls.keys.reparses('fires');
  await polls.redis.zincrby(set, -90_000, 'reparse-row-abcdef-0');
  const { forMs } = (await polls.ask(data)) as { readonly forMs: number };
  expect(forMs).toBeGreaterThanOrEqual(90_000);
  expect(await polls.redis.pttl(set)).toBeGreaterThan(0);
});

it('asks again for a row whose job is gone, or that was counted by a worker which was killed before it asked', async () => {
  await using polls = await open();
  await polls.ask(data);
  await polls.queue.remove('reparse-row-abcdef-0');
  expect(await polls.ask(data)).toEqual({ answer: 'asked', forMs: 0 });
  expect(await polls.queue.getJobCountByTypes('prioritized')).toBe(1);
});

it('leaves nothing behind when the row was parsed, so that it can be asked for anew', async () => {
  await using polls = await open();
  await polls.ask(data);
  await polls.run(async () => ({}));
  expect(await polls.queue.getJobs()).toEqual([]);
  expect(await polls.ask(data)).toEqual({ answer: 'asked', forMs: 0 });
  expect(await polls.queue.getJobCountByTypes('prioritized')).toBe(1);
});

it('gives the reason once when a poller could not do it, and may be asked anew', async () => {
  await using polls = await open();
  await polls.ask(data);
  await polls.run(() => Promise.reject(new Error('knows no job named "reparse"')));
  expect(await polls.ask(data)).toEqual({ answer: 'failed', reason: 'knows no job named "reparse"' });
  expect(await polls.ask(data)).toEqual(asked);
  expect(await polls.queue.getJobCountByTypes('prioritized')).toBe(1);
});

it('lays no more than so many rows of a source into the queue, and others as those are parsed', async () => {
  await using polls = await open();
  const ask = async (from: number, count: number) => {
    const answers = Array.from({ length: count }, (_, n) => polls.ask({ ...data, letterId: `row-${from + n}-0` }));
    return Map.groupBy(await Promise.all(answers), ({ answer }) => answer);
  };
  const lying = (): Promise<number> => polls.queue.getJobCountByTypes('prioritized', 'delayed', 'active', 'wait');
  const first = await ask(0, rowsAtATime + 100);
  expect([first.get('asked')?.length, first.get('full')?.length]).toEqual([rowsAtATime, 100]);
  expect(await lying()).toBe(rowsAtATime);
  // Those that were asked for may go on asking, and another source has room of its own.
  expect((await ask(0, 20)).get('asked')?.length).toBe(20);
  expect(await polls.ask({ ...data, sourceId: 'alerts' })).toEqual(asked);
  expect(await polls.redis.zcard(polls.keys.reparses('fires'))).toBe(rowsAtATime);

  // Half of them are parsed: there is room for as many.
  const parsed = (await polls.queue.getJobs(['prioritized'])).filter(({ data: { sourceId } }) => sourceId === 'fires');
  await Promise.all(parsed.slice(0, rowsAtATime / 2).map((job) => job.remove()));
  let more = 0;
  await waitUntil('rows to be asked for in the place of those', async () => {
    more += (await ask(1_000 + more, 20)).get('asked')?.length ?? 0;
    return (await lying()) === rowsAtATime + 1;
  });
  expect(await polls.redis.zcard(polls.keys.reparses('fires'))).toBe(rowsAtATime);
  expect((await ask(9_000, 20)).get('full')?.length).toBe(20);
});

it('marks a letter by its job id and the time it was added, and names the letter that takes its place', () => {
  const mark = letterMark('row-abcdef-0', 1_000);
  expect([mark.id.length, mark.hash.length]).toEqual([16, 8]);
  expect(letterMark('row-abcdef-0', 1_000)).toEqual(mark);
  expect(letterMark('row-abcdef-1', 1_000).id).not.toEqual(mark.id);
  expect(letterMark('row-abcdef-0', 1_001).id).not.toEqual(mark.id);
  expect(nextLetterId('r-w_x-abcdef-0', 0)).toBe('r-w_x-abcdef-1');
  expect(nextLetterId('r-w_x-abcdef-12', 12)).toBe('r-w_x-abcdef-13');
});
