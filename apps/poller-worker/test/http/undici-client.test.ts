import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { after } from '@stream-manager/shared/ops/after';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { createHostShares } from '../../src/http/host-share.ts';
import { HttpStatusError } from '../../src/http/http-status-error.ts';
import type { ExchangeFacts } from '../../src/http/send.ts';
import { createHttpClient } from '../../src/http/undici-client.ts';
import { resolvedSource } from '../sources/resolved-source.ts';
import { createOpenRateLimit } from './open-rate-limit.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const key = 'a secret/key+1';

interface SetupOptions {
  readonly timeoutSeconds?: number;
  readonly maxResponseBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxWaitMs?: number;
}

const setup = async (
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  options: SetupOptions = {},
) => {
  const server: TestServer = await startTestServer(handle);
  const source = resolvedSource({
    type: 'noaa-alerts',
    baseUrl: server.origin,
    timeoutSeconds: options.timeoutSeconds ?? 10,
    headers: options.headers ?? {},
    params: { area: 'CA' },
  });
  const rateLimit = createOpenRateLimit();
  const facts: ExchangeFacts[] = [];
  const clients = createHttpClient({
    rateLimit,
    hostShares: createHostShares({ after }, { concurrency: 32 }),
    maxResponseBytes: options.maxResponseBytes ?? 100_000,
    userAgent: 'StreamManager/0 (+test)',
    onExchange: (fact) => facts.push(fact),
    ...(options.maxWaitMs === undefined ? {} : { maxWaitMs: options.maxWaitMs }),
  });
  const stop = new AbortController();
  const http = clients.forPoll({ source, signal: stop.signal });
  const get = (path: string, credential = key) =>
    http.fetch({ url: new URL(path, server.origin), accept: 'application/json', credential });
  return {
    server,
    rateLimit,
    facts,
    stop,
    get,
    read: async (path: string) => (await get(path)).text(),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await clients.close();
    },
  };
};

const errorOf = async (attempt: Promise<unknown>): Promise<StreamManagerError> => {
  try {
    await attempt;
  } catch (error) {
    expect(error).toBeInstanceOf(StreamManagerError);
    return error as StreamManagerError;
  }
  throw new Error('it did not fail');
};

