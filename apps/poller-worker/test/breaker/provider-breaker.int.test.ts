// A provider that answers none of the polls of two sources, a source of another one beside them, and three pollers.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { PollJobData } from '@stream-manager/shared/jobs/payloads';
import { fleetKeys } from '@stream-manager/shared/queues/keys';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import { createRedisProviderBreakers } from '@stream-manager/shared/queues/redis-provider-breakers';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { HttpStatusError } from '../../src/http/http-status-error.ts';
import {
  createGate,
  onePage,
  openPollerBundle,
  type PollerBundle,
  page,
  readings,
  type Script,
} from '../poller-bundle.ts';

const host = 'api.weather.gov:443';
const entry = {
  type: 'noaa-stations',
  every: '30s',
  params: { stations: ['KSFO'] },
  headers: { 'X-Token': 'topsecret-token' },
};
const sources = {
  north: entry,
  south: entry,
  east: entry,
  other: { ...entry, baseUrl: 'https://example.org' },
};
/** `stations` is the bundle's own; here there are others. */
const openBundle = () => openPollerBundle({}, { sources });

/** A tick whose period is over in half a second: nothing is tried again before the next one. */
let ticks = 0;
const lastMoment = (): number => Date.now() - 29_500 - (ticks += 1);

const add = async (poller: PollerBundle, sourceId: string, isRequested = false): Promise<string> => {
  const scheduledFor = lastMoment();
  await addPoll(poller.polls, { sourceId, scheduledFor, priority: 3, isRequested });
  return `${sourceId}.${scheduledFor}`;
};
const run = async (poller: PollerBundle, sourceId: string): Promise<Job> =>
  poller.until(await add(poller, sourceId), 'completed', 'failed', 'delayed');

/** Fails for the sources of the host, and lets the others do. */
const failing = (error: () => Error): Script =>
  async function* ({ source }) {
    if (source.id !== 'other') throw error();
    yield page(readings(0, 1));
  };
const refused = (): Error => new StreamManagerError('fetch_network', 'connect ECONNREFUSED topsecret-token');

const breakerOf = async (poller: PollerBundle) =>
  (await createRedisProviderBreakers(poller.redis, poller.keyPrefix).readMany([host])).get(host) ?? null;
const keyOf = (poller: PollerBundle): string => fleetKeys(poller.keyPrefix).providerBreaker(host);

/** Five polls of two sources fail. */
const open = async (poller: PollerBundle, error: () => Error = refused): Promise<void> => {
  poller.script = failing(error);
  for (const sourceId of ['north', 'south', 'north', 'south', 'north'])
    expect(await (await run(poller, sourceId)).getState()).toBe('failed');
};
const delayOf = (job: Job<PollJobData>) => job.data.delayed;

