// Slow providers beside others: whoever asks a host that does not answer leaves half of the slots to everybody else.
import type { ServerResponse } from 'node:http';
import type { PollJobData } from '@stream-manager/shared/jobs/payloads';
import type { Composition } from '@stream-manager/shared/ops/process-context';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import { type Providers, startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { composePollerWorker } from '../src/compose.ts';
import type { PollContext } from '../src/sources/source.ts';
import { startTestServer } from './http/test-server.ts';
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
        // They ask the same: each is to ask for itself.
        cacheTtlSeconds: 0,
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

    const isHeld = async (jobId: string): Promise<boolean> => {
      const { delayed }: PollJobData = (await poller.polls.getJob(jobId))!.data;
      if (delayed === undefined) return false;
      const reason = `4 polls of this poller ask ${slow.url} already, which is its share of the slots`;
      expect(delayed).toMatchObject({ by: 'host', reason });
      return true;
    };
    const held = new Set<string>();
    for (const tick of [1, 2, 3]) {
      const jobs = await Promise.all(Array.from({ length: 10 }, (_, at) => add(poller, `quick-${at}`, tick)));
      for (const jobId of jobs) expect(await outcomeOf(poller, jobId)).toBe(tick === 1 ? 'ok' : 'not_modified');
    }
    await waitUntil('all others of its host to be put off', async () => {
      for (const jobId of slowJobs) if (await isHeld(jobId)) held.add(jobId);
      return held.size === 16;
    });
    expect(slow.requests()).toHaveLength(4);
    // It has no outcome of its own.
    const heldIds = [...held].map((jobId) => jobId.slice(0, -'.1'.length));
    const states = await poller.states.read(heldIds);
    expect([...states.values()].filter(({ lastPoll }) => lastPoll !== null)).toEqual([]);
    expect(await poller.value('polls_total', { source: heldIds[0]!, outcome: 'deferred' })).toBe(0);
    const jobs = await Promise.all(slowJobs.map(async (id) => (await poller.polls.getJob(id))!));
    expect(jobs.every((job) => job.attemptsMade === 0)).toBe(true);
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
  /** A source of the provider, each of whose polls asks it. */
  const stationAt = (baseUrl: string) => ({
    type: 'noaa-stations',
    baseUrl,
    params: { stations: ['KSFO'] },
    rateLimitPerMinute: 60_000,
    cacheTtlSeconds: 0,
  });
  const twoAt = (baseUrl: string) => ({ [sourceId]: stationAt(baseUrl), other: stationAt(baseUrl) });

  /** A provider that answers a path when its gate is opened, and `/` at once. */
  const openProvider = async () => {
    const waiting = new Map<string, ServerResponse>();
    const server = await startTestServer((request, response) => {
      if (request.url === '/') response.end('{}');
      else waiting.set(request.url ?? '', response);
    });
    return {
      server,
      /** Whether a request of this path has come and waits. */
      holds: (path: string) => waiting.has(path),
      answer: (path: string) => void waiting.get(path)?.end('{}'),
      ask: async ({ http }: PollContext, path = '/'): Promise<void> => {
        const response = await http.fetch({ url: new URL(path, server.origin), accept: '*/*', credential: null });
        await response.text();
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  };

  it('is waited for by looking again, for longer and longer, and is taken when it is free', async () => {
    await using provider = await openProvider();
    await using poller = await openPollerBundle(
      {},
      { sources: twoAt(provider.server.origin), polling: { concurrency: 2 } },
    );
    poller.script = async function* (context) {
      await provider.ask(context, context.source.id === sourceId ? '/held' : '/');
      yield page(readings(0, 3));
    };
    await poller.startPoller();
    const first = await poller.poll(1);
    await waitUntil('the first poll to ask', () => provider.holds('/held'));
    // What a person asked for, and what the throttle did, is not over with a look.
    await poller.states.setPolls('other', 'stopped');
    const asked = { sourceId: 'other', scheduledFor: 1, isRequested: true, wasThrottled: true };
    const second = (await poller.polls.add('poll', asked, { jobId: 'other.1', priority: 1 })).id!;
    const seen: PollJobData['delayed'][] = [];
    await waitUntil('three looks', async () => {
      const { delayed }: PollJobData = (await poller.polls.getJob(second))!.data;
      if (delayed !== undefined && delayed.until !== seen.at(-1)?.until) seen.push(delayed);
      return seen.length === 3;
    });
    expect(new Set(seen.map((mark) => mark!.since)).size).toBe(1);
    expect(seen.every((mark) => mark!.by === 'host')).toBe(true);
    provider.answer('/held');
    expect(await outcomeOf(poller, first)).toBe('ok');
    const done = await poller.until(second, 'completed');
    expect(done.returnvalue).toEqual({ outcome: 'ok', records: 3 });
    expect(done.data).toEqual(asked);
    expect(provider.server.arrivals).toHaveLength(2);
    expect(await poller.value('polls_total', { source: 'other', outcome: 'deferred' })).toBe(0);
  });

  it('is not held between two requests: a poll that finds it in use then goes on at its page later', async () => {
    await using provider = await openProvider();
    await using poller = await openPollerBundle(
      {},
      { sources: twoAt(provider.server.origin), polling: { concurrency: 2 } },
    );
    const gate = createGate();
    poller.script = async function* (context) {
      if (context.source.id !== sourceId) {
        await provider.ask(context, '/held');
        yield page(readings(0, 3));
        return;
      }
      if (context.position === null) {
        await provider.ask(context);
        yield page(readings(0, 10), { next: 2 });
        await gate.wait(context.signal);
      }
      await provider.ask(context);
      yield page(readings(10, 10));
    };
    await poller.startPoller();
    const first = await poller.poll(1);
    await waitUntil('its first page', async () => (await poller.stored()).length === 10);
    const second = await add(poller, 'other', 1);
    await waitUntil('the other poll to ask', () => provider.holds('/held'));
    gate.open();
    const delayed = await poller.until(first, 'delayed');
    expect(delayed.data).toMatchObject({ delayed: { by: 'host' } });
    expect(await poller.position()).toMatchObject({ position: { next: 2 }, records: 10 });
    expect(await poller.claimedBy()).toBeNull();
    provider.answer('/held');
    expect(await outcomeOf(poller, second)).toBe('ok');
    expect((await poller.until(first, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 20 });
  });

  it('is not held by a poll that waits for room in its queue', async () => {
    await using provider = await openProvider();
    const queue = { maxRecords: 60, criticalReserve: 10, chunkSize: 20, admitWaitMs: 60_000 };
    const station = stationAt(provider.server.origin);
    const sources = { [sourceId]: { ...station, queue }, full: { ...station, queue }, other: station };
    await using poller = await openPollerBundle({}, { sources, polling: { concurrency: 4 } });
    poller.script = async function* (context) {
      await provider.ask(context);
      yield page(readings(0, context.source.id === 'other' ? 3 : 100));
    };
    await poller.startPoller();
    const jobs = [await poller.poll(1), await add(poller, 'full', 1)];
    const isFull = async (id: string) => (await poller.store.counts([id])).get(id)!.total === 40;
    await waitUntil('both queues to be full', async () => (await isFull(sourceId)) && (await isFull('full')));
    for (const tick of [1, 2, 3]) expect(await outcomeOf(poller, await add(poller, 'other', tick))).toBe('ok');
    for (const jobId of jobs) expect(await poller.polls.getJobState(jobId)).toBe('active');
    expect(poller.calls).toHaveLength(5);
  });

  it('is one place for a poll that asks for several things at a time', async () => {
    await using provider = await openProvider();
    await using poller = await openPollerBundle(
      {},
      { sources: twoAt(provider.server.origin), polling: { concurrency: 2 } },
    );
    poller.script = async function* (context) {
      await Promise.all(Array.from({ length: 4 }, () => provider.ask(context)));
      yield page(readings(0, 3));
    };
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toEqual({ outcome: 'ok', records: 3 });
    expect(poller.calls).toHaveLength(1);
  });

  it('is nothing to sources that ask no host', async () => {
    await using poller = await openPollerBundle(
      {},
      { sources: twoAt('http://127.0.0.1:1'), polling: { concurrency: 2 } },
    );
    const gate = createGate();
    poller.script = async function* ({ signal }) {
      await gate.wait(signal);
      yield page(readings(0, 3));
    };
    await poller.startPoller();
    const jobs = [await poller.poll(1), await add(poller, 'other', 1)];
    await waitUntil('both to run', () => poller.calls.length === 2);
    gate.open();
    for (const jobId of jobs) expect(await outcomeOf(poller, jobId)).toBe('ok');
  });

  it('is given back by a poll that is given up as hung', async () => {
    await using provider = await openProvider();
    await using poller = await openPollerBundle(
      {},
      { sources: twoAt(provider.server.origin), polling: { concurrency: 2 } },
      { hangLimitMs: 400 },
    );
    const stuck = Promise.withResolvers<void>();
    poller.script = async function* (context) {
      const { source, http } = context;
      if (source.id === sourceId) {
        await http
          .fetch({ url: new URL('/held', provider.server.origin), accept: '*/*', credential: null })
          .catch(() => {});
        await stuck.promise;
      } else await provider.ask(context);
      yield page([]);
    };
    poller.health.setPhase('ready');
    await poller.startPoller();
    await poller.poll(1);
    await waitUntil('the poll to be given up', () => !poller.health.report().ready);
    expect(await outcomeOf(poller, await add(poller, 'other', 1))).toBe('ok');
    expect(poller.calls).toHaveLength(2);
    stuck.resolve();
  });

  it('is for all of it when there is one slot', async () => {
    await using provider = await openProvider();
    await using poller = await openPollerBundle(stationAt(provider.server.origin), { polling: { concurrency: 1 } });
    poller.script = async function* (context) {
      await provider.ask(context);
      yield page(readings(0, 3));
    };
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toEqual({ outcome: 'ok', records: 3 });
  });
});
