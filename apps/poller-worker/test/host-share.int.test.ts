// Slow providers beside others: whoever asks a host that does not answer leaves half of the slots to everybody else.
import type { PollJobData } from '@stream-manager/shared/jobs/payloads';
import type { Composition } from '@stream-manager/shared/ops/process-context';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import { type Providers, startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { composePollerWorker } from '../src/compose.ts';
import { createGate, openPollerBundle, type PollerBundle, page, readings, sourceId } from './poller-bundle.ts';

/** Answers no request within a test. */
const silent = { all: { chance: { 'slow-headers': 1 }, slowMs: 110_000 } } as const;

/** So many sources of NWS alerts at one address, `name-0` and on. */
const alerts = (name: string, count: number, { url }: Providers): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `${name}-${at}`,
      {
        type: 'noaa-alerts',
        baseUrl: url,
        params: { area: 'CA' },
        timeoutSeconds: 120,
        rateLimitPerMinute: 60_000,
      },
    ]),
  );

const openProviders = async (faults: Parameters<typeof startProviders>[0] = {}) => {
  const providers = await startProviders({
    startAt: Date.parse('2026-07-04T18:00:00Z'),
    static: true,
    alerts: { backlog: 3 },
    ...faults,
  });
  return Object.assign(providers, { [Symbol.asyncDispose]: () => providers.stop() });
};

const start = async (poller: PollerBundle): Promise<Composition & AsyncDisposable> => {
  const worker = composePollerWorker(poller.context());
  await worker.start(new AbortController().signal);
  return Object.assign(worker, { [Symbol.asyncDispose]: () => worker.stop() });
};

/** Adds a poll as a tick does. */
const add = async (poller: PollerBundle, sourceId: string, scheduledFor: number): Promise<string> => {
  await addPoll(poller.polls, { sourceId, scheduledFor, priority: 3 });
  return `${sourceId}.${scheduledFor}`;
};

const outcomeOf = async (poller: PollerBundle, jobId: string): Promise<unknown> =>
  (await poller.until(jobId, 'completed', 'failed')).returnvalue?.outcome;

describe('a host that does not answer', () => {
  it('has half of the slots, and the sources of another host are polled as if it was not there', async () => {
    await using slow = await openProviders({ faults: silent });
    await using quick = await openProviders();
    const sources = { ...alerts('slow', 20, slow), ...alerts('quick', 10, quick) };
    await using poller = await openPollerBundle({}, { sources, polling: { concurrency: 8 } });
    const slowJobs = await Promise.all(Array.from({ length: 20 }, (_, at) => add(poller, `slow-${at}`, 1)));
    await using _worker = await start(poller);
    await waitUntil('its share to be in use', () => slow.requests().length === 4);

    for (const tick of [1, 2, 3]) {
      const jobs = await Promise.all(Array.from({ length: 10 }, (_, at) => add(poller, `quick-${at}`, tick)));
      for (const jobId of jobs) expect(await outcomeOf(poller, jobId)).toBe('ok');
    }
    expect(slow.requests()).toHaveLength(4);
    expect(await poller.polls.getJobCountByTypes('active')).toBe(4);
    const waiting = await Promise.all(slowJobs.map(async (id) => (await poller.polls.getJob(id))!));
    const data = waiting.map((job): PollJobData => job.data);
    const held = data.filter(({ delayed }) => delayed !== undefined);
    expect(held).toHaveLength(16);
    expect(held[0]!.delayed).toMatchObject({
      by: 'host',
      reason: `4 polls of this poller ask ${slow.url} already, which is its share of the slots`,
    });
    // It has no outcome of its own.
    const states = await poller.states.read(held.map((one) => one.sourceId));
    expect([...states.values()].filter(({ lastPoll }) => lastPoll !== null)).toEqual([]);
    expect(await poller.value('polls_total', { source: held[0]!.sourceId, outcome: 'deferred' })).toBe(0);
    expect(waiting.every((job) => job.attemptsMade === 0)).toBe(true);
  });

  it('is one source of fifty of one host, and the others of that host are polled', async () => {
    // Its first request is the slow source's; after that it answers at once.
    await using provider = await openProviders({ faults: { all: { next: ['slow-headers'], slowMs: 110_000 } } });
    const sources = alerts('one', 50, provider);
    await using poller = await openPollerBundle({}, { sources });
    const stuck = await add(poller, 'one-0', 1);
    await using _worker = await start(poller);
    await waitUntil('it to be asked', () => provider.requests().length === 1);
    const others = await Promise.all(Array.from({ length: 49 }, (_, at) => add(poller, `one-${at + 1}`, 1)));
    for (const jobId of others) expect(await outcomeOf(poller, jobId)).toBe('ok');
    expect(await poller.polls.getJobState(stuck)).toBe('active');
    expect(provider.requests()).toHaveLength(50);
  });
});

