// A Redis of its own for tests that fill it, restart it or run it as a cluster.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedisServer } from '@stream-manager/testkit/stack/redis-server';

/** Starts a server in a directory of its own; `await using` stops it and removes the directory. */
export const startOwnRedis = async (...args: readonly string[]): Promise<RedisServer & AsyncDisposable> => {
  const dir = await mkdtemp(join(tmpdir(), 'chunk-store-redis-'));
  const server = await startRedisServer({ dir, args });
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  });
};
