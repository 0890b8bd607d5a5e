import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { keptBackfills } from '@stream-manager/shared/queues/backfill-store';
import { backfillJobId } from '@stream-manager/shared/queues/backfills';
import { createCursorStore } from '@stream-manager/shared/queues/cursor-store';
import { fleetKeys } from '@stream-manager/shared/queues/keys';
import { createRedisProviderBreakers } from '@stream-manager/shared/queues/redis-provider-breakers';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { HttpStatusError } from '../../src/http/http-status-error.ts';
import type { PollContext } from '../../src/sources/source.ts';
import { createGate, sourceId } from '../poller-bundle.ts';
import { decide } from '../throttle-decision.ts';
import { type BackfillBundle, openBackfillBundle } from './backfill-bundle.ts';
import { dayMs, hourMs, minuteMs, pagesOf, readingsOf } from './hourly-pages.ts';

const iso = (hour: number): string => new Date(dayMs + hour * hourMs).toISOString();

/** The minutes whose readings lie in the queues, in order of time; a reading that lies there twice is there twice. */
const storedMinutes = async ({ poller }: BackfillBundle): Promise<readonly number[]> =>
  (await poller.stored()).map(({ observedAt }) => (Date.parse(observedAt) - dayMs) / minuteMs).sort((a, b) => a - b);

const minutes = (fromHour: number, toHour: number): readonly number[] =>
  Array.from({ length: (toHour - fromHour) * 60 }, (_value, index) => fromHour * 60 + index);

const windowsOf = ({ calls }: BackfillBundle): readonly unknown[] =>
  calls.map(({ window }) => [((window.sinceMs ?? 0) - dayMs) / hourMs, (window.untilMs - dayMs) / hourMs]);