/** Everything of an error that could reach a log. */
const everythingOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.message} ${error.stack} ${JSON.stringify(error)} ${everythingOf(error.cause)}`
    : String(error);

describe('what goes out', () => {
  it('always says who asks, what is accepted, and that it may be compressed', async () => {
    await using test = await setup((_request, response) => response.end('{}'));
    await test.read('/');
    expect(test.server.arrivals[0]?.headers).toMatchObject({
      'user-agent': 'StreamManager/0 (+test)',
      accept: 'application/json',
      'accept-encoding': expect.stringContaining('gzip, br'),
    });
  });

  it("carries the operator's headers, which win over ours in any spelling, unless they are empty", async () => {
    await using test = await setup((_request, response) => response.end('{}'), {
      headers: { 'USER-agent': 'mine', 'X-Extra': 'more', Accept: '' },
    });
    await test.read('/');
    expect(test.server.arrivals[0]?.headers).toMatchObject({
      'user-agent': 'mine',
      'x-extra': 'more',
      accept: 'application/json',
    });
  });
});

describe('bodies', () => {
  const text = JSON.stringify({ word: 'é'.repeat(20_000), numbers: Array.from({ length: 2000 }, (_, at) => at * at) });
  const half = (archive: Buffer): Buffer => archive.subarray(0, Math.floor(archive.length / 2));
  it.each([
    { name: 'plain', encoding: undefined, body: Buffer.from(text) },
    { name: 'gzip', encoding: 'gzip', body: gzipSync(text) },
    { name: 'brotli', encoding: 'br', body: brotliCompressSync(text) },
    { name: 'deflate', encoding: 'deflate', body: deflateSync(text) },
    { name: 'gzip inside brotli', encoding: 'gzip, br', body: brotliCompressSync(gzipSync(text)) },
    { name: 'with a byte order mark', encoding: undefined, body: Buffer.from(`\uFEFF${text}`) },
  ])('are read: $name', async ({ encoding, body }) => {
    await using test = await setup((_request, response) => {
      if (encoding !== undefined) response.setHeader('content-encoding', encoding);
      response.end(body);
    });
    const response = await test.get('/');
    expect(await response.json()).toEqual(JSON.parse(text));
    expect(response.status).toBe(200);
    expect(test.facts).toMatchObject([{ sourceId: 'a-source', status: 200 }]);
    expect(test.rateLimit.settled).toEqual(['ticket-1']);
  });

  it.each([
    { name: 'no byte', headers: {} },
    { name: 'no byte that says it is compressed', headers: { 'content-encoding': 'gzip' } },
  ])('may be empty: $name', async ({ headers }) => {
    await using test = await setup((_request, response) => response.writeHead(200, headers).end());
    expect(await test.read('/')).toBe('');
  });

  it('are read once', async () => {
    await using test = await setup((_request, response) => response.end('x'));
    const response = await test.get('/');
    await response.text();
    await expect(response.text()).rejects.toThrow('was read already');
  });

  it.each([
    {
      name: 'shorter than announced',
      send: (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('half', () => response.destroy());
      },
    },
    {
      name: 'chunked without an end',
      send: (response: ServerResponse) => void response.write('half', () => response.destroy()),
    },
  ])('fail as fetch_network when cut off: $name', async ({ send }) => {
    await using test = await setup((_request, response) => send(response));
    expect((await errorOf(test.read('/'))).code).toBe('fetch_network');
    expect(test.facts).toHaveLength(1);
  });

  // The provider did answer: its breaker must not open for it.
  it.each([
    {
      name: 'a truncated gzip',
      send: (response: ServerResponse) => {
        response.setHeader('content-encoding', 'gzip');
        response.end(half(gzipSync(text)));
      },
    },
    {
      name: 'a truncated brotli',
      send: (response: ServerResponse) => {
        response.setHeader('content-encoding', 'br');
        response.end(half(brotliCompressSync(text)));
      },
    },
    {
      name: 'a gzip that is none',
      send: (response: ServerResponse) => {
        response.setHeader('content-encoding', 'gzip');
        response.end('no gzip at all');
      },
    },
    {
      name: 'a brotli that is none',
      send: (response: ServerResponse) => {
        response.setHeader('content-encoding', 'br');
        response.end('no brotli at all');
      },
    },
    {
      name: 'a zstd that is none',
      send: (response: ServerResponse) => {
        response.setHeader('content-encoding', 'zstd');
        response.end('no zstd at all, of whatever level');
      },
    },
  ])('are unreadable when they cannot be unpacked: $name', async ({ send }) => {
    await using test = await setup((_request, response) => send(response));
    expect((await errorOf(test.read('/'))).code).toBe('response_unreadable');
    expect(test.facts).toHaveLength(1);
  });

  it('are not taken for whole when they say that they are a part', async () => {
    await using test = await setup((_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-3/9' }).end('a\n1\n');
    });
    const error = await errorOf(test.read('/'));
    expect(error.code).toBe('fetch_status');
    expect(error.message).toContain('a part of what was asked for');
    expect(test.facts).toHaveLength(1);
  });

  it('are bounded after decompression, so that a small archive cannot fill the memory', async () => {
    await using test = await setup(
      (_request, response) => {
        response.setHeader('content-encoding', 'gzip');
        response.end(gzipSync(Buffer.alloc(50_000_000)));
      },
      { maxResponseBytes: 200_000 },
    );
    const error = await errorOf(test.read('/'));
    expect(error.code).toBe('response_too_large');
    expect(error.message).toContain('polling.maxResponseBytes (200000)');
  });

  it('are refused before they are read when they announce too much', async () => {
    await using test = await setup((_request, response) => {
      response.writeHead(200, { 'content-length': '100001' });
      response.flushHeaders();
    });
    expect((await errorOf(test.get('/'))).code).toBe('response_too_large');
  });

  it('exactly as large as allowed are read', async () => {
    await using test = await setup((_request, response) => response.end('x'.repeat(1000)), { maxResponseBytes: 1000 });
    expect(await test.read('/')).toHaveLength(1000);
  });

  it('compressed in a way that we do not know are unreadable', async () => {
    await using test = await setup((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'lzma' }).end('x'),
    );
    expect((await errorOf(test.get('/'))).code).toBe('response_unreadable');
  });

  it('that are no JSON say so with their beginning, without the secret in them', async () => {
    await using test = await setup((_request, response) => response.end(`<html>\n  no <b>${key}</b> for you</html>`));
    const error = await errorOf((await test.get('/')).json());
    expect(error.code).toBe('response_unreadable');
    expect(error.message).toContain('<html> no <b>***</b> for you</html>');
    expect(everythingOf(error)).not.toContain(key);
  });
});

describe('time', () => {
  it('gives up when the answer does not begin', async () => {
    await using test = await setup(() => {}, { timeoutSeconds: 0.1 });
    const error = await errorOf(test.get('/'));
    expect(error.code).toBe('fetch_timeout');
    expect(error.message).toContain('did not answer within 0.1 s');
    expect(test.facts).toMatchObject([{ status: null }]);
    expect(test.rateLimit.settled).toEqual(['ticket-1']);
  });

  it('gives up when the body falls silent', async () => {
    await using test = await setup((_request, response) => void response.write('a beginning'), { timeoutSeconds: 0.1 });
    const error = await errorOf(test.read('/'));
    expect(error.code).toBe('fetch_timeout');
    expect(error.message).toContain('fell silent');
  });

  it('bears an answer that is slower than the timeout in all, but never silent for so long', async () => {
    await using test = await setup(
      (_request, response) => {
        let pieces = 0;
        const timer = setInterval(() => {
          pieces += 1;
          if (pieces < 8) response.write('piece');
          else response.end(() => clearInterval(timer));
        }, 60);
      },
      { timeoutSeconds: 0.3 },
    );
    expect(await test.read('/')).toBe('piece'.repeat(7));
  });

  it('does not bear an answer that trickles for ever', async () => {
    await using test = await setup(
      (_request, response) => {
        const timer = setInterval(() => response.write('.'), 20);
        response.on('close', () => clearInterval(timer));
      },
      { timeoutSeconds: 0.1 },
    );
    const error = await errorOf(test.read('/'));
    expect(error.code).toBe('fetch_timeout');
    expect(error.message).toContain('did not end within 1 s');
  });

  it('does not count the time that the reader takes', async () => {
    await using test = await setup((_request, response) => response.end('x'.repeat(90_000)), { timeoutSeconds: 0.1 });
    const response = await test.get('/');
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size === chunk.length) await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(size).toBe(90_000);
  });
});

describe('stopping', () => {
  it('ends a request that waits for its answer', async () => {
    await using test = await setup(() => {});
    const pending = errorOf(test.get('/'));
    await waitUntil('the request has arrived', () => test.server.arrivals.length === 1);
    test.stop.abort(new Error('the process stops'));
    expect((await pending).code).toBe('stopped');
  });

  it('ends a body that is being read', async () => {
    await using test = await setup((_request, response) => void response.write('a beginning'));
    const response = await test.get('/');
    const pending = errorOf(response.text());
    test.stop.abort();
    expect((await pending).code).toBe('stopped');
  });

  it('sends nothing after it', async () => {
    await using test = await setup((_request, response) => response.end());
    test.stop.abort();
    expect((await errorOf(test.get('/'))).code).toBe('stopped');
    expect(test.server.arrivals).toEqual([]);
  });

  it('ends a wait for the rate limit', async () => {
    await using test = await setup((_request, response) => response.end(), { maxWaitMs: 60_000 });
    test.rateLimit.refusals.push({ granted: false, waitMs: 59_000, reason: 'used_up' });
    const pending = errorOf(test.get('/'));
    await waitUntil('the limit was asked', () => test.rateLimit.asked.length === 1);
    test.stop.abort();
    expect((await pending).code).toBe('stopped');
    expect(test.server.arrivals).toEqual([]);
  });
});

describe('statuses', () => {
  it.each([
    { status: 400, code: 'fetch_status' },
    { status: 401, code: 'credentials_refused' },
    { status: 403, code: 'credentials_refused' },
    { status: 404, code: 'fetch_status' },
    { status: 429, code: 'rate_limited' },
    { status: 500, code: 'fetch_status' },
    { status: 503, code: 'fetch_status' },
  ] as const)('$status is $code, with the beginning of the body', async ({ status, code }) => {
    await using test = await setup((_request, response) =>
      response.writeHead(status).end('because\u001b[31m\nof reasons'),
    );
    const error = await errorOf(test.get('/path'));
    expect(error).toBeInstanceOf(HttpStatusError);
    expect(error).toMatchObject({ code, status, excerpt: 'because [31m of reasons', retryAfterMs: null });
    expect(error.message).toBe(`${test.server.origin}/path answered ${status}: because [31m of reasons`);
    expect(test.rateLimit.closed).toEqual([]);
  });

  it('shows at most 200 characters of a body of any size, and does not read on', async () => {
    await using test = await setup((_request, response) => {
      response.writeHead(500);
      response.write('sorry '.repeat(5000));
    });
    const error = await errorOf(test.get('/'));
    expect(error).toMatchObject({ code: 'fetch_status' });
    expect((error as HttpStatusError).excerpt).toHaveLength(200);
  });

  it.each([
    { name: 'seconds', headers: { 'retry-after': '7' }, waitMs: 7000 },
    {
      name: 'a date, by the clock of the provider',
      headers: { date: 'Sat, 04 Jan 2025 09:00:00 GMT', 'retry-after': 'Sat, 04 Jan 2025 09:01:30 GMT' },
      waitMs: 90_000,
    },
  ])('429 with Retry-After in $name closes the target for the fleet', async ({ headers, waitMs }) => {
    await using test = await setup((_request, response) => response.writeHead(429, headers).end());
    expect(await errorOf(test.get('/'))).toMatchObject({ code: 'rate_limited', retryAfterMs: waitMs });
    expect(test.rateLimit.closed).toEqual([{ target: test.rateLimit.asked[0], waitMs }]);
  });

  it('503 with Retry-After closes the target as well, and is no limit to the poll', async () => {
    await using test = await setup((_request, response) => response.writeHead(503, { 'retry-after': '3' }).end());
    expect(await errorOf(test.get('/'))).toMatchObject({ code: 'fetch_status', retryAfterMs: 3000 });
    expect(test.rateLimit.closed).toEqual([{ target: test.rateLimit.asked[0], waitMs: 3000 }]);
  });

  it.each([
    { name: 'nothing is left', status: 200, left: '0', waitMs: 30_000 },
    { name: 'nothing is left, for a long time', status: 200, left: '0', reset: '90000', waitMs: 3_600_000 },
    { name: 'something is left', status: 200, left: '1', waitMs: null },
    { name: 'a 429 says until when', status: 429, left: undefined, reset: '7200', waitMs: 7_200_000 },
    { name: 'a 429 says it in both ways: Retry-After wins', status: 429, left: '0', retryAfter: '5', waitMs: 5_000 },
  ])('of any kind close the target by X-RateLimit headers when $name', async (given) => {
    const { status, left, reset = '30', retryAfter, waitMs } = given;
    await using test = await setup((_request, response) => {
      if (left !== undefined) response.setHeader('X-RateLimit-Remaining', left);
      if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
      response.writeHead(status, { 'X-RateLimit-Reset': reset }).end('{}');
    });
    // Whatever becomes of the answer itself.
    await test.read('/').catch((error: unknown) => error);
    expect(test.rateLimit.closed).toEqual(waitMs === null ? [] : [{ target: test.rateLimit.asked[0], waitMs }]);
  });

  it('a 429 without Retry-After tells the poll when the limit begins anew', async () => {
    await using test = await setup((_request, response) =>
      response.writeHead(429, { 'X-RateLimit-Reset': '7200' }).end(),
    );
    expect(await errorOf(test.get('/'))).toMatchObject({ code: 'rate_limited', retryAfterMs: 7_200_000 });
  });

  it('of an answer are kept although the others cannot be told of the pause', async () => {
    const headers = { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' };
    await using test = await setup((_request, response) => response.writeHead(200, headers).end('{}'));
    test.rateLimit.close = async () => {
      throw new Error('no Redis');
    };
    expect(await test.read('/')).toBe('{}');
  });
});

describe('redirects', () => {
  it('are followed inside the origin, each under the rate limit', async () => {
    await using test = await setup((request, response) => {
      if (request.url === '/old') response.writeHead(301, { location: '/new?x=1' }).end('moved');
      else response.end('here');
    });
    expect(await test.read('/old')).toBe('here');
    expect(test.server.arrivals.map(({ path }) => path)).toEqual(['/old', '/new?x=1']);
    expect(test.rateLimit.asked).toHaveLength(2);
    expect(test.rateLimit.settled).toHaveLength(2);
  });

  it.each([
    { name: 'to what is no web', status: 302, location: 'ftp://127.0.0.1/x' },
    { name: 'with a user', status: 307, location: 'USER' },
    { name: 'to no address', status: 308, location: 'http://' },
    { name: 'nowhere', status: 301, location: undefined },
    { name: 'of a kind that is none for us', status: 300, location: '/x' },
    { name: 'that says "not modified" to what was no question', status: 304, location: undefined },
  ])('are refused $name', async ({ status, location }) => {
    await using test = await setup((request, response) => {
      const to = location === 'USER' ? `http://user:pw@${request.headers.host}/x` : location;
      response.writeHead(status, to === undefined ? {} : { location: to }).end();
    });
    expect((await errorOf(test.get('/'))).code).toBe('fetch_redirect');
    expect(test.server.arrivals).toHaveLength(1);
  });

  it('end after five', async () => {
    await using test = await setup((_request, response) => response.writeHead(302, { location: '/again' }).end());
    expect((await errorOf(test.get('/'))).code).toBe('fetch_redirect');
    expect(test.server.arrivals).toHaveLength(6);
  });
});

