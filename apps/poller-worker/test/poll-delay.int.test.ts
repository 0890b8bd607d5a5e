import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { PollDelay, PollJobData } from '@stream-manager/shared/jobs/payloads';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import type { InvalidRow } from '@stream-manager/shared/records/envelope';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import {
  createGate,
  onePage,
  openPollerBundle,
  type PollerBundle,
  page,
  readings,
  type Script,
  sourceId,
} from './poller-bundle.ts';
import { decide } from './throttle-decision.ts';

const dataOf = async (poller: PollerBundle, jobId: string): Promise<PollJobData> =>
  (await poller.polls.getJob(jobId))!.data;

const delayOf = async (poller: PollerBundle, jobId: string): Promise<PollDelay | undefined> =>
  (await dataOf(poller, jobId)).delayed;

const lastPoll = async (poller: PollerBundle) => (await poller.states.read([sourceId])).get(sourceId)!.lastPoll;

describe('a poll while the consumers are behind', () => {
  it('is delayed once, holds no slot, shows why, and is fetched then', async () => {
    await using poller = await openPollerBundle({ every: '15m' }, { polling: { concurrency: 1 } });
    poller.script = onePage(page(readings(0, 3)));
    await decide(poller, 600_000);
    await poller.startPoller();
    const jobId = await poller.poll();
    const delayed = await poller.until(jobId, 'delayed');
    expect(delayed.delay).toBeGreaterThan(590_000);
    expect(delayed.attemptsMade).toBe(0);
    const reason = 'the consumers are behind: lag of group archive on fires is 9000, critical from 5000';
    const mark = (await delayOf(poller, jobId))!;
    expect(mark).toMatchObject({ by: 'throttle', reason });
    expect(Date.parse(mark.until) - Date.parse(mark.since)).toBe(600_000);
    expect(await lastPoll(poller)).toMatchObject({ outcome: 'deferred', error: reason, records: 0 });
    expect(await poller.value('polls_total', { outcome: 'deferred' })).toBe(1);
    expect(await poller.claimedBy()).toBeNull();
    // The only slot is free, and a tick adds no second poll.
    const other = await poller.polls.add('poll', { sourceId: 'gone', scheduledFor: 1 }, { priority: 1 });
    await poller.until(other.id!, 'completed');
    expect(await poller.polls.getDeduplicationJobId(sourceId)).toBe(jobId);
    expect(poller.calls).toEqual([]);

    // The time has come, as it does by itself; the lag is what it was.
    await delayed.promote();
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 3 });
    expect(await dataOf(poller, jobId)).toEqual({
      sourceId,
      scheduledFor: expect.any(Number),
      wasThrottled: true,
    });
    expect(await poller.value('polls_total', { outcome: 'deferred' })).toBe(1);
    expect(await poller.value('polls_total', { outcome: 'ok' })).toBe(1);
  });

  it('is delayed anew before each of its fetches, and not for looks that bring none', async () => {
    const queue = { maxRecords: 60, criticalReserve: 10, chunkSize: 20, admitWaitMs: 50 };
    await using poller = await openPollerBundle({}, { queue });
    await decide(poller, 600_000);
    await poller.startPoller();
    const jobId = await poller.poll();
    const runOn = async (): Promise<string | undefined> => {
      await (await poller.until(jobId, 'delayed')).promote();
      await poller.until(jobId, 'delayed');
      return (await delayOf(poller, jobId))?.by;
    };
    const budget = new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 });
    poller.script = () => {
      throw budget;
    };
    expect(await runOn()).toBe('budget');
    poller.script = onePage(page(readings(0, 100)));
    expect(await runOn()).toBe('room');
    expect(await runOn()).toBe('throttle');
    expect(await runOn()).toBe('room');
    expect(poller.calls).toHaveLength(3);
  });

  it('comes back by itself', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 3)));
    await decide(poller, 300);
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toEqual({ outcome: 'ok', records: 3 });
    expect(await poller.value('polls_total', { outcome: 'deferred' })).toBe(1);
  });

  it.each([
    { name: 'a person asked for it', isRequested: true },
    { name: 'its source is critical', source: { priority: 'critical' } },
    { name: 'its source has the throttle turned off', source: { throttling: { enabled: false } } },
    { name: 'the decision is old', ageMs: 40_000 },
    { name: 'the decision has no delay', delayMs: 0 },
  ])('is not delayed when $name', async ({ isRequested = false, source = {}, ageMs = 0, delayMs = 600_000 }) => {
    await using poller = await openPollerBundle(source);
    poller.script = onePage(page(readings(0, 3)));
    await decide(poller, delayMs, ageMs);
    await poller.startPoller();
    await addPoll(poller.polls, { sourceId, scheduledFor: 1, priority: 3, isRequested });
    expect((await poller.until(`${sourceId}.1`, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 3 });
    expect(await poller.value('polls_total', { outcome: 'deferred' })).toBe(0);
  });

  it('that is brought forward by a person runs at once', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 3)));
    await decide(poller, 600_000);
    await poller.startPoller();
    const delayed = await poller.until(await poller.poll(), 'delayed');
    // As poll now does.
    await delayed.updateData({ ...delayed.data, isRequested: true });
    await delayed.promote();
    const done = await poller.until(delayed.id!, 'completed');
    expect(done.returnvalue).toEqual({ outcome: 'ok', records: 3 });
    expect(done.data).toMatchObject({ isRequested: true });
    expect(done.data).not.toHaveProperty('delayed');
  });

  it('fails like any other when Redis does not tell the decision, and lets everything go', async () => {
    await using poller = await openPollerBundle({}, { polling: { concurrency: 1 } });
    poller.script = onePage(page(readings(0, 3)));
    const { throttle } = sourceKeys(poller.keyPrefix, sourceId);
    await poller.redis.set(throttle, 'no hash');
    await poller.startPoller();
    expect((await poller.pollOnce(1)).failedReason).toContain('WRONGTYPE');
    expect(await poller.claimedBy()).toBeNull();
    await poller.redis.del(throttle);
    expect((await poller.pollOnce(2)).returnvalue).toEqual({ outcome: 'ok', records: 3 });
  });
});

