import { randomBytes } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { fleetKeys } from '../../src/queues/keys.ts';
import type { ProviderVerdict } from '../../src/queues/provider-breaker-store.ts';
import { Redis } from '../../src/queues/redis.ts';
import { createRedisProviderBreakers } from '../../src/queues/redis-provider-breakers.ts';

const host = 'api.weather.gov:443';
const lease = { isRequested: false, mayTry: true, leaseMs: 60_000 };
const poll = (asker: string, changes: Partial<typeof lease> = {}) => ({ asker, ...lease, ...changes });
const unanswered = (pauseMs = 20_000): ProviderVerdict => ({ kind: 'unanswered', pauseMs, error: 'refused' });

const open = () => {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const key = fleetKeys(keyPrefix).providerBreaker(host);
  const breakers = createRedisProviderBreakers(redis, keyPrefix);
  return {
    redis,
    key,
    breakers,
    /** Five polls in a row get no answer. */
    fail: async (pauseMs?: number) => {
      for (let number = 0; number < 5; number += 1) await breakers.tell(host, `poll-${number}`, unanswered(pauseMs));
    },
    /** The pause is over, without waiting for it. */
    endPause: () => redis.hset(key, 'until', '1'),
    read: async () => (await breakers.readMany([host])).get(host) ?? null,
    pauseMs: async () => Number(await redis.hget(key, 'pause')),
    [Symbol.asyncDispose]: async () => {
      await redis.del(key);
      redis.disconnect();
    },
  };
};