describe('a provider that answers no poll', () => {
  it('is left alone after five in a row, whichever of its sources they were; other providers are not', async () => {
    await using poller = await openBundle();
    for (let number = 0; number < 3; number += 1) await poller.startPoller();
    await open(poller);
    expect(await breakerOf(poller)).toMatchObject({
      state: 'open',
      failures: 5,
      error: 'connect ECONNREFUSED ***',
    });
    const calls = poller.calls.length;
    for (const sourceId of ['south', 'east']) {
      const job = await run(poller, sourceId);
      expect(await job.getState()).toBe('delayed');
      expect(job.attemptsMade).toBe(0);
      expect(delayOf(job)).toMatchObject({
        by: 'breaker',
        reason: expect.stringContaining(`${host} answered none of the last 5 polls: connect ECONNREFUSED`),
      });
      // The failing source's period.
      const waitMs = Date.parse(delayOf(job)!.until) - Date.now();
      expect(waitMs).toBeLessThanOrEqual(31_000);
      const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
      expect(lastPoll).toMatchObject({ outcome: 'deferred' });
    }
    expect((await run(poller, 'other')).returnvalue).toEqual({ outcome: 'ok', records: 1 });
    expect(poller.calls.length).toBe(calls + 1);
  });

  it('is asked by one poll of the fleet when the pause is over; that answered, all go on', async () => {
    await using poller = await openBundle();
    for (let number = 0; number < 3; number += 1) await poller.startPoller();
    await open(poller);
    const jobIds = await Promise.all(['north', 'south', 'east'].map((sourceId) => add(poller, sourceId)));
    const delayed = await Promise.all(jobIds.map((jobId) => poller.until(jobId, 'delayed')));
    const gate = createGate();
    let running = 0;
    poller.script = async function* ({ signal }) {
      running += 1;
      await gate.wait(signal);
      yield page([]);
    };
    await poller.redis.hset(keyOf(poller), 'until', '1');
    await Promise.all(delayed.map((job) => job.promote()));
    await waitUntil('the trial', () => running > 0);
    // The two others come back, look, and wait for the trial.
    await waitUntil('the others to wait', async () => {
      const states = await Promise.all(jobIds.map((jobId) => poller.polls.getJobState(jobId)));
      return states.filter((one) => one === 'delayed').length === 2;
    });
    expect(await breakerOf(poller)).toMatchObject({ state: 'half_open' });
    expect(running).toBe(1);
    gate.open();
    await Promise.all(jobIds.map((jobId) => poller.until(jobId, 'completed')));
    expect(running).toBe(3);
    expect(await breakerOf(poller)).toBeNull();
  });

  it('that leaves the trial without an answer is left alone for twice as long', async () => {
    await using poller = await openBundle();
    await poller.startPoller();
    await open(poller);
    await poller.redis.hset(keyOf(poller), 'until', '1');
    expect((await run(poller, 'south')).failedReason).toContain('ECONNREFUSED');
    expect(await poller.redis.hget(keyOf(poller), 'pause')).toBe('60000');
    expect(await breakerOf(poller)).toMatchObject({ state: 'open', failures: 6 });
    expect(await (await run(poller, 'south')).getState()).toBe('delayed');
  });

  it('is asked at once when a person asks for a poll, and answers all with that', async () => {
    await using poller = await openBundle();
    await poller.startPoller();
    await open(poller);
    poller.script = onePage(page(readings(0, 2)));
    const jobId = await add(poller, 'south', true);
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 2 });
    expect(await breakerOf(poller)).toBeNull();
  });

  it('has its next trial at once when one was delayed before it asked', async () => {
    await using poller = await openBundle();
    await poller.startPoller();
    await open(poller);
    await poller.redis.hset(keyOf(poller), 'until', '1');
    poller.script = failing(() => new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 }));
    expect(delayOf(await run(poller, 'south'))).toMatchObject({ by: 'budget' });
    expect(await breakerOf(poller)).toMatchObject({ state: 'half_open' });
    poller.script = onePage(page(readings(0, 1)));
    expect((await run(poller, 'east')).returnvalue).toEqual({ outcome: 'ok', records: 1 });
  });

  it('is asked by another poll when the one that tried it is never heard of again', async () => {
    await using poller = await openBundle();
    await poller.startPoller();
    await open(poller);
    const breakers = createRedisProviderBreakers(poller.redis, poller.keyPrefix);
    await poller.redis.hset(keyOf(poller), 'until', '1');
    await breakers.ask(host, { asker: 'killed', isRequested: false, mayTry: true, leaseMs: 300 });
    poller.script = onePage(page(readings(0, 1)));
    const jobId = await add(poller, 'south');
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 1 });
  });
});

describe('a provider that answers', () => {
  const status = (code: number) => (): Error =>
    new HttpStatusError('fetch_status', 'no', { status: code, excerpt: '' });

  it.each([
    { name: '404', error: status(404) },
    { name: '401', error: (): Error => new StreamManagerError('credentials_refused', 'no') },
    { name: 'what nobody can read', error: (): Error => new StreamManagerError('response_unreadable', 'no') },
  ])('$name to seven polls is asked by the eighth', async ({ error }) => {
    await using poller = await openBundle();
    await poller.startPoller();
    poller.script = failing(error);
    for (let number = 0; number < 7; number += 1) await run(poller, number % 2 === 0 ? 'north' : 'south');
    expect(await breakerOf(poller)).toBeNull();
    expect(poller.calls).toHaveLength(7);
  });

  it('once in a while is asked on: four polls without an answer, one with, and four without', async () => {
    await using poller = await openBundle();
    await poller.startPoller();
    for (const ok of [false, false, false, false, true, false, false, false, false]) {
      poller.script = ok ? onePage(page([])) : failing(status(503));
      await run(poller, ok ? 'south' : 'north');
    }
    expect(await breakerOf(poller)).toMatchObject({ state: 'closed', failures: 4 });
    expect(poller.calls).toHaveLength(9);
  });
});
