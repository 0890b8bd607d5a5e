// The scheduler as it is composed, behind its login, on real Redis and Kafka.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { configSchema } from '@stream-manager/shared/config/schema';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { createFacts } from '@stream-manager/shared/ops/facts';
import { createHealth } from '@stream-manager/shared/ops/health';
import { createInstance } from '@stream-manager/shared/ops/heartbeat';
import { deadLetterQueueAddress, openQueue } from '@stream-manager/shared/queues/bullmq';
import { createRedis } from '@stream-manager/shared/queues/redis';
import express from 'express';
import { describe, expect, inject, it } from 'vitest';
import { composeScheduler } from '../src/compose.ts';

const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });

const setup = async () => {
  const keyPrefix = `scheduler-${randomUUID().slice(0, 8)}`;
  const config = configSchema.parse({
    redis: { url: inject('redisUrl'), keyPrefix },
    kafka: { brokers: inject('kafkaBrokers') },
    sources: { off: { type: 'noaa-alerts', enabled: false, params: { area: 'CA' } } },
  });
  const redis = createRedis(config.redis.url, { name: keyPrefix, logger });
  const letters = openQueue(deadLetterQueueAddress(keyPrefix, 'gone'), redis, () => {});
  await letters.add('dead-letter', {}, { jobId: 'letter-1' });
  const retired = { type: 'noaa-alerts', mode: 'real-time' };
  const scheduler = composeScheduler({
    config,
    retired: new Map([
      ['gone', retired],
      ['drained', retired],
    ]),
    configVersion: 'test',
    env: { DASHBOARD_PASSWORD: 'test-password' },
    instance: createInstance('scheduler', '0.0.0'),
    logger,
    metrics: createMetrics(),
    health: createHealth(),
    facts: createFacts(),
    redisMemory: { high: async () => null, took: () => {}, stop: () => {} },
    redis,
  });
  const app = express();
  if (scheduler.routes !== undefined) app.use(scheduler.routes);
  const server = createServer(app);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const authorization = `Basic ${Buffer.from('admin:test-password').toString('base64')}`;
  return {
    scheduler,
    get: (path: string) => fetch(`${origin}${path}`, { headers: { authorization } }),
    [Symbol.asyncDispose]: async () => {
      await scheduler.stop();
      server.closeAllConnections();
      server.close();
      await letters.close();
      for await (const keys of redis.scanStream({ match: `${keyPrefix}:*` }) as AsyncIterable<string[]>)
        if (keys.length > 0) await redis.unlink(...keys);
      redis.disconnect();
    },
  };
};

describe('the scheduler', () => {
  it('has the queues of the config on its dashboard, and those of removed sources that hold something', async () => {
    await using part = await setup();
    expect((await part.get('/admin/queues/api/queues')).status).toBe(503);
    await part.scheduler.start(new AbortController().signal);
    const answer = (await (await part.get('/admin/queues/api/queues')).json()) as {
      readonly queues: readonly { readonly name: string }[];
    };
    expect(answer.queues.map(({ name }) => name).sort()).toEqual([
      'dead-letter.gone',
      'dead-letter.off',
      'poll',
      'records.gone',
      'records.off',
    ]);
  });
});
