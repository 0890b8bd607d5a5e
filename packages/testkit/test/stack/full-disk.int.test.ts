import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { limitFileSize, survivingFullDisk } from '../../src/stack/full-disk.ts';
import { cacheDirOf } from '../../src/stack/places.ts';
import { localRedisProgram, startRedisServer } from '../../src/stack/redis-server.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { temporaryDirectory } from './temporary-directory.ts';

it.runIf(process.platform === 'linux')('refuses writes while its disk is full, and takes them again', async () => {
  await using directory = await temporaryDirectory();
  const env = { ...process.env, REDIS_URL: undefined };
  const found = await localRedisProgram({ env, cacheDir: cacheDirOf(env), say: () => {}, signal: undefined });
  const program = await survivingFullDisk(found, directory.path);
  const server = await startRedisServer({ dir: `${directory.path}/redis`, env, program });
  const redis = new Redis(server.url);
  await redis.set('before', '1');
  await limitFileSize(server.pid, 1);
  const refused = async (): Promise<boolean> =>
    redis.set('meanwhile', 'x'.repeat(1_000)).then(
      () => false,
      (error: Error) => error.message.startsWith('MISCONF'),
    );
  expect(await waitUntil('a refusal', refused, { timeoutMs: 30_000 })).toBe(true);
  await limitFileSize(server.pid, null);
  await waitUntil('a write', async () => (await redis.set('after', '1')) === 'OK', { timeoutMs: 30_000 });
  redis.disconnect();
  await server.stop();
});
