import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { fleetKeys } from '../../src/queues/keys.ts';
import { registerSources } from '../../src/queues/known-sources.ts';
import { startOwnRedis } from './own-redis.ts';

const source = (changes: Readonly<Record<string, unknown>> = {}) => ({
  type: 'purpleair',
  params: { apiKey: 'topsecret-key', bbox: [-124, 32, -114, 42], fields: ['pm2.5'] },
  headers: { 'X-Token': 'topsecret-token' },
  ...changes,
});
const config = (sources: Readonly<Record<string, unknown>>) => configSchema.parse({ sources });

const setup = async (url: string = inject('redisUrl')) => {
  const keyPrefix = `known-${randomUUID().slice(0, 8)}`;
  const redis = new Redis(url);
  const warnings: unknown[] = [];
  const logger = { warn: (...args: readonly unknown[]) => void warnings.push(args) };
  return {
    redis,
    key: fleetKeys(keyPrefix).sources,
    warnings,
    register: (sources: Readonly<Record<string, unknown>>) =>
      registerSources({ redis, logger }, keyPrefix, config(sources)),
    [Symbol.asyncDispose]: async () => {
      await redis.unlink(fleetKeys(keyPrefix).sources);
      redis.disconnect();
    },
  };
};

describe('registering sources', () => {
  it('gives those of earlier configs that the present one does not have', async () => {
    await using fleet = await setup();
    expect(await fleet.register({ air: source({ topic: 'air-topic' }), pm: source() })).toEqual(new Map());
    expect(await fleet.register({ pm: source() })).toEqual(
      new Map([['air', { type: 'purpleair', mode: 'real-time', topic: 'air-topic' }]]),
    );
    expect([...(await fleet.register({})).keys()].sort()).toEqual(['air', 'pm']);
    expect(await fleet.register({ air: source(), pm: source() })).toEqual(new Map());
    expect(fleet.warnings).toEqual([]);
  });

  it('keeps the topic that a source had last', async () => {
    await using fleet = await setup();
    await fleet.register({ air: source({ topic: 'old' }) });
    await fleet.register({ air: source({ topic: 'new' }) });
    expect((await fleet.register({})).get('air')?.topic).toBe('new');
  });

  it('writes no secret', async () => {
    await using fleet = await setup();
    await fleet.register({ air: source({ topic: 'air-topic' }) });
    expect(await fleet.redis.hgetall(fleet.key)).toEqual({
      air: '{"type":"purpleair","mode":"real-time","topic":"air-topic"}',
    });
  });

  it('passes over an unreadable entry with a warning', async () => {
    await using fleet = await setup();
    await fleet.redis.hset(fleet.key, { broken: '{', good: '{"type":"http","mode":"batch"}' });
    expect(await fleet.register({})).toEqual(new Map([['good', { type: 'http', mode: 'batch' }]]));
    expect(fleet.warnings).toEqual([[expect.objectContaining({ sourceId: 'broken' }), expect.any(String)]]);
  });

  it('lets a process start on a full Redis, with a warning', async () => {
    await using server = await startOwnRedis('--maxmemory', '1', '--maxmemory-policy', 'noeviction');
    await using fleet = await setup(server.url);
    expect(await fleet.register({ air: source() })).toEqual(new Map());
    expect(fleet.warnings).toEqual([[expect.objectContaining({ sources: 1 }), expect.any(String)]]);
  });
});
