import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { createCommitMemory, readCommits } from '../../src/queues/commit-memory.ts';
import { fleetKeys } from '../../src/queues/keys.ts';
import { startOwnRedis } from './own-redis.ts';

const commits = [
  { group: 'a group with spaces', topic: 'fires', committed: String(2n ** 62n), movedAt: 1_777_636_800_000 },
  { group: 'g', topic: 'alerts', committed: '0', movedAt: 1 },
];

describe('the memory of when commits moved', () => {
  it('gives back what was kept last, for two days', async () => {
    const redis = new Redis(inject('redisUrl'));
    const keyPrefix = `commits-${randomUUID().slice(0, 8)}`;
    const memory = createCommitMemory({ redis, keyPrefix });
    expect(await memory.load()).toEqual([]);
    await memory.save([]);
    await memory.save(commits);
    expect(await memory.load()).toEqual(commits);
    const left = await redis.ttl(fleetKeys(keyPrefix).commits);
    expect(left).toBeGreaterThan(172_000);
    expect(left).toBeLessThanOrEqual(172_800);
    await redis.unlink(fleetKeys(keyPrefix).commits);
    redis.disconnect();
  });

  it('is kept in a Redis at maxmemory too', async () => {
    await using server = await startOwnRedis('--maxmemory', '1');
    const redis = new Redis(server.url);
    const memory = createCommitMemory({ redis, keyPrefix: 'full' });
    await expect(redis.set('probe', 'x')).rejects.toThrow('OOM');
    await memory.save(commits);
    expect(await memory.load()).toEqual(commits);
    redis.disconnect();
  });

  it.each([
    { name: 'nothing', json: null },
    { name: 'what is no JSON', json: '{' },
    { name: 'what is no list', json: '{"g":1}' },
    {
      name: 'rows of another form',
      json: '[1,[],["g"],["g","t",5,6],["g","t","-5",6],["g","t","5","6"],["g","t","x",6]]',
    },
  ])('reads $name as an empty one', ({ json }) => {
    expect(readCommits(json)).toEqual([]);
  });
});
