// Critical before high before normal before low, strictly: whatever happens to a job on its way, no worker is ever given one
// while a more urgent one waits.
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { DelayedError, type Job, WaitingError } from 'bullmq';
import { expect, it } from 'vitest';
import type { PriorityClass } from '../../src/records/priority.ts';
import { openRecordsQueue } from './records-queue-bundle.ts';
import { record } from './small-records.ts';

const classes: readonly PriorityClass[] = [4, 2, 3, 1];

it('holds across retries, jobs put back or delayed, and restarts of the worker', { timeout: 60_000 }, async () => {
  await using bundle = openRecordsQueue();
  const chunks = 80;
  for (let at = 0; at < chunks; at++) {
    const chunkId = await bundle.enqueue([record(at)], { chunkId: `chunk-${at}`, priority: classes[at % 4] ?? 4 });
    expect(chunkId).toBe(`chunk-${at}`);
  }
  const runs: { readonly priority: number; readonly waiting: number }[] = [];
  const done: string[] = [];
  const process = async (job: Job, token: string | undefined): Promise<void> => {
    const [, score] = await bundle.redis.zrange(`${bundle.jobs}prioritized`, 0, 0, 'WITHSCORES');
    runs.push({ priority: job.priority, waiting: score === undefined ? 5 : Math.floor(Number(score) / 2 ** 32) });
    if (job.attemptsStarted === 1) {
      const at = Number(String(job.id).slice('chunk-'.length));
      switch (Math.floor(at / 4) % 4) {
        case 0:
          await job.moveToWait(token);
          throw new WaitingError();
        case 1:
          await job.moveToDelayed(Date.now() - 1, token);
          throw new DelayedError();
        case 2:
          // Runs again at once, at the tail of its class.
          job.opts.backoff = { type: 'fixed', delay: 0 };
          throw new Error('once');
      }
    }
    done.push(String(job.id));
  };
  while (done.length < chunks) {
    const until = Math.min(chunks, done.length + 17);
    const worker = bundle.work(process, { concurrency: 1 });
    await waitUntil('some chunks to be done', () => done.length >= until);
    await worker.close();
  }
  expect(new Set(done).size).toBe(chunks);
  expect(runs.length).toBe(chunks + 60);
  expect(runs.filter(({ priority, waiting }) => waiting < priority)).toEqual([]);
  const order = done.map((id) => classes[Number(id.slice('chunk-'.length)) % 4] ?? 4);
  expect(order).toEqual([...order].sort((a, b) => a - b));
});
