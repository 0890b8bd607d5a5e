import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/observability/logger.ts';
import { checkRedis, createRedis } from '../../src/queues/redis.ts';
import { startOwnRedis } from './own-redis.ts';

const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });

const check = async (url: string, options: { readonly allowUnsafe?: boolean; readonly deadlineMs?: number } = {}) => {
  const redis = createRedis(url, { name: 'check', logger });
  try {
    return await checkRedis(redis, {
      url,
      allowUnsafe: options.allowUnsafe ?? false,
      signal: new AbortController().signal,
      ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    });
  } finally {
    redis.disconnect();
  }
};

describe('the check of a real Redis at start', () => {
  it('passes a safe one', async () => {
    await using server = await startOwnRedis();
    expect(await check(server.url)).toEqual([]);
  });

  it('refuses one that evicts or keeps no file, unless that is allowed', async () => {
    await using server = await startOwnRedis('--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no');
    await expect(check(server.url)).rejects.toMatchObject({
      code: 'redis_unsafe',
      message: /noeviction.*appendonly yes/s,
    });
    expect(await check(server.url, { allowUnsafe: true })).toHaveLength(2);
  });

  it.each([
    { name: 'no password', user: '' },
    { name: 'a wrong password', user: ':wrong-password@' },
  ])('says at once what to do about $name, and never shows it', async ({ user }) => {
    await using server = await startOwnRedis();
    const owner = new Redis(server.url);
    await owner.config('SET', 'requirepass', 'right-password');
    owner.disconnect();
    const url = server.url.replace('redis://', `redis://${user}`);
    const error = await check(url).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'redis_refused', message: /REDIS_URL/ });
    expect(String(error)).not.toContain('wrong-password');
  });

  it('waits for one that does not answer, then names its address and what to do', async () => {
    const error = await check('redis://user:a-password@127.0.0.1:1', { deadlineMs: 300 }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'redis_unreachable', message: /127\.0\.0\.1:1 .*REDIS_URL/ });
    expect(String(error)).not.toContain('a-password');
  });
});
