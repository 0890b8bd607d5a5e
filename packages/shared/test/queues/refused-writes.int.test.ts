// ioredis resolves a pipeline whose commands Redis refused: nobody may take that for written.
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFacts } from '../../src/ops/facts.ts';
import { createHeartbeat, createInstance, readFleet } from '../../src/ops/heartbeat.ts';
import { startOwnRedis } from './own-redis.ts';

let server: Awaited<ReturnType<typeof startOwnRedis>>;
let redis: Redis;
beforeAll(async () => {
  server = await startOwnRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

const setFull = (isFull: boolean) => redis.config('SET', 'maxmemory', isFull ? '1' : '0');

describe('a Redis that refuses writes', () => {
  it('does not keep a process from starting, and its missing heartbeat is told', async () => {
    const lines: string[] = [];
    const logger = pino(
      { level: 'info' },
      { write: (line: string) => void lines.push(String(JSON.parse(line).error)) },
    );
    const instance = createInstance('test', '0.0.0');
    const heartbeat = createHeartbeat(
      { facts: createFacts(), redis, logger },
      { keyPrefix: 'beat', instance, port: 1, address: '127.0.0.1', configVersion: '000000000000' },
    );
    await setFull(true);
    await heartbeat.start(new AbortController().signal);
    expect(lines).toEqual([expect.stringContaining('OOM')]);
    expect(await readFleet(redis, 'beat')).toEqual([]);
    await setFull(false);
    await waitUntil('the next beat', async () => (await readFleet(redis, 'beat')).length === 1, { timeoutMs: 15_000 });
    await waitUntil('the line that says so', () => lines.length === 2);
    await heartbeat.stop();
    expect(await readFleet(redis, 'beat')).toEqual([]);
  });
});
