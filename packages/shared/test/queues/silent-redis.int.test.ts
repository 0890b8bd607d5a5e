// A Redis that falls silent: the other end of the connection has vanished without a word, or nothing comes through for a while.
import { randomUUID } from 'node:crypto';
import { startProxy } from '@stream-manager/testkit/network/proxy';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { pino } from 'pino';
import { describe, expect, inject, it } from 'vitest';
import { openQueue, openWorker, pollQueueAddress } from '../../src/queues/bullmq.ts';
import { createRedis } from '../../src/queues/redis.ts';

const setup = async () => {
  const { port } = new URL(inject('redisUrl'));
  const proxy = await startProxy({ target: () => Number(port) });
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) });
  const redis = createRedis(`redis://127.0.0.1:${proxy.port}`, { name: 'silent', logger, pingIntervalMs: 100 });
  await redis.connect();
  return {
    proxy,
    redis,
    lines,
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
      await proxy.stop();
    },
  };
};

describe('a Redis that falls silent', () => {
  it('is connected to anew, and what was asked of it is answered', async () => {
    await using part = await setup();
    const key = `silent-${randomUUID()}`;
    part.proxy.halve();
    const answer = part.redis.set(key, 'x', 'PX', 60_000);
    await waitUntil('the connection to be given up', () =>
      part.lines.includes('redis does not answer; connecting anew'),
    );
    part.proxy.heal();
    expect(await answer).toBe('OK');
  }, 60_000);

  it('is left alone while it answers', async () => {
    await using part = await setup();
    const startedAt = performance.now();
    await waitUntil('more looks than it takes to give up', () => performance.now() - startedAt > 1_000);
    expect(part.lines).toEqual([]);
  });

  it.each([{ silence: 'freeze' }, { silence: 'halve' }] as const)(
    'keeps no queue worker from going on ($silence)',
    async ({ silence }) => {
      await using part = await setup();
      const address = pollQueueAddress(`silent-${randomUUID().slice(0, 8)}`);
      const done: string[] = [];
      const queue = openQueue(address, part.redis, () => {});
      const worker = openWorker(
        address,
        part.redis,
        async (job) => void done.push(job.name),
        { concurrency: 1, name: 'silent' },
        () => {},
      );
      await queue.add('before', {});
      await waitUntil('the first job', () => done.length === 1);
      // Longer than a worker waits for a job in one go, and than the connection is given to answer.
      part.proxy[silence]();
      await waitUntil('the silence to be noticed', () => part.lines.length > 0, { timeoutMs: 30_000 });
      const silentAt = performance.now();
      await waitUntil('it to last', () => performance.now() - silentAt > 3_000, { timeoutMs: 10_000 });
      part.proxy.heal();
      await queue.add('after', {});
      await waitUntil('the next job', () => done.length === 2, { timeoutMs: 30_000 });
      expect(done).toEqual(['before', 'after']);
      await worker.close();
      await queue.obliterate({ force: true });
      await queue.close();
    },
    90_000,
  );
});
