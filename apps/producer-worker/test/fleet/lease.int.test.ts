import { randomUUID } from 'node:crypto';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { createLease, type Lease } from '../../src/fleet/lease.ts';
import { silent } from '../chunks.ts';

const setup = (ttlMs: number) => {
  const redis = createRedis(inject('redisUrl'), { name: 'lease-test', logger: silent });
  const key = `lease-${randomUUID()}`;
  return {
    redis,
    key,
    lease: (holder: string) => createLease(redis, { key, holder, ttlMs }),
    [Symbol.asyncDispose]: async () => {
      await redis.unlink(key);
      redis.disconnect();
    },
  };
};

const isHeld = async (lease: Lease): Promise<boolean> => (await lease.hold()).isHeld;

describe('createLease', () => {
  it('is held by one, who may renew it, until it is let go', async () => {
    await using bundle = setup(60_000);
    const [one, other] = [bundle.lease('one'), bundle.lease('other')];
    expect([await isHeld(one), await isHeld(other), await isHeld(one)]).toEqual([true, false, true]);
    await other.release();
    expect(await isHeld(other)).toBe(false);
    await one.release();
    expect(await isHeld(other)).toBe(true);
    expect(await isHeld(one)).toBe(false);
  });

  it('is taken by one of many who try at the same time', async () => {
    await using bundle = setup(60_000);
    const holds = await Promise.all(Array.from({ length: 20 }, (_, n) => isHeld(bundle.lease(`holder-${n}`))));
    expect(holds.filter(Boolean)).toHaveLength(1);
  });

  it('is renewed for its whole time', async () => {
    await using bundle = setup(60_000);
    const one = bundle.lease('one');
    await one.hold();
    await bundle.redis.pexpire(bundle.key, 1_000);
    await one.hold();
    expect(await bundle.redis.pttl(bundle.key)).toBeGreaterThan(50_000);
  });

  it('tells who does not get it when it ends', async () => {
    await using bundle = setup(60_000);
    await bundle.lease('one').hold();
    await bundle.redis.pexpire(bundle.key, 40_000);
    const hold = await bundle.lease('other').hold();
    const freeInMs = hold.isHeld ? -1 : hold.freeInMs;
    expect(freeInMs).toBeGreaterThan(0);
    expect(freeInMs).toBeLessThanOrEqual(40_000);
  });

  it('gets its end again when somebody took that away', async () => {
    await using bundle = setup(60_000);
    await bundle.lease('one').hold();
    await bundle.redis.persist(bundle.key);
    expect(await bundle.lease('other').hold()).toEqual({ isHeld: false, freeInMs: 60_000 });
    expect(await bundle.redis.pttl(bundle.key)).toBeGreaterThan(0);
  });

  it('passes to another when its holder is gone', async () => {
    await using bundle = setup(50);
    const [one, other] = [bundle.lease('one'), bundle.lease('other')];
    await one.hold();
    await waitUntil('the lease to run out', () => isHeld(other));
    expect(await bundle.redis.get(bundle.key)).toBe('other');
  });
});
