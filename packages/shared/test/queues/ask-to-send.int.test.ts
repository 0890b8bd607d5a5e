// Leave to send, by the arithmetic of the answers: rates are so low that nothing is paid off while a test runs, so high that
// all of it is, or the times that stand in Redis are set back.

import { waitUntil } from '@stream-manager/testkit/wait-until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedisThrottleStore } from '../../src/queues/redis-throttle-store.ts';
import type { SendLeave } from '../../src/queues/throttle-store.ts';
import type { PriorityClass } from '../../src/records/priority.ts';
import { startOwnRedis } from './own-redis.ts';
import { openThrottleStore, type ThrottleStoreBundle } from './throttle-store-bundle.ts';

/** More than a test takes. */
const testMs = 60_000;

/** Makes what is known of the bucket so much older. */
const letPass = async ({ redis, keys }: ThrottleStoreBundle, ms: number): Promise<void> => {
  for (const field of ['at', 'sent']) {
    const time = Number(await redis.hget(keys.send, field));
    if (time > 0) await redis.hset(keys.send, field, time - ms);
  }
};

const granted = (leaves: readonly SendLeave[]) => leaves.filter(({ isGranted }) => isGranted).length;
const none = { action: 'none', delayMs: 0, level: 0 } as const;

describe('leave to send', () => {
  it('is given at the highest rate and without a pause to a source that was never sampled', async () => {
    await using bundle = openThrottleStore();
    expect(await bundle.ask({ maxRate: 2_000 })).toEqual({
      isGranted: true,
      waitMs: 0,
      allowedRate: 2_000,
      delayMs: 0,
    });
    // 100 owed less 50 ms of the rate: nothing.
    expect((await bundle.ask({ maxRate: 2_000 })).isGranted).toBe(true);
  });

  it('makes the next batch wait until the last one is paid off', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { ...none, allowedRate: 10 } });
    expect(await bundle.ask()).toEqual({ isGranted: true, waitMs: 0, allowedRate: 10, delayMs: 0 });
    const second = await bundle.ask();
    // 100 records less half a record, at 10/s.
    expect(second).toMatchObject({ isGranted: false, allowedRate: 10 });
    expect(second.waitMs).toBeGreaterThan(9_950 - testMs);
    expect(second.waitMs).toBeLessThanOrEqual(9_950);
    await letPass(bundle, 9_950);
    expect((await bundle.ask()).isGranted).toBe(true);
  });

  it('holds the rate exactly over the whole fleet, however many processes ask', async () => {
    await using bundle = openThrottleStore();
    const processes = Array.from({ length: 4 }, () => bundle.redis.duplicate());
    const stores = processes.map((redis) => createRedisThrottleStore({ redis, keyPrefix: bundle.keyPrefix }));
    const allAsk = (records: number) =>
      Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          stores[n % 4]!.askToSend(bundle.sourceId, {
            records,
            priority: 3,
            asker: 'worker',
            maxRate: 1_000,
            minRate: 0.001,
          }),
        ),
      );
    // 0.01/s: in a minute less than a record is paid off.
    await bundle.decide({ holdsMs: 1_000 * testMs, decision: { ...none, allowedRate: 0.01 } });
    expect(granted(await allAsk(7))).toBe(1);
    // What one batch owes is paid off once, whoever asks next: each time one of a hundred may go.
    for (let round = 0; round < 5; round++) {
      await letPass(bundle, 700_000);
      const leaves = await allAsk(7);
      expect(granted(leaves)).toBe(1);
      for (const { isGranted, waitMs } of leaves) {
        if (isGranted) continue;
        expect(waitMs).toBeGreaterThan(700_000 - 2 * testMs);
        expect(waitMs).toBeLessThanOrEqual(700_000);
      }
    }
    for (const redis of processes) redis.disconnect();
  });

  it('makes up for a batch that comes late, by 50 ms of the rate and no more', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { ...none, allowedRate: 1_000 } });
    await bundle.ask({ records: 10 });
    await letPass(bundle, 3_600_000);
    await bundle.ask({ records: 1 });
    expect(Number(await bundle.redis.hget(bundle.keys.send, 'owed'))).toBe(-49);
  });

  it('holds the pause between two batches over the whole fleet, besides the rate', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ holdsMs: 10 * testMs, decision: { delayMs: 5 * testMs + 0.5, allowedRate: 1_000 } });
    const leaves = await Promise.all(Array.from({ length: 50 }, () => bundle.ask({ records: 1 })));
    expect(granted(leaves)).toBe(1);
    for (const leave of leaves) expect(leave.delayMs).toBe(5 * testMs + 0.5);
    const { waitMs } = await bundle.ask({ records: 1 });
    expect(waitMs).toBeGreaterThan(4 * testMs);
    expect(waitMs).toBeLessThanOrEqual(5 * testMs + 1);
    await letPass(bundle, 5 * testMs + 1);
    expect(granted(await Promise.all(Array.from({ length: 50 }, () => bundle.ask({ records: 1 }))))).toBe(1);
  });

  it('is given to critical batches at once, into debt; what is not critical pays for it', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { delayMs: 5 * testMs, allowedRate: 10 } });
    for (let n = 0; n < 20; n++)
      expect(await bundle.ask({ priority: 1 })).toMatchObject({ isGranted: true, waitMs: 0 });
    // They do not make the pause begin anew.
    expect(await bundle.redis.hget(bundle.keys.send, 'sent')).toBe('0');
    const { isGranted, waitMs } = await bundle.ask();
    expect(isGranted).toBe(false);
    expect(waitMs).toBeGreaterThan(199_950 - testMs);
    expect(waitMs).toBeLessThanOrEqual(199_950);
  });

  it('stays in line: of those who wait the most urgent goes first, of equals who has waited longest', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ holdsMs: 10 * testMs, decision: { delayMs: 5 * testMs, allowedRate: 1e6 } });
    const ask = (asker: string, priority: PriorityClass) => bundle.ask({ records: 1, asker, priority });
    /** Every place is kept for longer than the test takes. */
    const keepPlaces = async () => {
      for (const [asker, place] of Object.entries(await bundle.redis.hgetall(bundle.keys.sendWaits)))
        await bundle.redis.hset(
          bundle.keys.sendWaits,
          asker,
          `${place.split(' ').slice(0, 2).join(' ')} 9999999999999`,
        );
    };
    const standInLine = async (asker: string, priority: PriorityClass) => {
      expect((await ask(asker, priority)).isGranted).toBe(false);
      await keepPlaces();
      const before = await bundle.redis.hget(bundle.keys.sendWaits, asker);
      await waitUntil('the next millisecond', async () => {
        const [seconds, micros] = await bundle.redis.time();
        return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) > Number(before?.split(' ')[1]);
      });
    };
    expect((await ask('near', 4)).isGranted).toBe(true);
    await standInLine('near', 4);
    await standInLine('far', 2);
    await standInLine('other', 2);
    const order: string[] = [];
    for (let round = 0; round < 3; round++) {
      await letPass(bundle, 5 * testMs);
      // Whoever asks first: nobody but the first in line is let through.
      for (const [asker, priority] of [
        ['near', 4],
        ['other', 2],
        ['far', 2],
      ] as const) {
        if (order.includes(asker)) continue;
        const leave = await ask(asker, priority);
        if (leave.isGranted) {
          order.push(asker);
          break;
        }
        expect(leave.waitMs).toBe(10);
        await keepPlaces();
      }
    }
    expect(order).toEqual(['far', 'other', 'near']);
    expect(await bundle.redis.hlen(bundle.keys.sendWaits)).toBe(0);
  });

  it('does not wait for a worker that does not come back, and nobody critical waits for anybody', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ holdsMs: 10 * testMs, decision: { delayMs: 5 * testMs, allowedRate: 1e6 } });
    await bundle.ask({ records: 1, asker: 'one' });
    await bundle.ask({ records: 1, asker: 'gone', priority: 2 });
    const place = await bundle.redis.hget(bundle.keys.sendWaits, 'gone');
    const [, since, until] = (place ?? '').split(' ').map(Number);
    expect((until ?? 0) - (since ?? 0)).toBe(1_300);
    await bundle.redis.hset(bundle.keys.sendWaits, 'gone', `2 ${since} ${(since ?? 0) - 1}`);
    await letPass(bundle, 5 * testMs);
    expect((await bundle.ask({ records: 1, asker: 'one', priority: 4 })).isGranted).toBe(true);
    expect(await bundle.redis.hlen(bundle.keys.sendWaits)).toBe(0);
    await bundle.ask({ records: 1, asker: 'two', priority: 2 });
    expect((await bundle.ask({ records: 1, asker: 'one', priority: 1 })).isGranted).toBe(true);
  });

  it('only tells what holds when nothing wants to go', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { delayMs: 5 * testMs, allowedRate: 10 } });
    const told = { isGranted: true, waitMs: 0, allowedRate: 10, delayMs: 5 * testMs };
    expect(await bundle.ask({ records: 0 })).toEqual(told);
    expect(await bundle.redis.exists(bundle.keys.send, bundle.keys.sendWaits)).toBe(0);
    await bundle.ask();
    expect(await bundle.ask({ records: 0 })).toMatchObject({ isGranted: false, allowedRate: 10 });
    expect(await bundle.redis.exists(bundle.keys.sendWaits)).toBe(0);
  });

  it('is slowed by nothing but its own highest rate when the throttle is turned off', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ holdsMs: 0, decision: { delayMs: 5 * testMs, allowedRate: 10 } });
    expect(await bundle.ask({ minRate: null, maxRate: 100_000 })).toEqual({
      isGranted: true,
      waitMs: 0,
      allowedRate: 100_000,
      delayMs: 0,
    });
    expect((await bundle.ask({ records: 1e6, minRate: null, maxRate: 100_000 })).isGranted).toBe(true);
    expect((await bundle.ask({ minRate: null, maxRate: 100 })).isGranted).toBe(false);
  });

  it('brings a rate within the present bounds before it halves it, as the shown decision does', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ holdsMs: -1, decision: { ...none, allowedRate: 100_000 } });
    expect((await bundle.ask({ maxRate: 1_000, minRate: 10 })).allowedRate).toBe(500);
    expect((await bundle.ask({ priority: 1, maxRate: 1_000, minRate: 800 })).allowedRate).toBe(800);
  });

  it('lets a debt that was made at a low rate be paid off at the rate that holds now', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { ...none, allowedRate: 10 } });
    await bundle.ask();
    await bundle.decide({ decision: { ...none, allowedRate: 0.5 } });
    const slow = await bundle.ask({ minRate: 0.1 });
    expect(slow.waitMs).toBeGreaterThan(199_000 - testMs);
    expect(slow.waitMs).toBeGreaterThan((await bundle.ask({ minRate: 10 })).waitMs * 15);
    await bundle.decide({ decision: { ...none, allowedRate: 1_000 } });
    expect((await bundle.ask()).waitMs).toBeLessThanOrEqual(100);
  });

  it('never lasts longer than the pause or the debt when the clock was set back', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { delayMs: 2_000, allowedRate: 10 } });
    await bundle.ask({ records: 10 });
    await letPass(bundle, -86_400_000);
    const { isGranted, waitMs } = await bundle.ask();
    expect(isGranted).toBe(false);
    expect(waitMs).toBeLessThanOrEqual(2_000);
    // From here on it is paid off by the clock as it is now.
    const now = await bundle.store.now();
    expect(Number(await bundle.redis.hget(bundle.keys.send, 'at'))).toBeLessThanOrEqual(now);
    expect(Number(await bundle.redis.hget(bundle.keys.send, 'sent'))).toBeLessThanOrEqual(now);
  });

  it.each([
    { name: 'within what the source may have now', decided: 5_000, request: { maxRate: 300 }, allowedRate: 300 },
    { name: 'not below its lowest rate', decided: 2, request: { minRate: 20 }, allowedRate: 20 },
    { name: 'as decided between them', decided: 77.7, request: {}, allowedRate: 77.7 },
  ])('keeps the rate $name', async ({ decided, request, allowedRate }) => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { ...none, allowedRate: decided } });
    expect((await bundle.ask(request)).allowedRate).toBe(allowedRate);
  });

  it('is given at half of the last rate, with its pause, when the decision does not hold any more', async () => {
    await using bundle = openThrottleStore();
    const now = await bundle.store.now();
    await bundle.decide({
      at: now - 30_000 + testMs,
      holdsMs: 30_000 + testMs,
      decision: { delayMs: 7, allowedRate: 500 },
    });
    expect(await bundle.ask()).toMatchObject({ allowedRate: 500, delayMs: 7 });
    await bundle.decide({ at: now - 30_001, decision: { delayMs: 7, allowedRate: 500 } });
    expect(await bundle.ask({ priority: 1 })).toMatchObject({ allowedRate: 250, delayMs: 7 });
    await bundle.decide({ at: now - 90_000, decision: { delayMs: 7, allowedRate: 12 } });
    expect(await bundle.ask({ priority: 1 })).toMatchObject({ allowedRate: 10 });
    await bundle.decide({ at: now - 90_000, holdsMs: 90_000 + testMs, decision: { delayMs: 7, allowedRate: 12 } });
    expect(await bundle.ask({ priority: 1 })).toMatchObject({ allowedRate: 12 });
  });

  it('writes nothing when it is refused', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ decision: { ...none, allowedRate: 10 } });
    await bundle.ask();
    const before = await bundle.redis.hgetall(bundle.keys.send);
    expect(granted(await Promise.all(Array.from({ length: 10 }, () => bundle.ask())))).toBe(0);
    expect(await bundle.redis.hgetall(bundle.keys.send)).toEqual(before);
  });
});

describe('a Redis at maxmemory', () => {
  let server: Awaited<ReturnType<typeof startOwnRedis>>;
  beforeAll(async () => {
    server = await startOwnRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('gives leave to send, the first and the next, and lets lag be followed: it has to be drained', async () => {
    await using bundle = openThrottleStore(server.url);
    await bundle.redis.config('SET', 'maxmemory', '1');
    await expect(bundle.redis.set(`${bundle.keyPrefix}:probe`, 'x')).rejects.toThrow('OOM');
    expect((await bundle.ask()).isGranted).toBe(true);
    expect((await bundle.ask({ priority: 1 })).isGranted).toBe(true);
    await bundle.decide({ decision: { ...none, allowedRate: 10 } });
    await bundle.decide({ decision: { ...none, allowedRate: 20 } });
    expect((await bundle.ask()).allowedRate).toBe(20);
    await bundle.redis.config('SET', 'maxmemory', '0');
  });
});
