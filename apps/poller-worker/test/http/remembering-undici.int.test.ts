// The memory around the real client, against a real HTTP server and a real Redis, the provider's own log being the proof.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { after } from '@stream-manager/shared/ops/after';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { createHostShares } from '../../src/http/host-share.ts';
import type { HttpRequest } from '../../src/http/http-client.ts';
import { createRateLimit } from '../../src/http/rate-limit.ts';
import { createHttpClient, type HttpClients } from '../../src/http/undici-client.ts';
import { createMemory, pollingSource, pollWith } from './memory-bundle.ts';
import { startTestServer } from './test-server.ts';

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
afterAll(() => redis.quit());

const setup = async (handle: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server = await startTestServer(handle);
  const memory = createMemory(redis);
  const opened: HttpClients[] = [];
  return {
    server,
    memory,
    request: { url: new URL('/rows', server.origin), accept: '*/*', credential: 'a-key' } satisfies HttpRequest,
    source: (id: string, entry = {}) =>
      pollingSource(id, { baseUrl: server.origin, rateLimitPerMinute: 60_000, ...entry }),
    process: (options: { readonly maxWaitMs?: number } = {}): HttpClients => {
      const clients = createHttpClient({
        rateLimit: createRateLimit({ redis, keyPrefix: memory.keyPrefix }),
        hostShares: createHostShares({ after }, { concurrency: 32 }),
        maxResponseBytes: 64 * 1024 * 1024,
        userAgent: 'StreamManager/0 (+test)',
      });
      const made = memory.process(clients, options);
      opened.push(made);
      return made;
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await Promise.all(opened.map((clients) => clients.close()));
    },
  };
};

/** What is not in use any more is not to be measured. */
const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  // The flag makes it a global of contexts that begin after it.
  return runInNewContext('gc') as () => void;
})();

const rows = Array.from({ length: 70_000 }, (_, id) => ({ id, text: 'a reading of some length, so that it is large' }));

describe('over HTTP', () => {
  it('ten askers over three processes are one request', async () => {
    let answer = (): void => {};
    await using test = await setup((_request, response) => {
      answer = () => response.end('[1]');
    });
    const processes = [1, 2, 3].map(() => test.process({ maxWaitMs: 60_000 }));
    const polls = Array.from({ length: 10 }, async (_, at) =>
      (await pollWith(processes[at % 3]!, test.source(`source-${at}`)).fetch(test.request)).json(),
    );
    await waitUntil('the one request', () => test.server.arrivals.length === 1, { timeoutMs: 30_000 });
    answer();
    expect(await Promise.all(polls)).toEqual(Array.from({ length: 10 }, () => [1]));
    expect(test.server.arrivals).toHaveLength(1);
  });

  it('a provider that names its answers is asked conditionally, and its 304 costs neither bytes nor budget', async () => {
    let etag = 'W/"1"';
    await using test = await setup((request, response) => {
      response.setHeader('etag', etag).setHeader('content-encoding', 'gzip');
      if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
      else response.end(gzipSync(`["${etag.slice(3, -1)}"]`));
    });
    const source = test.source('a', { cacheTtlSeconds: 0, dailyBudget: 3 });
    const clients = test.process();
    const poll = async (): Promise<unknown> => {
      const http = pollWith(clients, source);
      const response = await http.fetch(test.request);
      if (response.unchanged !== null) return response.unchanged;
      const value = await response.json();
      await http.useUp([response.receipt()].filter((receipt) => receipt !== null));
      return value;
    };
    const ends = [await poll(), await poll(), await poll()];
    etag = 'W/"2"';
    for (let at = 0; at < 10; at += 1) ends.push(await poll());
    expect(ends).toEqual([
      ['1'],
      'not_modified',
      'not_modified',
      ['2'],
      ...Array.from({ length: 9 }, () => 'not_modified'),
    ]);
    expect(test.server.arrivals).toHaveLength(13);
  });

  it('a 304 that nobody asked for is an error', async () => {
    await using test = await setup((_request, response) => response.writeHead(304).end());
    const poll = pollWith(test.process(), test.source('a'));
    await expect(poll.fetch(test.request)).rejects.toMatchObject({
      code: 'fetch_redirect',
      message: expect.stringContaining('answered 304'),
    });
  });

  it('a large answer comes whole out of the cache, and its JSON is parsed off the event loop as well', async () => {
    const text = JSON.stringify({ rows });
    expect(text.length).toBeGreaterThan(4 * 1024 * 1024);
    await using test = await setup((_request, response) => response.end(text));
    const clients = test.process();
    for (const id of ['a', 'b']) {
      const response = await pollWith(clients, test.source(id)).fetch(test.request);
      expect(await response.json()).toEqual({ rows });
      expect(response.receipt()).not.toBeNull();
    }
    expect(test.server.arrivals).toHaveLength(1);
  });

  it('an answer of 60 MiB is not kept in memory by the cache', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'a row that is as long as a row\n');
    await using test = await setup((_request, response) => {
      Readable.from(Array.from({ length: 60 }, () => piece)).pipe(response);
    });
    const response = await pollWith(test.process(), test.source('a')).fetch(test.request);
    let bytes = 0;
    let most = 0;
    let measured = 0;
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    for await (const each of response.body) {
      bytes += each.length;
      if (bytes - measured < piece.length) continue;
      measured = bytes;
      collectGarbage();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(bytes).toBe(60 * 1024 * 1024);
    expect(most).toBeLessThan(10 * 1024 * 1024);
    expect(response.receipt()).not.toBeNull();
  });

  it('a poll whose process is killed while it fetches is taken over from', async () => {
    let isSilent = true;
    await using test = await setup((_request, response) => {
      response.write('[');
      if (!isSilent) response.end('1]');
    });
    const killed = new AbortController();
    const first = await test
      .process()
      .forPoll({ source: test.source('a'), signal: killed.signal })
      .fetch(test.request);
    // Nobody reads on, and nobody says so: the lead lapses by itself.
    isSilent = false;
    const other = test.process({ maxWaitMs: 60_000 });
    expect(await (await pollWith(other, test.source('b')).fetch(test.request)).json()).toEqual([1]);
    expect(test.server.arrivals).toHaveLength(2);
    killed.abort();
    await expect(first.text()).rejects.toMatchObject({ code: 'stopped' });
  });
});
