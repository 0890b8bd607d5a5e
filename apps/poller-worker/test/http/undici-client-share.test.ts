// A request holds its host's share of the slots from its leave until nothing of it goes on any more, however it ends.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import { after } from '@stream-manager/shared/ops/after';
import type { Priority } from '@stream-manager/shared/records/priority';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { createHostShares } from '../../src/http/host-share.ts';
import type { HttpClient } from '../../src/http/http-client.ts';
import { createHttpClient } from '../../src/http/undici-client.ts';
import { resolvedSource } from '../sources/resolved-source.ts';
import { createOpenRateLimit } from './open-rate-limit.ts';
import { startTestServer } from './test-server.ts';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** A client whose share of a host is one poll, and nobody waits. `/quick` is answered at once, and `/hold` never. */
const setup = async (handle: Handle) => {
  const server = await startTestServer((request, response) => {
    if (request.url === '/quick') response.end('quick');
    else if (request.url !== '/hold') handle(request, response);
  });
  const rateLimit = createOpenRateLimit();
  const shares = createHostShares({ after }, { concurrency: 2 });
  const urgent: boolean[] = [];
  const clients = createHttpClient({
    rateLimit,
    hostShares: {
      forPoll: (poll) => {
        urgent.push(poll.isUrgent);
        return shares.forPoll(poll);
      },
    },
    maxResponseBytes: 1_000,
    userAgent: 'test',
  });
  const source = resolvedSource({
    type: 'noaa-alerts',
    baseUrl: server.origin,
    timeoutSeconds: 0.2,
    params: { area: 'CA' },
  });
  const stop = new AbortController();
  const end = new AbortController();
  const get = (http: HttpClient, path: string) =>
    http.fetch({ url: new URL(path, server.origin), accept: '*/*', credential: null });
  const http = clients.forPoll({ source, signal: stop.signal });
  return {
    server,
    rateLimit,
    stop,
    get: (path = '/') => get(http, path),
    /** A poll that holds the share until the end. */
    hold: () => get(clients.forPoll({ source: { ...source, timeoutMs: 60_000 }, signal: end.signal }), '/hold'),
    end,
    /** Whether each poll so far was urgent. */
    urgent,
    pollOf: (priority: Priority) => void clients.forPoll({ source: { ...source, priority }, signal: end.signal }),
    /** What another poll of the host comes to. */
    other: async (): Promise<string> => {
      const another = clients.forPoll({ source, signal: new AbortController().signal });
      return get(another, '/quick').then(
        (response) => response.text(),
        (error: { readonly code: string }) => error.code,
      );
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await clients.close();
    },
  };
};

type Test = Awaited<ReturnType<typeof setup>>;