const failing = (error: StreamManagerError): Script =>
  async function* () {
    yield page([]);
    throw error;
  };
const row = (raw: string): InvalidRow => ({ raw, reason: 'not_a_number', message: 'no number' });

describe('a poll that a person asked for', () => {
  const request = async (poller: PollerBundle): Promise<string> => {
    await addPoll(poller.polls, { sourceId, scheduledFor: 1, priority: 1, isRequested: true });
    return `${sourceId}.1`;
  };
  const small = { queue: { maxRecords: 60, criticalReserve: 10, chunkSize: 20, admitWaitMs: 50 } };

  it.each<{ name: string; script: Script; more?: Readonly<Record<string, unknown>> }>([
    { name: 'its queue is full', script: onePage(page(readings(0, 100))), more: small },
    { name: 'the provider answers 429', script: failing(new StreamManagerError('rate_limited', 'answered 429')) },
    {
      name: 'its dead letters find no room',
      script: onePage(page([], null, [row('a'), row('b')])),
      more: { delivery: { deadLetters: { maxRecords: 1 } } },
    },
  ])('is fetched once, and is like any other then: $name', async ({ script, more }) => {
    await using poller = await openPollerBundle({}, more);
    poller.script = script;
    await poller.startPoller();
    const jobId = await request(poller);
    const delayed = await poller.until(jobId, 'delayed');
    expect(delayed.data).not.toHaveProperty('isRequested');
    await poller.states.setPolls(sourceId, 'stopped');
    await delayed.promote();
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'not_running' });
    expect(poller.calls).toHaveLength(1);
  });

  it('goes on to its last page, through waits for memory and for the rate limit, also while its source is stopped', async () => {
    await using poller = await openPollerBundle();
    await poller.states.setPolls(sourceId, 'stopped');
    poller.memoryHigh = 'Redis is full';
    await poller.startPoller();
    const jobId = await request(poller);
    const forMemory = await poller.until(jobId, 'delayed');
    poller.memoryHigh = null;
    poller.script = async function* ({ position }) {
      if (position === null) yield page(readings(0, 10), { next: 2 });
      if (position === null) throw new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 });
      yield page(readings(10, 10));
    };
    await forMemory.promote();
    const forBudget = await poller.until(jobId, 'delayed');
    expect(await delayOf(poller, jobId)).toMatchObject({ by: 'budget' });
    await forBudget.promote();
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 20 });
  });

  it('is not once the request was taken back, also while it runs', async () => {
    await using poller = await openPollerBundle();
    const gate = createGate();
    poller.script = async function* ({ signal }) {
      yield page(readings(0, 10), { next: 2 });
      await gate.wait(signal);
      throw new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 });
    };
    await poller.startPoller();
    const jobId = await request(poller);
    await waitUntil('its first page', async () => (await poller.stored()).length === 10);
    await poller.states.setPolls(sourceId, 'stopped');
    // As an operator's stop does.
    await (await poller.polls.getJob(jobId))!.updateData({ sourceId, scheduledFor: 1 });
    gate.open();
    const delayed = await poller.until(jobId, 'delayed');
    expect(delayed.data).not.toHaveProperty('isRequested');
    await delayed.promote();
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'not_running' });
    expect(await poller.position()).toMatchObject({ position: { next: 2 } });
  });
});