describe('the network', () => {
  it('fails as fetch_network when nobody listens', async () => {
    await using test = await setup(() => {});
    await test.server[Symbol.asyncDispose]();
    const error = await errorOf(test.get('/'));
    expect(error.code).toBe('fetch_network');
    expect(error.message).toContain('ECONNREFUSED');
    expect(test.rateLimit.settled).toEqual(['ticket-1']);
  });

  it('fails as fetch_network when the connection is closed without an answer', async () => {
    await using test = await setup((request) => request.socket.destroy());
    expect((await errorOf(test.get('/'))).code).toBe('fetch_network');
  });

  it('fails as fetch_network when the answer is no HTTP', async () => {
    await using test = await setup((request) => request.socket.end(`no http: ${key}\r\n\r\n`));
    const error = await errorOf(test.get('/'));
    expect(error.code).toBe('fetch_network');
    expect(everythingOf(error)).not.toContain(key);
  });
});

describe('the rate limit', () => {
  it('is waited for when the wait is short', async () => {
    await using test = await setup((_request, response) => response.end('done'));
    test.rateLimit.refusals.push({ granted: false, waitMs: 5, reason: 'used_up' });
    expect(await test.read('/')).toBe('done');
    expect(test.rateLimit.asked).toHaveLength(2);
  });

  it.each([
    { reason: 'used_up' as const, says: 'limit of 60 requests per minute' },
    { reason: 'closed' as const, says: 'the provider asked for a pause' },
  ])('sends the poll away with the exact wait when it is long ($reason)', async ({ reason, says }) => {
    await using test = await setup((_request, response) => response.end());
    test.rateLimit.refusals.push({ granted: false, waitMs: 34_567, reason });
    const error = await errorOf(test.get('/'));
    expect(error).toMatchObject({ code: 'budget_exhausted', retryAfterMs: 34_567 });
    expect(error.message).toContain(says);
    expect(test.server.arrivals).toEqual([]);
  });
});