describe('the breaker of a provider', () => {
  it('opens with the fifth poll in a row without an answer, for the period of that poll', async () => {
    await using bundle = open();
    const { breakers } = bundle;
    for (let number = 1; number < 5; number += 1)
      expect(await breakers.tell(host, `poll-${number}`, unanswered())).toBe('closed');
    expect(await breakers.ask(host, poll('other'))).toEqual({ isGranted: true, isTrial: false, failures: 4 });
    expect(await bundle.read()).toEqual({ state: 'closed', failures: 4, until: null, error: 'refused' });
    expect(await breakers.tell(host, 'poll-5', unanswered())).toBe('open');
    expect(await bundle.read()).toMatchObject({ state: 'open', failures: 5, error: 'refused' });
    const refused = await breakers.ask(host, poll('other'));
    expect(refused).toMatchObject({ isGranted: false, state: 'open', failures: 5, error: 'refused' });
    const waitMs = refused.isGranted ? null : refused.waitMs;
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(20_000);
  });

  it('holds who may not be the trial until another one has ended well', async () => {
    await using bundle = open();
    const { breakers } = bundle;
    const backfill = poll('backfill', { mayTry: false });
    expect(await breakers.ask(host, backfill)).toMatchObject({ isGranted: true });
    await bundle.fail();
    expect(await breakers.ask(host, backfill)).toMatchObject({ isGranted: false, state: 'open' });
    await bundle.endPause();
    expect(await breakers.ask(host, backfill)).toMatchObject({ isGranted: false, state: 'half_open', waitMs: 2_000 });
    expect(await breakers.ask(host, poll('a'))).toMatchObject({ isGranted: true, isTrial: true });
    expect(await breakers.ask(host, backfill)).toMatchObject({ isGranted: false, state: 'half_open' });
    await breakers.tell(host, 'a', { kind: 'answered' });
    expect(await breakers.ask(host, backfill)).toEqual({ isGranted: true, isTrial: false, failures: 0 });
  });

  it('begins to count anew with any answer', async () => {
    await using bundle = open();
    const { breakers } = bundle;
    for (const asker of ['a', 'b', 'c', 'd']) await breakers.tell(host, asker, unanswered());
    expect(await breakers.tell(host, 'e', { kind: 'answered' })).toBe('closed');
    expect(await bundle.read()).toBeNull();
    expect(await breakers.tell(host, 'f', unanswered())).toBe('closed');
    expect(await bundle.read()).toMatchObject({ failures: 1 });
  });

  it('does not count what says nothing about the provider', async () => {
    await using bundle = open();
    for (let number = 0; number < 9; number += 1) await bundle.breakers.tell(host, 'a', { kind: 'neither' });
    expect(await bundle.read()).toBeNull();
  });

  it('lets exactly one of many polls try when the pause is over, and all when that was answered', async () => {
    await using bundle = open();
    const { breakers } = bundle;
    await bundle.fail();
    await bundle.endPause();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_none, number) => breakers.ask(host, poll(`asker-${number}`))),
    );
    expect(answers.filter(({ isGranted }) => isGranted)).toEqual([{ isGranted: true, isTrial: true, failures: 5 }]);
    expect(answers.find(({ isGranted }) => !isGranted)).toMatchObject({ state: 'half_open' });
    expect(await bundle.read()).toMatchObject({ state: 'half_open' });
    const trial = answers.findIndex(({ isGranted }) => isGranted);
    expect(await breakers.tell(host, `asker-${trial}`, { kind: 'answered' })).toBe('closed');
    expect(await breakers.ask(host, poll('next'))).toEqual({ isGranted: true, isTrial: false, failures: 0 });
  });

  it('doubles its pause with each trial that gets no answer, up to five minutes', async () => {
    await using bundle = open();
    await bundle.fail(40_000);
    const pauses: number[] = [await bundle.pauseMs()];
    for (let number = 0; number < 5; number += 1) {
      await bundle.endPause();
      expect(await bundle.breakers.ask(host, poll('trial'))).toMatchObject({ isTrial: true });
      expect(await bundle.breakers.tell(host, 'trial', unanswered(1_000))).toBe('open');
      pauses.push(await bundle.pauseMs());
    }
    expect(pauses).toEqual([40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
  });

  it.each([
    { name: 'a continuous source', periodMs: 250, pauseMs: 1_000 },
    { name: 'a source that is polled once a day', periodMs: 86_400_000, pauseMs: 300_000 },
  ])('keeps the first pause of $name within a second and five minutes', async ({ periodMs, pauseMs }) => {
    await using bundle = open();
    await bundle.fail(periodMs);
    expect(await bundle.pauseMs()).toBe(pauseMs);
  });

  it('makes nothing longer for polls that were under way when it opened', async () => {
    await using bundle = open();
    await bundle.fail();
    await bundle.breakers.tell(host, 'late', unanswered());
    expect(await bundle.pauseMs()).toBe(20_000);
    expect(await bundle.read()).toMatchObject({ state: 'open', failures: 6 });
  });

  it('takes what a person asks for as the trial at once, but not beside another one', async () => {
    await using bundle = open();
    await bundle.fail();
    const asked = { isRequested: true };
    expect(await bundle.breakers.ask(host, poll('person', asked))).toEqual({
      isGranted: true,
      isTrial: true,
      failures: 5,
    });
    expect(await bundle.breakers.ask(host, poll('other', asked))).toMatchObject({
      isGranted: false,
      state: 'half_open',
    });
  });

  it('has another trial at once when the one before was delayed, its own again when it was killed, and another when its lease is over', async () => {
    await using bundle = open();
    const { breakers } = bundle;
    await bundle.fail();
    await bundle.endPause();
    await breakers.ask(host, poll('a'));
    expect(await breakers.tell(host, 'a', { kind: 'neither' })).toBe('half_open');
    expect(await breakers.ask(host, poll('b'))).toMatchObject({ isTrial: true });
    // Killed: the same job runs again somewhere else.
    expect(await breakers.ask(host, poll('b'))).toMatchObject({ isTrial: true });
    expect(await breakers.ask(host, poll('c'))).toMatchObject({ isGranted: false });
    await bundle.redis.hset(bundle.key, 'lease', '1');
    expect(await breakers.ask(host, poll('c'))).toMatchObject({ isTrial: true });
    // The one whose lease was over says nothing of the trial that runs.
    await breakers.tell(host, 'b', unanswered());
    expect(await breakers.ask(host, poll('d'))).toMatchObject({ isGranted: false, state: 'half_open' });
  });

  it('is gone a while after the last failure, and is nobody else’s', async () => {
    await using bundle = open();
    await bundle.fail();
    expect(await bundle.redis.pttl(bundle.key)).toBeGreaterThan(3_600_000);
    const all = await bundle.breakers.readMany([host, 'other:443', host]);
    expect([...all.keys()]).toEqual([host]);
    expect(await bundle.breakers.ask('other:443', poll('a'))).toEqual({
      isGranted: true,
      isTrial: false,
      failures: 0,
    });
    expect((await bundle.breakers.readMany([])).size).toBe(0);
  });
});