describe('a backfill', () => {
  it('fetches its time from old to new, slice by slice, and each reading once', async () => {
    await using bundle = await openBackfillBundle({ priority: 'critical' });
    const { poller } = bundle;
    await bundle.start();
    const id = await bundle.request(1, 3);
    const job = (await poller.polls.getJob(backfillJobId(sourceId, id)))!;
    expect(job.opts).toMatchObject({ priority: 4, attempts: 1 });
    const done = await bundle.until(id, 'finished');
    expect(done).toMatchObject({
      source: sourceId,
      from: iso(1),
      to: iso(3),
      doneUntil: iso(3),
      share: 1,
      records: 120,
      requestedBy: 'the test',
      error: null,
      delayed: null,
    });
    expect(windowsOf(bundle)).toEqual([
      [1, 2],
      [2, 3],
    ]);
    for (const call of bundle.calls)
      expect(call).toMatchObject({
        isBackfill: true,
        cursor: null,
        position: null,
        scheduledFor: Date.parse(done.requestedAt),
      });
    expect(await storedMinutes(bundle)).toEqual(minutes(1, 3));

    const finished = await poller.until(job.id!, 'completed');
    expect(finished.returnvalue).toEqual({ outcome: 'finished', records: 120 });
    expect(finished.progress).toBe(100);
    expect(finished.data).toEqual({
      sourceId,
      backfillId: id,
      from: iso(1),
      to: iso(3),
      doneUntil: iso(3),
      records: 120,
      requestedAt: done.requestedAt,
      requestedBy: 'the test',
    });
  });

  it('is never urgent: its records say what they are, and wait behind all others', async () => {
    await using bundle = await openBackfillBundle({ priority: 'critical' });
    await bundle.start();
    await bundle.until(await bundle.request(1, 2), 'finished');
    expect(new Set((await bundle.poller.stored()).map(({ priority }) => priority))).toEqual(new Set(['critical']));
    const chunks = await bundle.poller.records.getPrioritized();
    expect(new Set(chunks.map(({ opts }) => opts.priority))).toEqual(new Set([4]));
  });

  it('leaves the state of the polls alone: cursor, last poll, position', async () => {
    await using bundle = await openBackfillBundle();
    const { poller } = bundle;
    const cursors = createCursorStore(poller.redis, poller.keyPrefix);
    await bundle.start();
    await poller.pollOnce(dayMs + 5 * hourMs);
    const before = { cursor: await cursors.read(sourceId), state: await poller.states.read([sourceId]) };
    await bundle.until(await bundle.request(1, 2), 'finished');
    expect({ cursor: await cursors.read(sourceId), state: await poller.states.read([sourceId]) }).toEqual(before);
    expect(await poller.position()).toBeNull();
    expect(await poller.value('polls_total', { outcome: 'ok' })).toBe(1);
  });

  it('stores nothing again that is known', async () => {
    await using bundle = await openBackfillBundle();
    await bundle.start();
    await bundle.until(await bundle.request(1, 2), 'finished');
    const again = await bundle.until(await bundle.request(0, 2), 'finished');
    expect(again.records).toBe(60);
    expect(await storedMinutes(bundle)).toEqual(minutes(0, 2));
  });

  it('lets the polls of its source go on, and runs after the one that was asked for before it', async () => {
    await using bundle = await openBackfillBundle();
    const gate = createGate();
    bundle.script = async function* (context) {
      if (context.isBackfill && context.window.sinceMs === dayMs + hourMs) await gate.wait(context.signal);
      yield* pagesOf(context);
    };
    await bundle.start();
    const first = await bundle.request(1, 2);
    const second = await bundle.request(5, 6);
    await bundle.until(first, 'running');
    expect((await bundle.until(second, 'delayed')).delayed).toMatchObject({
      by: 'earlier',
      reason: `backfill ${first} of the source comes first`,
    });
    expect((await bundle.poller.pollOnce(1)).returnvalue).toMatchObject({ outcome: 'ok' });
    expect(await bundle.poller.claimedBy()).toBeNull();
    gate.open();
    await bundle.until(first, 'finished');
    await bundle.until(second, 'finished');
    expect(await storedMinutes(bundle)).toEqual([...minutes(1, 2), ...minutes(5, 6)]);
  });

  it('waits while its source is paused or stopped, and goes on afterwards', async () => {
    await using bundle = await openBackfillBundle();
    const { states } = bundle.poller;
    bundle.script = async function* (context) {
      if (bundle.calls.length === 1) await states.setPaused(sourceId, true);
      yield* pagesOf(context);
    };
    await bundle.start();
    const id = await bundle.request(1, 3);
    const delayed = await bundle.until(id, 'delayed');
    expect(delayed).toMatchObject({ doneUntil: iso(2), records: 60, share: 0.5, delayed: { by: 'source' } });
    expect(delayed.delayed!.reason).toContain('stations is paused');
    await states.setPolls(sourceId, 'stopped');
    await states.setPaused(sourceId, false);
    const job = (await bundle.poller.polls.getJob(backfillJobId(sourceId, id)))!;
    await job.promote();
    await waitUntil(
      'the reason',
      async () => (await bundle.backfills.list(sourceId))[0]!.delayed?.reason.includes('is stopped') === true,
      { timeoutMs: 30_000 },
    );
    expect(bundle.calls).toHaveLength(1);
    await states.setPolls(sourceId, 'started');
    await job.promote();
    await bundle.until(id, 'finished');
    expect(await storedMinutes(bundle)).toEqual(minutes(1, 3));
  });

  it.each([
    { name: 'our limit', code: 'budget_exhausted', by: 'budget' },
    { name: 'the provider’s limit', code: 'rate_limited', by: 'rate_limited' },
  ] as const)('goes on at its page when $name was used up', async ({ code, by }) => {
    await using bundle = await openBackfillBundle();
    bundle.script = async function* (context) {
      let pages = 0;
      for await (const page of pagesOf(context)) {
        if (bundle.calls.length === 1 && pages++ === 2)
          throw new StreamManagerError(code, 'come again', { retryAfterMs: 3_000 });
        yield page;
      }
    };
    await bundle.start();
    const id = await bundle.request(1, 2);
    expect(await bundle.until(id, 'delayed')).toMatchObject({ records: 20, error: null, delayed: { by } });
    expect(await bundle.until(id, 'finished')).toMatchObject({ records: 60, error: null });
    expect(bundle.calls.map(({ position }) => position)).toEqual([null, dayMs + hourMs + 20 * minuteMs]);
    expect(await storedMinutes(bundle)).toEqual(minutes(1, 2));
  });

  it('makes half of the requests that its provider allows, and leaves the rest to polls', async () => {
    const server = createServer((_request, response) => response.end('fine'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A listening TCP server has an address with a port.
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await using bundle = await openBackfillBundle({ rateLimitPerMinute: 4, baseUrl: url.origin });
    const ask = async ({ http }: PollContext): Promise<void> => {
      await (await http.fetch({ url, accept: '*/*', credential: null })).text();
    };
    bundle.script = async function* (context) {
      for await (const page of pagesOf(context)) {
        await ask(context);
        yield page;
      }
    };
    await bundle.start();
    const id = await bundle.request(1, 2);
    const delayed = await bundle.until(id, 'delayed');
    expect(delayed).toMatchObject({ records: 20, delayed: { by: 'budget' } });
    expect(delayed.delayed!.reason).toContain('the 2 requests per minute that backfills may make');
    bundle.script = async function* (context) {
      await ask(context);
      yield { records: readingsOf(dayMs, dayMs + 10 * minuteMs), invalid: [], position: null };
    };
    expect((await bundle.poller.pollOnce(1)).returnvalue).toMatchObject({ outcome: 'ok', records: 10 });
    await bundle.backfills.cancel(sourceId, id);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('waits for memory of Redis, and for the throttle each time, also when its source is critical', async () => {
    await using bundle = await openBackfillBundle({ priority: 'critical' });
    const { poller } = bundle;
    await decide(poller, 600_000);
    poller.memoryHigh = 'Redis is full';
    await bundle.start();
    const id = await bundle.request(1, 2);
    expect((await bundle.until(id, 'delayed')).delayed).toMatchObject({ by: 'memory', reason: 'Redis is full' });
    poller.memoryHigh = null;
    const job = (await poller.polls.getJob(backfillJobId(sourceId, id)))!;
    for (const _time of [1, 2]) {
      const before = (await poller.polls.getJob(job.id!))!.data.delayed;
      await job.promote();
      await waitUntil('another look', async () => {
        const [view] = await bundle.backfills.list(sourceId);
        return view!.delayed?.by === 'throttle' && view!.delayed.until !== before.until;
      });
    }
    expect(bundle.calls).toEqual([]);
    // The consumers have caught up.
    await decide(poller, 0);
    await job.promote();
    await bundle.until(id, 'finished');
  });

  it.each([
    { name: 'makes it wait', overflow: 'backpressure' },
    { name: 'refuses its rows', overflow: 'reject' },
  ])('loses nothing to a full queue that $name', async ({ overflow }) => {
    const queue = { maxRecords: 40, criticalReserve: 5, chunkSize: 10, admitWaitMs: 50, overflow };
    await using bundle = await openBackfillBundle({ queue });
    const { poller } = bundle;
    await bundle.start();
    const id = await bundle.request(1, 2);
    const published: number[] = [];
    const job = (await poller.polls.getJob(backfillJobId(sourceId, id)))!;
    while ((await bundle.store.read(sourceId, id))!.state === 'open') {
      const delayed = await waitUntil(
        'the backfill to wait for room, or its end',
        async () => {
          const [view] = await bundle.backfills.list(sourceId);
          return view!.delayed ?? (view!.state === 'finished' ? 'finished' : undefined);
        },
        { timeoutMs: 30_000 },
      );
      published.push(...(await storedMinutes(bundle)));
      for (const chunk of await poller.records.getPrioritized()) {
        await poller.store.settle(sourceId, chunk.id!, null, 10);
        await poller.records.remove(chunk.id!);
      }
      if (delayed === 'finished') continue;
      expect(delayed).toMatchObject({ by: 'room' });
      await job.promote();
      await waitUntil(
        'the next look',
        async () => (await job.getState()) !== 'delayed' || (await poller.stored()).length > 0,
      );
    }
    published.push(...(await storedMinutes(bundle)));
    expect(published.sort((a, b) => a - b)).toEqual(minutes(1, 2));
  });

  it('tries an error that may pass again later, and goes on where it was', async () => {
    await using bundle = await openBackfillBundle();
    bundle.script = async function* (context) {
      if (bundle.calls.length === 2) throw new Error('topsecret-token is not liked today');
      yield* pagesOf(context);
    };
    await bundle.start();
    const id = await bundle.request(1, 3);
    const delayed = await bundle.until(id, 'delayed');
    expect(delayed).toMatchObject({ doneUntil: iso(2), error: '*** is not liked today', delayed: { by: 'error' } });
    expect(
      JSON.stringify(await bundle.poller.redis.hgetall(`${bundle.poller.keyPrefix}:{poll}:backfill:${sourceId}:${id}`)),
    ).not.toContain('topsecret');
    await (await bundle.poller.polls.getJob(backfillJobId(sourceId, id)))!.promote();
    await bundle.until(id, 'finished');
    expect(await storedMinutes(bundle)).toEqual(minutes(1, 3));
  });

  it('that its provider does not answer is no reason to leave the provider alone, nor does it try one that is', async () => {
    await using bundle = await openBackfillBundle();
    const { poller } = bundle;
    const breakers = createRedisProviderBreakers(poller.redis, poller.keyPrefix);
    const host = 'api.weather.gov:443';
    const refused = new HttpStatusError('fetch_status', 'answered 500', { status: 500, excerpt: '' });
    bundle.script = async function* (context) {
      if (context.isBackfill) throw refused;
      yield* pagesOf(context);
    };
    await bundle.start();
    const id = await bundle.request(1, 2);
    const job = (await poller.polls.getJob(backfillJobId(sourceId, id)))!;
    for (let failures = 1; failures <= 6; failures += 1) {
      const entry = await waitUntil(
        'the next error',
        async () => {
          const found = await bundle.store.read(sourceId, id);
          return found!.failures === failures && (await job.getState()) === 'delayed' ? found : undefined;
        },
        { timeoutMs: 30_000 },
      );
      expect(entry).toMatchObject({ error: 'answered 500' });
      await job.promote();
    }
    expect(await breakers.readMany([host])).toEqual(new Map());
    for (const asker of ['a', 'b', 'c', 'd', 'e'])
      await breakers.tell(host, asker, { kind: 'unanswered', pauseMs: 1_000, error: 'refused' });
    await poller.redis.hset(fleetKeys(poller.keyPrefix).providerBreaker(host), 'until', '1');
    const calls = bundle.calls.length;
    const waits = await waitUntil(
      'the backfill to wait for the breaker',
      async () => {
        const [view] = await bundle.backfills.list(sourceId);
        if (view!.delayed?.by === 'breaker') return view;
        // Behind the look: what it waits for is told only while it waits.
        if ((await job.getState()) === 'delayed') await job.promote();
        return undefined;
      },
      { timeoutMs: 30_000 },
    );
    expect(waits.delayed!.reason).toContain(`${host} answered none of the last 5 polls`);
    expect(bundle.calls.length - calls).toBeLessThanOrEqual(1);
    // A poll is.
    expect((await poller.pollOnce(Date.now())).returnvalue).toMatchObject({ outcome: 'ok' });
    expect(await breakers.readMany([host])).toEqual(new Map());
  });

  it('fails at once for what will not pass, and Retry of its job goes on where it stopped', async () => {
    await using bundle = await openBackfillBundle();
    bundle.script = async function* (context) {
      if (bundle.calls.length === 2) throw new StreamManagerError('credentials_refused', 'the key is refused');
      yield* pagesOf(context);
    };
    await bundle.start();
    const id = await bundle.request(1, 3);
    expect(await bundle.until(id, 'failed')).toMatchObject({ doneUntil: iso(2), error: 'the key is refused' });
    const job = await bundle.poller.until(backfillJobId(sourceId, id), 'failed');
    expect(job.failedReason).toBe('the key is refused');
    await job.retry();
    await bundle.until(id, 'finished');
    expect(await storedMinutes(bundle)).toEqual(minutes(1, 3));
  });

  it('is handed back by a poller that stops, and goes on at its page in the next one', async () => {
    await using bundle = await openBackfillBundle();
    const gate = createGate();
    bundle.script = async function* (context) {
      let pages = 0;
      for await (const page of pagesOf(context)) {
        if (bundle.calls.length === 1 && pages++ === 3) await gate.wait(context.signal);
        yield page;
      }
    };
    const stop = await bundle.start();
    const id = await bundle.request(1, 2);
    await waitUntil('three pages', async () => (await bundle.store.read(sourceId, id))!.records === 30);
    await stop();
    await bundle.start();
    await bundle.until(id, 'finished');
    expect(bundle.calls.map(({ position }) => position)).toEqual([null, dayMs + hourMs + 30 * minuteMs]);
    expect(await storedMinutes(bundle)).toEqual(minutes(1, 2));
  });
});

describe('a backfill that is cancelled', () => {
  it('while it runs ends at its page; what is in the queues stays there', async () => {
    await using bundle = await openBackfillBundle();
    const gate = createGate();
    bundle.script = async function* (context) {
      let pages = 0;
      for await (const page of pagesOf(context)) {
        if (pages++ === 2) await gate.wait(context.signal);
        yield page;
      }
    };
    await bundle.start();
    const id = await bundle.request(1, 3);
    await waitUntil('two pages', async () => (await bundle.store.read(sourceId, id))!.records === 20);
    expect(await bundle.backfills.cancel(sourceId, id)).toBe('cancelled');
    gate.open();
    const job = await bundle.poller.until(backfillJobId(sourceId, id), 'completed');
    expect(job.returnvalue).toEqual({ outcome: 'cancelled' });
    expect(bundle.calls).toHaveLength(1);
    expect((await storedMinutes(bundle)).slice(0, 20)).toEqual(minutes(1, 2).slice(0, 20));
    expect(await bundle.backfills.cancel(sourceId, id)).toBe('over');
    expect(await bundle.backfills.cancel(sourceId, 'another')).toBe('unknown');
  });

  it('before it has begun never does', async () => {
    await using bundle = await openBackfillBundle();
    await (await bundle.start())();
    const id = await bundle.request(1, 3);
    expect(await bundle.until(id, 'waiting')).toMatchObject({ share: 0, records: 0 });
    expect(await bundle.backfills.cancel(sourceId, id)).toBe('cancelled');
    expect(await bundle.poller.polls.getJob(backfillJobId(sourceId, id))).toBeUndefined();
    expect(await bundle.backfills.heal([sourceId])).toEqual([]);
  });
});

describe('backfills', () => {
  const hour = (count: number): number => dayMs + count * hourMs;

  it.each([
    { name: 'that ends before it begins', from: hour(3), to: hour(3), says: 'must be before to' },
    { name: 'without times', from: Number.NaN, to: hour(3), says: 'from and to must be times' },
    { name: 'of the future', from: hour(0), to: Date.now() + hourMs, says: 'lies in the future' },
    { name: 'of eleven years', from: Date.UTC(2010, 0, 1), to: Date.UTC(2021, 0, 1), says: 'more than ten years' },
  ])('refuse one $name', async ({ from, to, says }) => {
    await using bundle = await openBackfillBundle();
    await bundle.start();
    const answer = await bundle.backfills.request({ sourceId, fromMs: from, toMs: to, requestedBy: 'the test' });
    expect(answer).toEqual({ kind: 'refused', reason: expect.stringContaining(says) });
    expect(await bundle.backfills.list(sourceId)).toEqual([]);
  });

  it('refuse a source whose API cannot be asked, and one that no poller knows', async () => {
    await using bundle = await openBackfillBundle({}, { sliceMs: null });
    await expect(bundle.request(1, 2)).rejects.toThrow('no poller has said yet whether stations can be asked');
    await bundle.start();
    await expect(bundle.request(1, 2)).rejects.toThrow('the API of stations cannot be asked for the past');
  });

  it('of the same time are one while it is open, and at most ten of a source are open', async () => {
    await using bundle = await openBackfillBundle();
    await (await bundle.start())();
    const id = await bundle.request(0, 1);
    expect(await bundle.request(0, 1)).toBe(id);
    for (let from = 1; from < 10; from++) await bundle.request(from, from + 1);
    await expect(bundle.request(10, 11)).rejects.toThrow('has 10 backfills that are not over');
    expect(await bundle.backfills.list(sourceId)).toHaveLength(10);
  });

  it('that have ended are kept for whoever looks, the newest of them', async () => {
    await using bundle = await openBackfillBundle();
    await (await bundle.start())();
    const ids: string[] = [];
    for (let count = 0; count < keptBackfills + 3; count++) {
      ids.push(await bundle.request(count, count + 1));
      await bundle.backfills.cancel(sourceId, ids.at(-1)!);
    }
    const open = await bundle.request(0, 1);
    const listed = await bundle.backfills.list(sourceId);
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set([open, ...ids.slice(3)]));
    expect(await bundle.poller.redis.keys(`${bundle.poller.keyPrefix}:{poll}:backfill:*`)).toHaveLength(
      keptBackfills + 1,
    );
  });

  it('whose job was removed get it back', async () => {
    await using bundle = await openBackfillBundle();
    await (await bundle.start())();
    const id = await bundle.request(1, 2);
    await (await bundle.poller.polls.getJob(backfillJobId(sourceId, id)))!.remove();
    expect(await bundle.backfills.heal([sourceId, 'another'])).toEqual([id]);
    expect(await bundle.backfills.heal([sourceId])).toEqual([]);
    await bundle.start();
    await bundle.until(id, 'finished');
  });
});
