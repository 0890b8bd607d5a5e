import { randomBytes } from 'node:crypto';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { createSessionLeases } from '../../../src/intake/mqtt/session-leases.ts';

const openLeases = async () => {
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const redis = createRedis(inject('redisUrl'), { name: 'test', logger });
  await redis.connect();
  const prefix = `test-${randomBytes(6).toString('hex')}:{x}`;
  const keys = { members: `${prefix}:members`, leases: `${prefix}:leases` };
  return {
    worker: (instance: string, leaseMs = 60_000) => createSessionLeases(redis, { ...keys, instance, leaseMs }),
    [Symbol.asyncDispose]: async () => {
      await redis.unlink(keys.members, keys.leases);
      redis.disconnect();
    },
  };
};

const sessions = [0, 1, 2, 3, 4];

describe('the sessions of a source', () => {
  it('are all of the one worker that is there, and shared fairly with those that come', async () => {
    await using leases = await openLeases();
    const [a, b, c] = [leases.worker('a'), leases.worker('b'), leases.worker('c')];
    expect(await a.renew(sessions)).toEqual({ held: sessions, share: 5 });
    // Nothing is taken from one who holds it.
    expect(await b.renew(sessions)).toEqual({ held: [], share: 2 });
    expect(await a.renew(sessions)).toEqual({ held: sessions, share: 3 });
    await a.release([3, 4], false);
    expect(await b.renew(sessions)).toEqual({ held: [3, 4], share: 2 });
    await c.renew(sessions);
    const shares = await Promise.all([a, b, c].map((one) => one.renew(sessions)));
    expect(shares.map(({ share }) => share)).toEqual([2, 2, 1]);
  });

  it('of a worker that leaves are free at once, those of one that was killed when its leases are over', async () => {
    await using leases = await openLeases();
    const [a, b] = [leases.worker('a'), leases.worker('b', 300)];
    await b.renew(sessions);
    expect(await a.renew(sessions)).toMatchObject({ held: [] });
    await waitUntil('the leases to be over', async () => (await a.renew(sessions)).held.length === 5, {
      timeoutMs: 30_000,
    });
    await a.release(sessions, true);
    expect(await b.renew(sessions)).toEqual({ held: sessions, share: 5 });
  });
});