describe('a delayed poll', () => {
  it.each<{
    name: string;
    by: PollDelay['by'];
    says: string;
    script: Script;
    memoryHigh?: string;
    more?: Readonly<Record<string, unknown>>;
  }>([
    {
      name: 'for room in its queue',
      by: 'room',
      says: 'the queue is full (queue.maxRecords 60, 10 of them for critical records only)',
      script: onePage(page(readings(0, 100))),
      more: { queue: { maxRecords: 60, criticalReserve: 10, chunkSize: 20, admitWaitMs: 50 } },
    },
    {
      name: 'for our own rate limit',
      by: 'budget',
      says: 'used up',
      script: failing(new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 })),
    },
    {
      name: 'by the provider, without its secrets',
      by: 'rate_limited',
      says: 'answered 429 to ***',
      script: failing(new StreamManagerError('rate_limited', 'answered 429 to topsecret-token')),
    },
    {
      name: 'for memory of Redis',
      by: 'memory',
      says: 'Redis is full',
      script: onePage(),
      memoryHigh: 'Redis is full',
    },
    {
      name: 'for room for dead letters',
      by: 'letters',
      says: '1 dead letters of 1 allowed',
      script: onePage(page([], null, [row('a'), row('b')])),
      more: { delivery: { deadLetters: { maxRecords: 1 } } },
    },
  ])('$name says so in its job, and no more when it runs on', async ({ by, says, script, memoryHigh, more }) => {
    await using poller = await openPollerBundle({}, more);
    poller.script = script;
    poller.memoryHigh = memoryHigh ?? null;
    await poller.startPoller();
    const jobId = await poller.poll();
    const delayed = await poller.until(jobId, 'delayed');
    const mark = (await delayOf(poller, jobId))!;
    expect(mark).toMatchObject({ by, reason: expect.stringContaining(says) });
    expect(Date.parse(mark.until)).toBeGreaterThan(Date.now());
    const all = JSON.stringify(await poller.redis.hgetall(poller.polls.toKey(jobId)));
    expect(all).not.toContain('topsecret');

    poller.memoryHigh = null;
    poller.script = onePage();
    for (const letter of await poller.letters.getJobs(['waiting'])) await letter.remove();
    const gate = createGate();
    poller.script = async function* ({ signal }) {
      await gate.wait(signal);
      yield page([]);
    };
    const calls = poller.calls.length;
    await delayed.promote();
    await waitUntil('the poll to run', () => poller.calls.length > calls);
    expect(await delayOf(poller, jobId)).toBeUndefined();
    gate.open();
    await poller.until(jobId, 'completed');
  });

  it('for room waits for the next tick of its cron expression, not for the shortest time between two', async () => {
    const queue = { maxRecords: 60, criticalReserve: 10, chunkSize: 20, admitWaitMs: 50 };
    // Two ticks a minute apart, and then none for a year.
    const times = { every: undefined, cron: '0,1 0 1 1 *', tz: 'Asia/Tokyo' };
    await using poller = await openPollerBundle(times, { queue });
    poller.script = onePage(page(readings(0, 100)));
    await poller.startPoller();
    const jobId = await poller.poll();
    await poller.until(jobId, 'delayed');
    const until = Date.parse((await delayOf(poller, jobId))!.until);
    const year = new Date(Date.now() + 9 * 3_600_000).getUTCFullYear() + 1;
    const tick = Date.parse(`${year}-01-01T00:00:00+09:00`);
    expect(until).toBeGreaterThanOrEqual(tick);
    expect(until).toBeLessThan(tick + 30_000);
  });

  it('that ends without running on says no more that it is delayed', async () => {
    await using poller = await openPollerBundle();
    await decide(poller, 600_000);
    await poller.startPoller();
    const delayed = await poller.until(await poller.poll(), 'delayed');
    await poller.states.setPaused(sourceId, true);
    await delayed.promote();
    const done = await poller.until(delayed.id!, 'completed');
    expect(done.returnvalue).toEqual({ outcome: 'paused' });
    expect(done.data).not.toHaveProperty('delayed');
  });

  it('whose poller was killed before it was moved runs again, and is delayed anew', async () => {
    await using poller = await openPollerBundle();
    poller.memoryHigh = 'Redis is full';
    const since = new Date(Date.now() - 60_000).toISOString();
    const kept: PollDelay = { by: 'memory', reason: 'Redis was full', since, until: since };
    const jobId = await poller.poll();
    const job: Job<PollJobData> = (await poller.polls.getJob(jobId))!;
    await job.updateData({ ...job.data, delayed: kept });
    await poller.startPoller();
    await poller.until(jobId, 'delayed');
    // It has waited for the same all the time.
    expect(await delayOf(poller, jobId)).toMatchObject({ by: 'memory', reason: 'Redis is full', since });
  });

  it('whose data a person has spoilt runs all the same', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 3)));
    const data = { sourceId, scheduledFor: 1, delayed: ['?'], wasThrottled: 'perhaps' };
    const job = await poller.polls.add('poll', data, { priority: 1 });
    await poller.startPoller();
    expect((await poller.until(job.id!, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 3 });
  });
});