describe('secrets', () => {
  const encoded = encodeURIComponent(key);
  it.each([
    {
      name: 'a status',
      handle: (_: IncomingMessage, response: ServerResponse) =>
        void response.writeHead(500).end(`key ${key} ${encoded}`),
    },
    {
      name: 'a redirect that carries it to another host',
      handle: (_: IncomingMessage, response: ServerResponse) =>
        void response.writeHead(302, { location: `http://x.example/${encoded}` }).end(),
    },
    { name: 'a closed connection', handle: (request: IncomingMessage) => void request.socket.destroy() },
    { name: 'silence', handle: () => {} },
  ])('are not in any error: $name', async ({ handle }) => {
    await using test = await setup(handle, {
      timeoutSeconds: 0.2,
      headers: { Authorization: 'Bearer operators-token' },
    });
    const error = await errorOf(test.get(`/api/${encoded}/data?key=${encoded}`));
    const shown = everythingOf(error);
    expect(shown).toContain('/api/***/data?key=***');
    for (const secret of [key, encoded, encoded.toLowerCase(), 'operators-token']) expect(shown).not.toContain(secret);
  });

  it("of the operator's headers are cut from what a provider echoes", async () => {
    await using test = await setup((request, response) => response.writeHead(400).end(request.headers.authorization), {
      headers: { Authorization: 'Bearer operators-token' },
    });
    expect((await errorOf(test.get('/'))).message).not.toContain('operators-token');
  });

  it('are not half shown where a long body was cut', async () => {
    const secret = 'S3CRET'.repeat(20);
    await using test = await setup((_request, response) => void response.writeHead(500).write(secret.repeat(1000)));
    const error = await errorOf(test.get('/', secret));
    expect(everythingOf(error)).not.toContain('S3CRET');
  });
});
