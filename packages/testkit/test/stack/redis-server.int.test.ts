import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { isPortFree } from '../../src/stack/ports.ts';
import { startRedisServer } from '../../src/stack/redis-server.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const withClient = async <T>(url: string, act: (redis: Redis) => Promise<T>): Promise<T> => {
  const redis = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0, commandTimeout: 2_000 });
  redis.on('error', () => {}); // the command rejects with it
  try {
    return await act(redis);
  } finally {
    redis.disconnect();
  }
};

describe('startRedisServer', () => {
  it('keeps what it acknowledged through a kill and a stop, on the same port', async () => {
    await using directory = await temporaryDirectory();
    const server = await startRedisServer({ dir: directory.path });
    const firstPid = server.pid;
    await withClient(server.url, async (redis) => {
      await redis.set('kept', 'yes');
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    });

    await server.kill('SIGKILL');
    await expect(withClient(server.url, async (redis) => redis.get('kept'))).rejects.toThrow(/closed|ECONNREFUSED/);
    await server.start();
    expect(server.pid).not.toBe(firstPid);
    expect(await withClient(server.url, async (redis) => redis.get('kept'))).toBe('yes');

    await server.stop();
    await server.stop();
    expect(await isPortFree(server.port)).toBe(true);
    const again = await startRedisServer({ dir: directory.path });
    expect(again.port).toBe(server.port);
    expect(await withClient(again.url, async (redis) => redis.get('kept'))).toBe('yes');
    await again.stop();
  });

  it('freezes and thaws', async () => {
    await using directory = await temporaryDirectory();
    const server = await startRedisServer({ dir: directory.path, args: ['--maxmemory', '64mb'] });
    await server.kill('SIGSTOP');
    await expect(withClient(server.url, async (redis) => redis.ping())).rejects.toThrow(/timed out/);
    await server.kill('SIGCONT');
    expect(await withClient(server.url, async (redis) => redis.config('GET', 'maxmemory'))).toEqual([
      'maxmemory',
      String(64 * 1_048_576),
    ]);
    await server.stop();
  });

  it('refuses a directory in which another serves, and a second start', async () => {
    await using directory = await temporaryDirectory();
    const server = await startRedisServer({ dir: directory.path });
    await expect(startRedisServer({ dir: directory.path })).rejects.toMatchObject({ code: 'in_use' });
    await expect(server.start()).rejects.toThrow('runs already');
    await server.stop();
  });

  it('tells the end of the log when the server does not start, and gives the directory free', async () => {
    await using directory = await temporaryDirectory();
    const start = startRedisServer({ dir: directory.path, args: ['--no-such-option', '1'] });
    await expect(start).rejects.toThrow(/redis in .* does not start[\s\S]*no-such-option/);
    const server = await startRedisServer({ dir: directory.path });
    await server.stop();
  });

  it('says when it ends by itself', async () => {
    await using directory = await temporaryDirectory();
    const said: string[] = [];
    const server = await startRedisServer({ dir: directory.path, say: (line) => said.push(line) });
    process.kill(server.pid, 'SIGKILL');
    const line = await waitUntil('a line', () => said.find((line) => line.includes('ended by itself')));
    expect(line).toMatch(new RegExp(`^redis: process ${server.pid} ended by itself with 137; see `));
    await server.stop();
  });

  it('ends a start when the signal aborts', async () => {
    await using directory = await temporaryDirectory();
    const reason = new Error('asked to stop');
    const start = startRedisServer({ dir: join(directory.path, 'redis'), signal: AbortSignal.abort(reason) });
    await expect(start).rejects.toBe(reason);
  });
});
