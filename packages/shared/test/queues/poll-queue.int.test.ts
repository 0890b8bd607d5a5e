import { randomBytes } from 'node:crypto';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, inject, it } from 'vitest';
import type { ReparseJobData } from '../../src/jobs/payloads.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openQueue, openWorker, pollQueueAddress } from '../../src/queues/bullmq.ts';
import { letterMark, nextLetterId } from '../../src/queues/dead-letters/letter-mark.ts';
import { requestReparse } from '../../src/queues/poll-queue.ts';
import { createRedis } from '../../src/queues/redis.ts';

const data: ReparseJobData = {
  sourceId: 'fires',
  letterId: 'row-abcdef-0',
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

it('asks once for a row, however often it is asked for, behind every poll', async () => {
  await using polls = await open();
  expect(await requestReparse(polls.queue, data)).toBeNull();
  expect(await requestReparse(polls.queue, data)).toBeNull();
  const jobs = await polls.queue.getJobs(['prioritized']);
  expect(jobs.map((job) => [job.id, job.name, job.opts.priority, job.data])).toEqual([
    ['reparse-row-abcdef-0', 'reparse', 4, data],
  ]);
});

it('leaves nothing behind when the row was parsed, so that it can be asked for anew', async () => {
  await using polls = await open();
  await requestReparse(polls.queue, data);
  await polls.run(async () => ({}));
  expect(await polls.queue.getJobs()).toEqual([]);
  expect(await requestReparse(polls.queue, data)).toBeNull();
  expect(await polls.queue.getJobCountByTypes('prioritized')).toBe(1);
});

it('gives the reason once when a poller could not do it, and may be asked anew', async () => {
  await using polls = await open();
  await requestReparse(polls.queue, data);
  await polls.run(() => Promise.reject(new Error('knows no job named "reparse"')));
  expect(await requestReparse(polls.queue, data)).toBe('knows no job named "reparse"');
  expect(await requestReparse(polls.queue, data)).toBeNull();
  expect(await polls.queue.getJobCountByTypes('prioritized')).toBe(1);
});

it('marks a letter by its job id, and names the letter that takes its place', () => {
  const mark = letterMark('row-abcdef-0');
  expect([mark.id.length, mark.hash.length]).toEqual([16, 8]);
  expect(letterMark('row-abcdef-0')).toEqual(mark);
  expect(letterMark('row-abcdef-1').id).not.toEqual(mark.id);
  expect(nextLetterId('r-w_x-abcdef-0', 0)).toBe('r-w_x-abcdef-1');
  expect(nextLetterId('r-w_x-abcdef-12', 12)).toBe('r-w_x-abcdef-13');
});