describe('a request', () => {
  it('has its share of the host until its answer was read to the end', async () => {
    let finish = (): void => {};
    await using test = await setup((_request, response) => {
      response.write('one ');
      finish = () => void response.end('two');
    });
    const pending = test.get();
    await waitUntil('the request to arrive', () => test.server.arrivals.length === 1);
    expect(await test.other()).toBe('host_busy');
    const response = await pending;
    expect(await test.other()).toBe('host_busy');
    // Nothing was asked of the limit by those who were refused.
    expect(test.rateLimit.asked).toHaveLength(1);
    finish();
    expect(await response.text()).toBe('one two');
    expect(await test.other()).toBe('quick');
  });

  it('is urgent if its source is critical', async () => {
    await using test = await setup(() => {});
    const before = test.urgent.length;
    for (const priority of ['critical', 'high', 'normal', 'low'] as const) test.pollOf(priority);
    expect(test.urgent.slice(before)).toEqual([true, false, false, false]);
  });

  it('does not hold it while it waits for the rate limit', async () => {
    await using test = await setup((_request, response) => response.end('late'));
    test.rateLimit.refusals.push({ granted: false, waitMs: 200, reason: 'used_up' });
    const pending = test.get();
    await waitUntil('the limit to be asked', () => test.rateLimit.asked.length === 1);
    expect(await test.other()).toBe('quick');
    expect(await (await pending).text()).toBe('late');
  });

  it.each<{ name: string; ends?: string; handle?: Handle; run?: (test: Test) => Promise<unknown> }>([
    { name: 'the answer is read', handle: (_request, response) => response.end('{}') },
    { name: 'it is no JSON', handle: (_request, response) => response.end('text'), ends: 'response_unreadable' },
    {
      name: 'it is too large',
      handle: (_request, response) => response.end('x'.repeat(2_000)),
      ends: 'response_too_large',
    },
    {
      name: 'it is compressed as nobody can read it',
      handle: (_request, response) => response.setHeader('content-encoding', 'rot13').end('x'),
      ends: 'response_unreadable',
    },
    { name: 'nothing comes', handle: () => {}, ends: 'fetch_timeout' },
    { name: 'it falls silent', handle: (_request, response) => void response.write('x'), ends: 'fetch_timeout' },
    { name: 'the connection is cut', handle: (request) => void request.socket.destroy(), ends: 'fetch_network' },
    {
      name: 'an error is answered',
      handle: (_request, response) => response.writeHead(500).end('no'),
      ends: 'fetch_status',
    },
    {
      name: 'an error is answered without an end',
      handle: (_request, response) => void response.writeHead(500).write('no'),
      ends: 'fetch_status',
    },
    {
      name: 'a 429 cannot be told to the others',
      handle: (_request, response) => response.writeHead(429, { 'retry-after': '5' }).end('no'),
      run: async (test) => {
        test.rateLimit.close = async () => {
          throw new Error('no Redis');
        };
        await test.get();
      },
      ends: 'no Redis',
    },
    {
      name: 'it is redirected elsewhere',
      handle: (_request, response) => response.writeHead(302, { location: 'http://me@x.example/' }).end(),
      ends: 'fetch_redirect',
    },
    {
      name: 'it is redirected in a circle',
      handle: (_request, response) => response.writeHead(302, { location: '/' }).end(),
      ends: 'fetch_redirect',
    },
    {
      name: 'the limit is used up',
      run: async (test) => {
        test.rateLimit.refusals.push({ granted: false, waitMs: 30_000, reason: 'used_up' });
        await test.get();
      },
      ends: 'budget_exhausted',
    },
    {
      name: 'the limit cannot be read',
      run: async (test) => {
        test.rateLimit.acquire = async () => {
          test.rateLimit.acquire = async () => ({ granted: true, ticket: 'ticket' });
          throw new Error('no Redis');
        };
        await test.get();
      },
      ends: 'no Redis',
    },
    {
      name: 'the poll is stopped before the answer',
      handle: () => {},
      run: async (test) => {
        const pending = test.get();
        await waitUntil('the request to arrive', () => test.server.arrivals.length === 1);
        test.stop.abort();
        await pending;
      },
      ends: 'stopped',
    },
    {
      name: 'the poll is stopped and nobody reads the answer',
      handle: (_request, response) => void response.write('x'),
      run: async (test) => {
        await test.get();
        test.stop.abort();
      },
    },
    {
      name: 'nobody reads the answer, after ten times its timeout',
      handle: (_request, response) => void response.write('x'),
      run: async (test) => {
        await test.get();
        await waitUntil('it to be given up', async () => (await test.other()) !== 'host_busy');
      },
    },
  ])('gives it back when $name', async ({ handle = (_request, response) => response.end(), ends = 'well', run }) => {
    await using test = await setup(handle);
    const read = async (): Promise<unknown> => (await test.get()).json();
    const ended = await (run ?? read)(test).then(
      () => 'well',
      (error: unknown) => codeOf(error) ?? messageOf(error),
    );
    expect(ended).toBe(ends);
    expect(await test.other()).toBe('quick');
    // Only once: the share is one poll still.
    const held = test.hold();
    await waitUntil('it to be held', () => test.server.arrivals.at(-1)?.path === '/hold');
    expect(await test.other()).toBe('host_busy');
    test.end.abort();
    await expect(held).rejects.toMatchObject({ code: 'stopped' });
  });
});