describe('the share of a host', () => {
  const two = {
    [sourceId]: { type: 'noaa-stations', params: { stations: ['KSFO'] } },
    other: { type: 'noaa-stations', params: { stations: ['KLAX'] } },
  };

  it('is waited for by looking again, for longer and longer, and is taken when it is free', async () => {
    await using poller = await openPollerBundle({}, { sources: two, polling: { concurrency: 2 } });
    const gate = createGate();
    poller.script = async function* ({ source, signal }) {
      if (source.id === sourceId) await gate.wait(signal);
      yield page(readings(0, 3));
    };
    await poller.startPoller();
    const first = await poller.poll(1);
    await waitUntil('the first poll to run', () => poller.calls.length === 1);
    const second = await add(poller, 'other', 1);
    const seen: PollJobData['delayed'][] = [];
    await waitUntil('three looks', async () => {
      const { delayed }: PollJobData = (await poller.polls.getJob(second))!.data;
      if (delayed !== undefined && delayed.until !== seen.at(-1)?.until) seen.push(delayed);
      return seen.length === 3;
    });
    expect(new Set(seen.map((mark) => mark!.since)).size).toBe(1);
    expect(seen.every((mark) => mark!.by === 'host')).toBe(true);
    gate.open();
    expect(await outcomeOf(poller, first)).toBe('ok');
    const done = await poller.until(second, 'completed');
    expect(done.returnvalue).toEqual({ outcome: 'ok', records: 3 });
    expect(done.data).toEqual({ sourceId: 'other', scheduledFor: 1 });
    expect(await poller.value('polls_total', { source: 'other', outcome: 'deferred' })).toBe(0);
  });

  it('is given back by every poll that ends, however it ends', async () => {
    await using poller = await openPollerBundle(
      {},
      { sources: two, polling: { concurrency: 2 } },
      { hangLimitMs: 400 },
    );
    await poller.startPoller();
    const check = async (tick: number): Promise<void> => {
      poller.script = async function* () {
        yield page([]);
      };
      const jobId = await add(poller, 'other', tick);
      await poller.until(jobId, 'completed', 'delayed');
      const { delayed }: PollJobData = (await poller.polls.getJob(jobId))!.data;
      expect(delayed).toBeUndefined();
    };
    poller.script = async function* () {
      yield page([]);
      throw new Error('no answer');
    };
    await poller.until(await poller.poll(1), 'failed');
    await check(1);

    poller.memoryHigh = 'Redis is full';
    const held = await poller.until(await poller.poll(2), 'delayed');
    poller.memoryHigh = null;
    await check(2);
    await held.promote();
    await poller.until(held.id!, 'completed');

    // Another poll of the source has its claim.
    await poller.redis.set(`${poller.keyPrefix}:{poll}:running:${sourceId}`, 'another job', 'PX', 60_000);
    await poller.until(await poller.poll(3), 'completed');
    await check(3);
    await poller.redis.del(`${poller.keyPrefix}:{poll}:running:${sourceId}`);

    const stuck = Promise.withResolvers<void>();
    poller.script = async function* () {
      await stuck.promise;
      yield page([]);
    };
    poller.health.setPhase('ready');
    await poller.poll(4);
    await waitUntil('the poll to be given up', () => !poller.health.report().ready);
    await check(4);
    stuck.resolve();
  });

  it('is for all of it when there is one slot', async () => {
    await using poller = await openPollerBundle({}, { polling: { concurrency: 1 } });
    poller.script = async function* () {
      yield page(readings(0, 3));
    };
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toEqual({ outcome: 'ok', records: 3 });
  });
});
