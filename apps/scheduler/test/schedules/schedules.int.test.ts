import { randomUUID } from 'node:crypto';
import type { PollDelay, PollJobData } from '@stream-manager/shared/jobs/payloads';
import { openQueue, openWorker, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { healPolls } from '../../src/schedules/heal-polls.ts';
import { pollNow } from '../../src/schedules/poll-now.ts';
import { reconcileSchedules } from '../../src/schedules/reconcile-schedules.ts';
import type { Schedule } from '../../src/schedules/wanted-schedules.ts';

const noError = (): void => {};

const setup = () => {
  const keyPrefix = `t-${randomUUID().slice(0, 8)}`;
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const address = pollQueueAddress(keyPrefix);
  const queue = openQueue(address, redis, noError);
  return {
    redis,
    queue,
    address,
    [Symbol.asyncDispose]: async () => {
      await queue.obliterate({ force: true });
      await queue.close();
      redis.disconnect();
    },
  };
};

const schedule = (sourceId: string, everyMs = 60_000): Schedule => ({
  id: `source-${sourceId}`,
  sourceId,
  repeat: { every: everyMs, offset: 1 },
  pollPriority: 3,
  definition: `${sourceId}-${everyMs}`,
});

describe('schedules in BullMQ', () => {
  it('are created, left alone, changed and removed as the config says', async () => {
    await using part = setup();
    expect(await reconcileSchedules(part.queue, [schedule('a'), schedule('b')])).toMatchObject({ created: ['a', 'b'] });
    const nothing = { created: [], changed: [], healed: [], removed: [] };
    expect(await reconcileSchedules(part.queue, [schedule('a'), schedule('b')])).toEqual(nothing);
    expect(await reconcileSchedules(part.queue, [schedule('a', 30_000)])).toMatchObject({
      changed: ['a'],
      removed: ['b'],
    });
    const schedulers = await part.queue.getJobSchedulers(0, -1);
    expect(schedulers.map(({ key, every }) => [key, every])).toEqual([['source-a', 30_000]]);
  });

  it('give a new source its first poll at once, only one however many schedulers there are', async () => {
    await using part = setup();
    await Promise.all(Array.from({ length: 5 }, () => reconcileSchedules(part.queue, [schedule('a')])));
    const waiting = await part.queue.getJobs(['prioritized', 'waiting']);
    expect(waiting.filter(({ name }) => name === 'poll')).toHaveLength(1);
    expect(await part.queue.getJobSchedulersCount()).toBe(1);
  });

  it('are armed again when a wrong clock has put the next tick an hour ahead', async () => {
    await using part = setup();
    const { id, sourceId, definition } = schedule('a', 1_000);
    const data = { sourceId, definition };
    await part.queue.upsertJobScheduler(
      id,
      { every: 1_000, startDate: Date.now() + 3_600_000 },
      { name: 'tick', data, opts: {} },
    );
    const nextOf = async (): Promise<number> => (await part.queue.getJobScheduler(id))?.next ?? 0;
    expect(await nextOf()).toBeGreaterThan(Date.now() + 3_000_000);
    expect(await reconcileSchedules(part.queue, [schedule('a', 1_000)])).toMatchObject({ changed: ['a'] });
    expect(await nextOf()).toBeLessThan(Date.now() + 60_000);
  });

  it('are healed when the next tick was lost', async () => {
    await using part = setup();
    await reconcileSchedules(part.queue, [schedule('a')]);
    const [armed] = await part.queue.getDelayed();
    await part.redis.del(`${part.address.prefix}:poll:${armed?.id}`);
    await part.redis.zrem(`${part.address.prefix}:poll:delayed`, armed?.id ?? '');
    expect(await reconcileSchedules(part.queue, [schedule('a')])).toMatchObject({ healed: ['a'] });
    expect(await part.queue.getDelayedCount()).toBe(1);
  });

  it('leave schedulers of somebody else in the same queue alone', async () => {
    await using part = setup();
    await part.queue.upsertJobScheduler('theirs', { every: 60_000 }, { name: 'x' });
    expect(await reconcileSchedules(part.queue, [])).toMatchObject({ removed: [] });
    expect(await part.queue.getJobSchedulersCount()).toBe(1);
  });

  it('change from a period to a cron pattern without a rest of the old one', async () => {
    await using part = setup();
    await reconcileSchedules(part.queue, [schedule('a')]);
    const cron: Schedule = { ...schedule('a'), repeat: { pattern: '0 0 1 1 *', tz: 'UTC' }, definition: 'cron' };
    expect(await reconcileSchedules(part.queue, [cron])).toMatchObject({ changed: ['a'] });
    const [scheduler] = await part.queue.getJobSchedulers(0, -1);
    expect(scheduler).toMatchObject({ pattern: '0 0 1 1 *', tz: 'UTC' });
    expect(scheduler?.every).toBeUndefined();
  });
});

describe('a poll that is delayed', () => {
  const hour = 3_600_000;
  const delay = (queue: Queue, by: PollDelay['by'], delayMs: number) => {
    const now = Date.now();
    const delayed: PollDelay = {
      by,
      reason: 'it must wait',
      since: new Date(now).toISOString(),
      until: new Date(now + delayMs).toISOString(),
    };
    return queue.add(
      'poll',
      { sourceId: 'a', scheduledFor: 0, delayed },
      { priority: 4, delay: delayMs, deduplication: { id: 'a' } },
    );
  };
  const look = async (queue: Queue, job: Job) => {
    const { delayed }: PollJobData = (await queue.getJob(job.id!))!.data;
    const leftMs = Date.parse(delayed!.until) - Date.now();
    return { state: await job.getState(), leftMs, since: delayed!.since };
  };

  it('for room follows a schedule that was changed, if that comes sooner', async () => {
    await using part = setup();
    await reconcileSchedules(part.queue, [schedule('a', 24 * hour)]);
    await part.queue.remove((await part.queue.getDeduplicationJobId('a'))!);
    const job = await delay(part.queue, 'room', 24 * hour);
    const { since } = await look(part.queue, job);
    await reconcileSchedules(part.queue, [schedule('a', hour)]);
    const sooner = await look(part.queue, job);
    expect(sooner).toMatchObject({ state: 'delayed', since });
    expect(sooner.leftMs).toBeLessThanOrEqual(hour);
    const score = await part.redis.zscore(part.queue.toKey('delayed'), job.id!);
    expect(Number(score) / 0x1000).toBeLessThanOrEqual(Date.now() + hour);
    // A longer period does not put it off.
    await reconcileSchedules(part.queue, [schedule('a', 12 * hour)]);
    expect((await look(part.queue, job)).leftMs).toBeLessThanOrEqual(hour);
  });

  it('for room goes at once when its source is started anew', async () => {
    await using part = setup();
    const job = await delay(part.queue, 'room', 24 * hour);
    await reconcileSchedules(part.queue, [schedule('a', 24 * hour)]);
    expect((await look(part.queue, job)).state).toBe('prioritized');
    expect(await part.queue.getPrioritizedCount()).toBe(1);
  });

  it.each(['rate_limited', 'budget', 'throttle', 'memory', 'letters', 'host'] as const)(
    'for %s is left alone, whatever happens to the schedule',
    async (by) => {
      await using part = setup();
      const job = await delay(part.queue, by, 24 * hour);
      await reconcileSchedules(part.queue, [schedule('a', hour)]);
      await reconcileSchedules(part.queue, [schedule('a', hour / 2)]);
      const kept = await look(part.queue, job);
      expect(kept.state).toBe('delayed');
      expect(kept.leftMs).toBeGreaterThan(23 * hour);
    },
  );

  it('and whose data a person has spoilt stops no schedule', async () => {
    await using part = setup();
    const options = { delay: hour, deduplication: { id: 'a' } };
    await part.queue.add('poll', { delayed: { by: 'room', reason: '', since: '', until: 'soon' } }, options);
    expect(await reconcileSchedules(part.queue, [schedule('a')])).toMatchObject({ created: ['a'] });
  });
});

describe('poll now', () => {
  it('adds a poll when there is none', async () => {
    await using part = setup();
    expect(await pollNow(part.queue, 'a', 1)).toBe('queued');
    const [job] = await part.queue.getPrioritized();
    expect(job?.data).toEqual({ sourceId: 'a', scheduledFor: 1, isRequested: true });
  });

  it('brings a waiting poll to the front and adds no second one', async () => {
    await using part = setup();
    await part.queue.add('poll', { sourceId: 'b', scheduledFor: 0 }, { priority: 2, deduplication: { id: 'b' } });
    await part.queue.add('poll', { sourceId: 'a', scheduledFor: 0 }, { priority: 4, deduplication: { id: 'a' } });
    expect(await pollNow(part.queue, 'a', 1)).toBe('promoted');
    const jobs = await part.queue.getPrioritized();
    expect(jobs.map(({ data }) => data.sourceId)).toEqual(['a', 'b']);
  });

  it('wakes a delayed poll', async () => {
    await using part = setup();
    await part.queue.add(
      'poll',
      { sourceId: 'a', scheduledFor: 0 },
      { priority: 4, delay: 60_000, deduplication: { id: 'a' } },
    );
    expect(await pollNow(part.queue, 'a', 1)).toBe('promoted');
    expect(await part.queue.getDelayedCount()).toBe(0);
    expect((await part.queue.getPrioritized()).length + (await part.queue.getWaitingCount())).toBe(1);
  });

  it('says so when the poll is under way', async () => {
    await using part = setup();
    let release: () => void = noError;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await part.queue.add('poll', { sourceId: 'a', scheduledFor: 0 }, { priority: 4, deduplication: { id: 'a' } });
    const worker = openWorker(part.address, part.redis, () => held, { concurrency: 1, name: 'w' }, noError);
    await waitUntil('the poll to run', async () => (await part.queue.getActiveCount()) === 1);
    expect(await pollNow(part.queue, 'a', 1)).toBe('running');
    release();
    await worker.close();
  });

  it('adds a poll when the one that is remembered no longer exists', async () => {
    await using part = setup();
    const job = await part.queue.add(
      'poll',
      { sourceId: 'a', scheduledFor: 0 },
      { priority: 4, deduplication: { id: 'a' } },
    );
    await part.redis.del(`${part.address.prefix}:poll:${job.id}`);
    await part.redis.zrem(`${part.address.prefix}:poll:prioritized`, job.id ?? '');
    expect(await pollNow(part.queue, 'a', 1)).toBe('queued');
  });
});

describe('healing polls', () => {
  it('releases a source whose remembered poll is gone, and leaves one whose poll waits', async () => {
    await using part = setup();
    const lost = await part.queue.add(
      'poll',
      { sourceId: 'a', scheduledFor: 0 },
      { priority: 4, deduplication: { id: 'a' } },
    );
    await part.queue.add('poll', { sourceId: 'b', scheduledFor: 0 }, { priority: 4, deduplication: { id: 'b' } });
    await part.redis.zrem(`${part.address.prefix}:poll:prioritized`, lost.id ?? '');
    expect(await healPolls(part.queue, ['a', 'b', 'c'])).toEqual(['a']);
    expect(await part.queue.getDeduplicationJobId('a')).toBeNull();
    expect(await part.queue.getDeduplicationJobId('b')).not.toBeNull();
  });
});
