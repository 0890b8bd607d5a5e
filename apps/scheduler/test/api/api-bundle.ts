// The API over real Redis, from outside: requests in, JSON out.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { configSchema } from '@stream-manager/shared/config/schema';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createHealth } from '@stream-manager/shared/ops/health';
import { createBackfillStore } from '@stream-manager/shared/queues/backfill-store';
import { createBackfills } from '@stream-manager/shared/queues/backfills';
import {
  deadLetterQueueAddress,
  openQueue,
  pollQueueAddress,
  recordsQueueAddress,
} from '@stream-manager/shared/queues/bullmq';
import { createCursorStore } from '@stream-manager/shared/queues/cursor-store';
import { createFailedLetters } from '@stream-manager/shared/queues/dead-letters/failed-letters';
import { createLetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { createRedisProviderBreakers } from '@stream-manager/shared/queues/redis-provider-breakers';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { createSourceStateStore } from '@stream-manager/shared/queues/source-state';
import { createTapListener } from '@stream-manager/shared/queues/tap-listener';
import express from 'express';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { createDeadLetters } from '../../src/api/dead-letters/dead-letters.ts';
import { createApi } from '../../src/api/routes.ts';
import { createStreams } from '../../src/api/streams.ts';
import { createTaps } from '../../src/api/tap-route.ts';
import { readPollDelays } from '../../src/schedules/poll-delays.ts';

/** The entry of both sources. */
export const source = { type: 'noaa-alerts', topic: 'alerts', params: { area: 'CA' } };

/** Opens the API over the sources `alerts` and `off`, and the retired `gone` and `drained`; `await using` closes it. */
export const openApi = async (settings: { readonly delivery?: unknown; readonly sources?: object } = {}) => {
  const keyPrefix = `api-${randomUUID().slice(0, 8)}`;
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const config = configSchema.parse({
    ...settings,
    sources: { alerts: source, off: { ...source, enabled: false }, ...settings.sources },
  });
  const open = (address: ReturnType<typeof pollQueueAddress>) => openQueue(address, redis, () => {});
  const poll = open(pollQueueAddress(keyPrefix));
  // Removed from the config, and known to the fleet still.
  const retired = new Map([
    ['gone', { type: 'noaa-alerts', mode: 'real-time', topic: 'alerts' }],
    ['drained', { type: 'noaa-alerts', mode: 'real-time' }],
  ]);
  const ids = [...Object.keys(config.sources), ...retired.keys()];
  const records = new Map(ids.map((id) => [id, open(recordsQueueAddress(keyPrefix, id))]));
  const letters = new Map(ids.map((id) => [id, open(deadLetterQueueAddress(keyPrefix, id))]));
  const store = createRedisChunkStore({ redis, keyPrefix });
  const states = createSourceStateStore(redis, keyPrefix);
  const throttle = createRedisThrottleStore({ redis, keyPrefix });
  const cursors = createCursorStore(redis, keyPrefix);
  const providers = createRedisProviderBreakers(redis, keyPrefix);
  const stocks = createLetterStocks(redis, keyPrefix);
  const discarded: Record<string, number> = {};
  let changes = 0;
  const streams = createStreams(
    {
      store,
      states,
      throttle,
      cursors,
      providers,
      readBreaker: async () => 'closed',
      stocks,
      readPollDelays: (sourceIds) => readPollDelays(redis, poll, sourceIds),
      queues: { poll, records: (id) => records.get(id)! },
      onChange: () => (changes += 1),
      now: Date.now,
    },
    config,
    retired,
  );
  const app = express();
  const lines: string[] = [];
  const logger = createLogger({
    role: 'test',
    instance: 'test',
    level: 'info',
    destination: { write: (line) => void lines.push(line) },
  });
  const backfillStore = createBackfillStore(redis, keyPrefix);
  const taps = createTaps({
    streams,
    listener: createTapListener({ redis, logger }, { keyPrefix }),
    user: 'ann',
    logger,
  });
  app.use(
    '/api',
    createApi({
      streams,
      deadLetters: createDeadLetters(
        {
          redis,
          queue: (id) => letters.get(id)!,
          letters: createFailedLetters(redis, keyPrefix),
          onDiscarded: (id, count) => (discarded[id] = (discarded[id] ?? 0) + count),
        },
        { keyPrefix, sources: ids },
      ),
      cursors,
      backfills: createBackfills({ store: backfillStore, queue: poll, now: Date.now }),
      taps: taps.router,
      fleetMetrics: { readFleet: async () => [], own: { id: 'own', host: 'here' }, readOwn: async () => '' },
      user: 'ann',
      configVersion: 'abc',
      health: createHealth(),
      readFleet: async () => [],
      topics: () => ({ problem: null, differences: {} }),
      logger,
      now: Date.now,
    }),
  );
  const server = createServer(app);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/api`;
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : {
            headers: { 'content-type': 'application/json' },
            body: typeof body === 'string' ? body : JSON.stringify(body),
          }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return {
    call,
    url,
    taps,
    backfillStore,
    logged: (): readonly unknown[] => lines.map((line) => JSON.parse(line)),
    redis,
    keyPrefix,
    stocks,
    discarded,
    streams,
    states,
    throttle,
    cursors,
    providers,
    store,
    records,
    letters,
    poll,
    changes: () => changes,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await Promise.all([poll, ...records.values(), ...letters.values()].map((queue) => queue.close()));
      for await (const keys of redis.scanStream({ match: `${keyPrefix}:*` }) as AsyncIterable<string[]>)
        if (keys.length > 0) await redis.unlink(...keys);
      redis.disconnect();
    },
  };
};
