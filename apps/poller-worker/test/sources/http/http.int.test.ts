// Sources of type http in a whole poller: what an API served lies in Redis once, whatever cut polls off on the way, and a
// correction lies there beside what it corrects.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ProviderOptions, type Providers, startProviders } from '@stream-manager/testkit/providers/server';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { composePollerWorker } from '../../../src/compose.ts';
import { openPollerBundle, type PollerBundle, sourceId } from '../../poller-bundle.ts';

const startAt = Date.parse('2025-07-04T18:00:00Z');

const setup = async (entry: (providers: Providers) => object, options: ProviderOptions = {}) => {
  const providers = await startProviders({ startAt, static: true, ...options });
  const more = { sources: { [sourceId]: { rateLimitPerMinute: 6000, cacheTtlSeconds: 0, ...entry(providers) } } };
  const poller = await openPollerBundle({}, more);
  return {
    providers,
    poller,
    [Symbol.asyncDispose]: async () => {
      await poller[Symbol.asyncDispose]();
      await providers.stop();
    },
  };
};

/** A poller process that polls once and is then stopped. */
const pollOnce = async (poller: PollerBundle, scheduledFor: number): Promise<unknown> => {
  const worker = composePollerWorker(poller.context());
  await worker.start(new AbortController().signal);
  try {
    return await poller.pollOnce(scheduledFor);
  } finally {
    await worker.stop();
  }
};

/** All that lies in Redis under a prefix, as one text. */
const everythingIn = async (redis: Redis, prefix: string): Promise<string> => {
  const found: string[] = [];
  for (const key of await redis.keys(`${prefix}*`)) {
    found.push(key);
    const type = await redis.type(key);
    if (type === 'string') found.push((await redis.getBuffer(key))?.toString('latin1') ?? '');
    else if (type === 'hash') found.push(JSON.stringify(await redis.hgetall(key)));
    else if (type === 'zset') found.push(...(await redis.zrange(key, 0, -1)));
    else if (type === 'list') found.push(...(await redis.lrange(key, 0, -1)));
    else if (type === 'stream') found.push(JSON.stringify(await redis.xrange(key, '-', '+')));
  }
  return found.join('\n');
};

/** An API with its key in the path, whose links hold it, too, and whose second page fails with it. */
const keyInPath = async (key: string) => {
  const server = createServer(({ url = '' }, response) => {
    if (url.includes('page=2')) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`no such thing as ${key}`);
      return;
    }
    const rows = [
      { id: 1, t: startAt / 1000 },
      { id: 2, t: 'no time' },
    ];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ rows, next: `${url}?page=2&again=${key}` }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // Listening on a port, it has one.
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const readings = ({ urls }: Providers) => ({
  type: 'http',
  baseUrl: urls.unknown,
  params: {
    request: { path: '/readings/json/cursor', query: { order: 'newest' } },
    records: 'data.items',
    id: 'id',
    time: 'taken_at',
    timeFormat: 'unix_s',
    pagination: { kind: 'cursor', path: 'meta.next', parameter: 'cursor' },
    cursor: { max: 'id', parameter: 'after' },
  },
});

describe('a source of type http', () => {
  it('is read once over all its pages, and its cursor moves when they were read', async () => {
    const faults = {
      readings: { next: ['none', 'cut-length', 'none', 'html', 'none', 'empty', 'none', 'wrong-type'] },
    } as const;
    await using test = await setup(readings, { faults });
    const { poller, providers } = test;
    for (let tick = 1; tick <= 8; tick += 1) {
      await pollOnce(poller, startAt + tick * 1000);
      const cursor = await poller.cursors.read(sourceId);
      const stored = await poller.stored();
      // As long as pages are missing, the largest number of those that came first is not kept.
      expect(cursor?.value ?? null).toBe(
        stored.length < 120 ? null : Math.max(...stored.map(({ data }) => Number(data['id']))),
      );
      if (stored.length === 120) break;
    }
    const stored = await poller.stored();
    expect(stored).toHaveLength(120);
    expect(new Set(stored.map(({ id }) => id)).size).toBe(120);
    expect(new Set(stored.map(({ data }) => data['id']))).toEqual(
      new Set(providers.ledger.served().map(({ data }) => data['readingNumber'])),
    );
    // Each page was asked for until it came, and then not again.
    const answered = providers.requests().filter(({ fault }) => fault === 'none' || fault === 'wrong-type');
    const pages = answered.map(({ path }) => new URL(path, providers.url).searchParams.get('cursor'));
    expect(new Set(pages).size).toBe(5);
  });

  it('publishes the correction of an earthquake beside what it corrects', async () => {
    let now = startAt;
    const usgs = ({ urls }: Providers) => ({
      type: 'http',
      baseUrl: urls.usgs,
      params: {
        request: { path: '/earthquakes/feed/v1.0/summary/all_hour.geojson' },
        format: 'geojson',
        id: 'id',
        time: 'properties.time',
        timeFormat: 'unix_ms',
      },
    });
    await using test = await setup(usgs, {
      static: false,
      now: () => now,
      earthquakes: { backlog: 10, intervalSeconds: 300 },
    });
    const { poller } = test;
    await pollOnce(poller, startAt);
    const first = await poller.stored();
    await pollOnce(poller, startAt + 1000);
    expect(await poller.stored()).toHaveLength(first.length);
    now += 15 * 60_000;
    await pollOnce(poller, startAt + 2000);
    const all = await poller.stored();
    const before = new Map(first.map((envelope) => [envelope.id, envelope.data]));
    const corrections = all.slice(first.length).filter(({ id }) => before.has(id));
    expect(corrections.length).toBeGreaterThan(0);
    for (const { id, data } of corrections) {
      expect(data['status']).toBe('reviewed');
      expect(data['updated']).toBeGreaterThan(Number(before.get(id)?.['updated']));
    }
  });

  it('leaves nothing in Redis of a key from the environment, wherever it stands in the request', async () => {
    const key = 'a-key-that-no-name-tells-of';
    await using server = await keyInPath(key);
    const params = {
      request: { path: `/v1/${key}/rows` },
      records: 'rows',
      id: 'id',
      time: 't',
      timeFormat: 'unix_s',
      pagination: { kind: 'link', path: 'next' },
    };
    await using test = await setup(() => ({ type: 'http', baseUrl: server.baseUrl, params }));
    const { poller } = test;
    const worker = composePollerWorker({ ...poller.context(), variables: [key] });
    await worker.start(new AbortController().signal);
    try {
      await poller.pollOnce(startAt);
    } finally {
      await worker.stop();
    }
    expect(await poller.stored()).toHaveLength(1);
    const text = await everythingIn(poller.redis, poller.config.redis.keyPrefix);
    // The place in the pages lies there, without the key.
    expect(text).toMatch(/page=2/);
    expect(text).not.toContain(key);
  });
});
