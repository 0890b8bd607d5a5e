// The limit against a real Redis. Time is virtual in the first part: the very script that runs in production is driven
// through hours in seconds, and every window is counted. The second part is real: ten clients, real requests, the
// provider's own log.
import { randomUUID } from 'node:crypto';
import { after } from '@stream-manager/shared/ops/after';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { createHostShares } from '../../src/http/host-share.ts';
import { createRateLimit, type RateLimit } from '../../src/http/rate-limit.ts';
import { createHttpClient } from '../../src/http/undici-client.ts';
import { resolvedSource } from '../sources/resolved-source.ts';
import { startTestServer } from './test-server.ts';

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
afterAll(() => redis.quit());

const freshPrefix = (): string => `test-${randomUUID()}`;

/** A limiter in virtual time. */
const setup = (windowMs = 60_000) => {
  const clock = { nowMs: 1_700_000_000_000 };
  const keyPrefix = freshPrefix();
  const create = (): RateLimit => createRateLimit({ redis, keyPrefix, windowMs, nowMs: () => clock.nowMs });
  return { clock, keyPrefix, create, limit: create() };
};

/** Most entries that any window of this length holds, both ends included. */
const mostInAnyWindow = (times: readonly number[], windowMs: number): number => {
  const sorted = times.toSorted((one, other) => one - other);
  let most = 0;
  let from = 0;
  for (const [to, time] of sorted.entries()) {
    while (time - (sorted[from] ?? time) > windowMs) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
};

describe('in virtual time', () => {
  it('gives N, then refuses with the exact wait, and gives the next at that time', async () => {
    const { clock, limit } = setup();
    for (let at = 0; at < 3; at += 1) {
      const permit = await limit.acquire('t', 3);
      expect(permit.granted).toBe(true);
      if (permit.granted) await limit.settle('t', permit.ticket);
      clock.nowMs += 1000;
    }
    const refused = await limit.acquire('t', 3);
    // The first was settled 3 s ago; 100 ms are added for clocks that count whole milliseconds.
    expect(refused).toEqual({ granted: false, waitMs: 57_100, reason: 'used_up' });
    clock.nowMs += 57_099;
    expect(await limit.acquire('t', 3)).toEqual({ granted: false, waitMs: 1, reason: 'used_up' });
    clock.nowMs += 1;
    expect((await limit.acquire('t', 3)).granted).toBe(true);
  });

  it('counts a request from its answer on, since it may have arrived as late as that', async () => {
    const { clock, limit } = setup();
    const permit = await limit.acquire('t', 1);
    clock.nowMs += 20_000;
    if (permit.granted) await limit.settle('t', permit.ticket);
    clock.nowMs += 59_000;
    expect(await limit.acquire('t', 1)).toEqual({ granted: false, waitMs: 1100, reason: 'used_up' });
  });

  it('counts a request that never came back', async () => {
    const { clock, limit } = setup();
    await limit.acquire('t', 1);
    clock.nowMs += 60_000;
    expect((await limit.acquire('t', 1)).granted).toBe(false);
    clock.nowMs += 100;
    expect((await limit.acquire('t', 1)).granted).toBe(true);
  });

  it('waits for as many as a lowered limit is over', async () => {
    const { clock, limit } = setup();
    for (let at = 0; at < 5; at += 1) {
      await limit.acquire('t', 5);
      clock.nowMs += 1000;
    }
    // 5 in the log at 0…4 s, now 5 s; with a limit of 2 four of them have to go: the fourth at 3 s.
    expect(await limit.acquire('t', 2)).toEqual({ granted: false, waitMs: 58_100, reason: 'used_up' });
  });

  it('keeps targets apart', async () => {
    const { limit } = setup();
    await limit.acquire('one', 1);
    expect((await limit.acquire('one', 1)).granted).toBe(false);
    expect((await limit.acquire('other', 1)).granted).toBe(true);
  });

  it('lets nobody in while the provider wants a pause, and keeps the longer of two', async () => {
    const { clock, create } = setup();
    const [one, other] = [create(), create()];
    await one.close('t', 10_000);
    await one.close('t', 2000);
    expect(await other.acquire('t', 60)).toEqual({ granted: false, waitMs: 10_000, reason: 'closed' });
    await one.close('t', 15_000);
    clock.nowMs += 14_999;
    expect(await other.acquire('t', 60)).toEqual({ granted: false, waitMs: 1, reason: 'closed' });
    clock.nowMs += 1;
    expect((await other.acquire('t', 60)).granted).toBe(true);
    await one.close('t', 0);
    expect((await other.acquire('t', 60)).granted).toBe(true);
  });

  it('leaves nothing in Redis for ever, and no credential at all', async () => {
    const { limit, keyPrefix } = setup();
    const permit = await limit.acquire('t', 60);
    if (permit.granted) await limit.settle('t', permit.ticket);
    await limit.close('t', 1000);
    const keys = [`${keyPrefix}:{rate-t}:log`, `${keyPrefix}:{rate-t}:log:closed`];
    for (const key of keys) {
      const lifetimeMs = await redis.pttl(key);
      expect(lifetimeMs).toBeGreaterThan(0);
      expect(lifetimeMs).toBeLessThanOrEqual(120_200);
    }
    expect(await redis.keys(`${keyPrefix}:*`)).toHaveLength(2);
  });

  it('holds N in any window whatever ten clients do, and lets at least 80 % of it be used', async () => {
    const windowMs = 60_000;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.record({ travelMs: fc.nat(400), answerMs: fc.nat(900), restMs: fc.nat(50) }), {
          minLength: 10,
          maxLength: 20,
        }),
        async (perWindow, ways) => {
          const { clock, create } = setup(windowMs);
          const startMs = clock.nowMs;
          const arrivals: number[] = [];
          // One event at a time, in the order of time: who acts next, and what he does then.
          const events: { at: number; act: () => Promise<void> }[] = [];
          const later = (at: number, act: () => Promise<void>): void => void events.push({ at, act });
          let request = 0;
          const ask = (limit: RateLimit) => async (): Promise<void> => {
            const permit = await limit.acquire('t', perWindow);
            if (!permit.granted) return later(clock.nowMs + permit.waitMs, ask(limit));
            const way = ways[request % ways.length] ?? { travelMs: 0, answerMs: 0, restMs: 0 };
            request += 1;
            const arrivedAt = clock.nowMs + way.travelMs;
            arrivals.push(arrivedAt);
            return later(arrivedAt + way.answerMs, async () => {
              await limit.settle('t', permit.ticket);
              later(clock.nowMs + way.restMs, ask(limit));
            });
          };
          for (let client = 0; client < 10; client += 1) later(startMs + client, ask(create()));
          while (events.length > 0) {
            events.sort((one, other) => one.at - other.at);
            const next = events.shift();
            if (next === undefined || next.at > startMs + 5 * windowMs) break;
            clock.nowMs = Math.max(clock.nowMs, next.at);
            await next.act();
          }
          expect(mostInAnyWindow(arrivals, windowMs)).toBeLessThanOrEqual(perWindow);
          expect(arrivals.length).toBeGreaterThanOrEqual(5 * perWindow * 0.8);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('in real time', () => {
  it('holds N in any window of the log of the provider, with ten clients that fail half of the time', async () => {
    const windowMs = 500;
    const perWindow = 12;
    const wanted = 60;
    let count = 0;
    await using server = await startTestServer((_request, response) => {
      count += 1;
      response.writeHead(count % 2 === 0 ? 500 : 200).end();
    });
    const keyPrefix = freshPrefix();
    const source = resolvedSource({
      type: 'noaa-alerts',
      baseUrl: server.origin,
      rateLimitPerMinute: perWindow,
      params: { area: 'CA' },
    });
    let left = wanted;
    const signal = new AbortController().signal;
    const client = async (): Promise<void> => {
      const clients = createHttpClient({
        rateLimit: createRateLimit({ redis, keyPrefix, windowMs }),
        hostShares: createHostShares({ after }, { concurrency: 32 }),
        maxResponseBytes: 1000,
        userAgent: 'test',
        maxWaitMs: 60_000,
      });
      const http = clients.forPoll({ source, signal });
      while (left > 0) {
        left -= 1;
        await http.fetch({ url: new URL(server.origin), accept: '*/*', credential: null }).then(
          (response) => response.text(),
          (error: unknown) => expect(error).toMatchObject({ code: 'fetch_status' }),
        );
      }
      await clients.close();
    };
    await Promise.all(Array.from({ length: 10 }, client));
    expect(server.arrivals).toHaveLength(wanted);
    const times = server.arrivals.map(({ at }) => at);
    expect(mostInAnyWindow(times, windowMs)).toBeLessThanOrEqual(perWindow);
  });

  it('closes the target for every client after a 429', async () => {
    let isBusy = true;
    await using server = await startTestServer((_request, response) => {
      response.writeHead(isBusy ? 429 : 200, { 'retry-after': '30' }).end();
    });
    const keyPrefix = freshPrefix();
    const source = resolvedSource({ type: 'noaa-alerts', baseUrl: server.origin, params: { area: 'CA' } });
    const signal = new AbortController().signal;
    const get = async (): Promise<unknown> => {
      const clients = createHttpClient({
        rateLimit: createRateLimit({ redis, keyPrefix }),
        hostShares: createHostShares({ after }, { concurrency: 32 }),
        maxResponseBytes: 1000,
        userAgent: 'test',
      });
      try {
        const http = clients.forPoll({ source, signal });
        return await http.fetch({ url: new URL(server.origin), accept: '*/*', credential: null });
      } finally {
        await clients.close();
      }
    };
    await expect(get()).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 30_000 });
    isBusy = false;
    await expect(get()).rejects.toMatchObject({ code: 'budget_exhausted' });
    expect(server.arrivals).toHaveLength(1);
  });

  it('sends nothing when Redis does not answer', async () => {
    const gone = new Redis(inject('redisUrl'));
    gone.disconnect();
    const limit = createRateLimit({ redis: gone, keyPrefix: freshPrefix() });
    await expect(limit.acquire('t', 1)).rejects.toMatchObject({ code: 'redis_unreachable' });
  });
});
