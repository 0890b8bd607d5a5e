// Nothing of what says who asks reaches Redis, whatever a provider does with it: an answer that tells a secret back, in its
// body, its ETag or a link, is used and not kept.
import { after } from '@stream-manager/shared/ops/after';
import { Redis } from 'ioredis';
import { afterAll, expect, inject, it } from 'vitest';
import { createHostShares } from '../../src/http/host-share.ts';
import { createRateLimit } from '../../src/http/rate-limit.ts';
import { createHttpClient } from '../../src/http/undici-client.ts';
import { errorOf, everythingOf } from './client-bundle.ts';
import { createMemory, pollingSource, pollWith } from './memory-bundle.ts';
import { startTestServer } from './test-server.ts';

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
afterAll(() => redis.quit());

/** Every key of a prefix with everything in it, as bytes in latin1. */
const dumpOf = async (prefix: string): Promise<string> => {
  const parts: string[] = [];
  for (const key of await redis.keys(`${prefix}*`)) {
    const type = await redis.type(key);
    const value =
      type === 'hash'
        ? Object.entries(await redis.hgetallBuffer(key)).flatMap(([name, bytes]) => [name, bytes.toString('latin1')])
        : type === 'zset'
          ? await redis.zrange(key, 0, -1)
          : [(await redis.getBuffer(key))?.toString('latin1') ?? ''];
    parts.push(key, ...value);
  }
  return parts.join('\n');
};

const secret = 'Geheim-3f9a77c1';
const inBase64 = Buffer.from(`someone:${secret}`).toString('base64');

it.each([
  { name: 'a key in a header', auth: { type: 'header', name: 'X-Key', value: secret } },
  { name: 'a key in the query', auth: { type: 'query', name: 'key', value: secret } },
  { name: 'user and password', auth: { type: 'basic', username: 'someone', password: secret } },
  { name: 'a token', auth: { type: 'bearer', token: secret } },
  { name: 'a token of OAuth2', auth: { type: 'oauth2', clientId: 'client', clientSecret: 'another-secret' } },
  { name: 'a header of the operator', headers: { 'x-own': secret } },
  { name: 'a key in the path', credential: secret, path: `/area/${secret}/rows` },
  { name: 'a secret in the ETag', auth: { type: 'bearer', token: secret }, inHeader: 'etag' },
  { name: 'a secret in a link', auth: { type: 'query', name: 'key', value: secret }, inHeader: 'link' },
])(
  '$name is told back and not kept',
  async ({ auth, headers = {}, credential = null, path = '/rows', inHeader = '' }) => {
    await using server = await startTestServer((request, response) => {
      if (request.url === '/token') {
        response.end(JSON.stringify({ access_token: secret, expires_in: 3600 }));
        return;
      }
      if (request.url?.includes('as=text')) response.end(`who asks: ${JSON.stringify([request.url, request.headers])}`);
      else if (inHeader !== '')
        response.setHeader(inHeader, `"${request.headers.authorization}" <${request.url}&page=2>; rel=next`).end('[]');
      else response.end(JSON.stringify([request.url, request.headers]));
    });
    const memory = createMemory(redis);
    const sending = createHttpClient({
      rateLimit: createRateLimit({ redis, keyPrefix: memory.keyPrefix }),
      hostShares: createHostShares({ after }, { concurrency: 8 }),
      maxResponseBytes: 1_000_000,
      userAgent: 'StreamManager/0 (+test)',
    });
    const clients = memory.process(sending);
    const source = pollingSource('a', {
      baseUrl: server.origin,
      headers,
      dailyBudget: 100,
      ...(auth === undefined
        ? {}
        : { auth: auth.type === 'oauth2' ? { ...auth, tokenUrl: `${server.origin}/token` } : auth }),
    });
    const http = pollWith(clients, source);
    const request = { url: new URL(path, server.origin), accept: '*/*', credential };
    const unreadable = await errorOf(
      (await http.fetch({ ...request, url: new URL(`${path}?as=text`, request.url) })).json(),
    );
    expect(unreadable.message).toContain('answered no JSON');
    expect(everythingOf(unreadable)).not.toMatch(new RegExp(`${secret}|${inBase64}`));
    const response = await http.fetch(request);
    const text = await response.text();
    const receipt = response.receipt();
    if (receipt !== null) await http.useUp([receipt]);
    await clients.close();

    expect(inHeader === '' ? text : response.headers[inHeader]).toMatch(new RegExp(`${secret}|${inBase64}`));
    const dump = await dumpOf(memory.keyPrefix);
    expect(dump).toContain(memory.keyPrefix);
    expect(dump).not.toContain(secret);
    expect(dump).not.toContain(inBase64);
  },
);
