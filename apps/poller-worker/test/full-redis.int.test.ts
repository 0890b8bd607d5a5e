// A Redis of its own that is filled to the high water and drained again: above it nothing is fetched and nothing admitted,
// what is queued can be settled, and everything goes on by itself when there is memory again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRedisMemory } from '@stream-manager/shared/queues/redis-memory';
import { startRedisServer } from '@stream-manager/testkit/stack/redis-server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGate, onePage, openPollerBundle, page, reading, readings, sourceId } from './poller-bundle.ts';

const megabyte = 1024 * 1024;
const maxmemory = 64 * megabyte;

let dir = '';
let server: Awaited<ReturnType<typeof startRedisServer>>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poller-redis-'));
  server = await startRedisServer({ dir, args: ['--maxmemory', String(maxmemory)] });
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

const open = (source: Readonly<Record<string, unknown>> = {}, highWater = 0.75) => {
  const logger = { warn: () => {}, info: () => {}, debug: () => {} };
  return openPollerBundle(
    source,
    {},
    {
      redisUrl: server.url,
      memory: (redis, health, metrics) =>
        createRedisMemory(
          // Nobody looks by itself here: the test asks.
          { redis, health, metrics, logger: logger as never, now: () => performance.now(), after: () => () => {} },
          { highWater },
        ),
    },
  );
};

type Bundle = Awaited<ReturnType<typeof open>>;

/** Takes the memory of the server up to a share of its limit, or gives it back. */
const fill = async ({ redis }: Bundle, share: number): Promise<void> => {
  await redis.del('ballast');
  const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  const bytes = Math.round(share * maxmemory) - used;
  if (bytes > 0) await redis.setrange('ballast', bytes - 1, 'x');
};

const waiting = { timeoutMs: 60_000 };

it('is polled below the high water, not fetched above it, and goes on when it has drained', async () => {
  await using poller = await open();
  poller.script = onePage(page(readings(0, 5)));
  await fill(poller, 0.5);
  await poller.startPoller();
  expect((await poller.pollOnce(1)).returnvalue).toEqual({ outcome: 'ok', records: 5 });
  expect(poller.health.report().notes).toEqual({});

  await fill(poller, 0.8);
  await waitUntil('the gauge to see it', async () => (await ratioOf(poller)) > 0.75, waiting);
  poller.script = onePage(page(readings(5, 5)));
  const jobId = await poller.poll(2);
  const delayed = await poller.until(jobId, 'delayed');
  expect(delayed.attemptsMade).toBe(0);
  expect(poller.calls).toHaveLength(1);
  const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
  expect(lastPoll).toMatchObject({ outcome: 'deferred', error: expect.stringContaining('redis.highWater') });
  expect(poller.health.report().notes).toEqual({ redis: expect.stringContaining('of its memory') });
  expect(poller.health.report().problems).toEqual({});

  await fill(poller, 0.5);
  await waitUntil('the gauge to see it', async () => (await ratioOf(poller)) < 0.6, waiting);
  await delayed.promote();
  expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 5 });
  expect(await poller.stored()).toHaveLength(10);
  expect(poller.health.report().notes).toEqual({});
});

it('is admitted nothing of a poll that is under way either, and what is queued drains', async () => {
  await using poller = await open({ queue: { chunkSize: 20, admitWaitMs: 200 } });
  const gate = createGate();
  poller.script = async function* ({ position, signal }) {
    if (position === null) yield page(readings(0, 20), 2);
    await gate.wait(signal);
    yield page(readings(20, 20));
  };
  await fill(poller, 0.5);
  await poller.startPoller();
  const jobId = await poller.poll();
  await waitUntil('the first page to be in', async () => (await poller.position()) !== null);
  await fill(poller, 0.8);
  await waitUntil('the gauge to see it', async () => (await ratioOf(poller)) > 0.75, waiting);
  gate.open();
  const delayed = await poller.until(jobId, 'delayed');
  const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
  expect(lastPoll).toMatchObject({ outcome: 'deferred', error: expect.stringContaining('redis.highWater') });
  expect(await poller.stored()).toHaveLength(20);

  const [chunk] = await poller.records.getPrioritized();
  expect(await poller.store.settle(sourceId, chunk!.id!, null, 20)).toEqual({ status: 'freed', records: 20 });
  await fill(poller, 0.5);
  await waitUntil('the gauge to see it', async () => (await ratioOf(poller)) < 0.6, waiting);
  await delayed.promote();
  expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 40 });
  expect(await poller.stored()).toHaveLength(20);
});

it('is filled by polls up to the high water and not far beyond, and takes the rest as it drains: each record once', async () => {
  // 40 MB in all, which a poller admits in less than the second between two looks at the memory of 64 MB.
  await using poller = await open({ queue: { maxRecords: 100_000, chunkSize: 100, admitWaitMs: 2500 } }, 0.3);
  const pages = 20;
  const large = (index: number) =>
    reading(index, { data: { stationId: `S${index}`, filler: `${index}`.padEnd(4000, 'x') } });
  poller.script = async function* ({ position }) {
    for (let at = typeof position === 'number' ? position : 0; at < pages; at += 1)
      yield page(
        Array.from({ length: 500 }, (_value, index) => large(at * 500 + index)),
        at + 1 === pages ? null : at + 1,
      );
  };
  await fill(poller, 0);
  await poller.startPoller();
  const jobId = await poller.poll();
  const seen: string[] = [];
  let highest = 0;
  let fills = 0;
  for (;;) {
    const job = await poller.until(jobId, 'delayed', 'completed');
    highest = Math.max(highest, await ratioOf(poller));
    seen.push(...(await poller.stored()).map((envelope) => envelope.id));
    for (const chunk of await poller.records.getPrioritized()) {
      await poller.store.settle(sourceId, chunk.id!, null, chunk.data.records);
      await chunk.remove();
    }
    if ((await poller.polls.getJobState(jobId)) === 'completed') break;
    fills += 1;
    await waitUntil('the drain to show', async () => (await ratioOf(poller)) < 0.25, waiting);
    await job.promote();
    await waitUntil('the poll to go on', async () => (await poller.polls.getJobState(jobId)) !== 'delayed', waiting);
  }
  expect(fills).toBeGreaterThan(0);
  expect(highest).toBeGreaterThan(0.3);
  expect(highest).toBeLessThan(0.45);
  expect(seen).toHaveLength(pages * 500);
  expect(new Set(seen).size).toBe(pages * 500);
});

const ratioOf = async ({ metrics }: Bundle): Promise<number> => {
  for (const before of metrics.beforeScrape) await before();
  return (await metrics.redisMemoryUsedRatio.get()).values[0]?.value ?? Number.NaN;
};
