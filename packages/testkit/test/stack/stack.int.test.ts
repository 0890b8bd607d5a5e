import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { isPortFree, pickPort } from '../../src/stack/ports.ts';
import { startStack } from '../../src/stack/stack.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const say = (): void => {};

describe('startStack', () => {
  it('takes the addresses that are given, and starts and stops nothing', async () => {
    await using directory = await temporaryDirectory();
    const env = { REDIS_URL: inject('redisUrl'), KAFKA_BROKERS: inject('kafkaBrokers').join(',') };
    const stack = await startStack({ dataDir: directory.path, say, env });
    expect(stack).toMatchObject({
      redisUrl: env.REDIS_URL,
      kafkaBrokers: inject('kafkaBrokers'),
      facts: [expect.stringContaining('given by REDIS_URL'), expect.stringContaining('given by KAFKA_BROKERS')],
    });
    await expect(startStack({ dataDir: directory.path, say, env })).rejects.toMatchObject({ code: 'in_use' });
    await stack.stop();
    await stack.stop();
    await (await startStack({ dataDir: directory.path, say, env })).stop();
  });

  it('starts local servers, stops them with the signal, and forgets all when it is ephemeral', async () => {
    await using directory = await temporaryDirectory();
    const dataDir = join(directory.path, 'data');
    const ending = new AbortController();
    const env = { ...process.env, STREAM_STACK: 'local', REDIS_URL: '', KAFKA_BROKERS: '' };
    const stack = await startStack({ dataDir, say, env, ephemeral: true, signal: ending.signal });
    expect(await readdir(dataDir)).toEqual(expect.arrayContaining(['kafka', 'redis']));
    ending.abort(new Error('asked to stop'));
    await stack.stop();
    expect(existsSync(dataDir)).toBe(false);
  });

  it('refuses with one message when nothing can be had', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'empty');
    await mkdir(path);
    const start = startStack({
      dataDir: join(directory.path, 'data'),
      cacheDir: join(directory.path, 'cache'),
      say,
      env: { PATH: path, STREAM_STACK: 'local' },
    });
    await expect(start).rejects.toMatchObject({ code: 'unavailable', exitCode: 2 });
    await expect(start).rejects.toThrow(/^Redis and Kafka cannot be had[\s\S]*STREAM_STACK=local[\s\S]*no python3/);
    expect(await readdir(join(directory.path, 'data'))).toEqual([]);
  });

  it('tells of both addresses when neither answers', async () => {
    await using directory = await temporaryDirectory();
    const [redisPort, kafkaPort] = [
      await pickPort([], new Set(), isPortFree),
      await pickPort([], new Set(), isPortFree),
    ];
    const env = { REDIS_URL: `redis://127.0.0.1:${redisPort}`, KAFKA_BROKERS: `127.0.0.1:${kafkaPort}` };
    const start = startStack({ dataDir: directory.path, say, env, reachTimeoutMs: 500 });
    await expect(start).rejects.toThrow(/^Redis at .* does not answer[^]*\nKafka at .* does not answer/);
  });

  it('stops what it has started when the other server cannot be had', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'empty');
    await mkdir(path);
    const start = startStack({
      dataDir: directory.path,
      cacheDir: join(directory.path, 'cache'),
      say,
      env: { PATH: path, STREAM_STACK: 'local', REDIS_URL: inject('redisUrl') },
    });
    await expect(start).rejects.toThrow(/^Kafka cannot be had/);
  });
});
