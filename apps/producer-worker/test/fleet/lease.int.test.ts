import { randomUUID } from 'node:crypto';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { createLease } from '../../src/fleet/lease.ts';
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

describe('createLease', () => {
  it('is held by one, who may renew it, until it is let go', async () => {
    await using bundle = setup(60_000);
    const [one, other] = [bundle.lease('one'), bundle.lease('other')];
    expect([await one.hold(), await other.hold(), await one.hold()]).toEqual([true, false, true]);
    await other.release();
    expect(await other.hold()).toBe(false);
    await one.release();
    expect(await other.hold()).toBe(true);
    expect(await one.hold()).toBe(false);
  });

  it('is renewed for its whole time', async () => {
    await using bundle = setup(60_000);
    const one = bundle.lease('one');
    await one.hold();
    await bundle.redis.pexpire(bundle.key, 1_000);
    await one.hold();
    expect(await bundle.redis.pttl(bundle.key)).toBeGreaterThan(50_000);
  });

  it('passes to another when its holder is gone', async () => {
    await using bundle = setup(50);
    const [one, other] = [bundle.lease('one'), bundle.lease('other')];
    await one.hold();
    await waitUntil('the lease to run out', () => other.hold());
    expect(await bundle.redis.get(bundle.key)).toBe('other');
  });
});
