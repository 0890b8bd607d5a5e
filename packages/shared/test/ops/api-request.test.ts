import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createApiRequest } from '../../src/ops/api-request.ts';

const setup = async (status: number, answer: string) => {
  const got: { method?: string | undefined; url?: string | undefined; login?: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      got.push({ method: request.method, url: request.url, login: request.headers.authorization, body });
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    got,
    url,
    request: createApiRequest({ url, user: 'u', password: 'p' }, 5_000),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

describe('a request to the API', () => {
  it('carries the login and a JSON body, and gives the answer', async () => {
    await using part = await setup(200, '{"matched":1}');
    expect(await part.request('POST', '/api/x', { all: true })).toEqual({ matched: 1 });
    const login = `Basic ${Buffer.from('u:p').toString('base64')}`;
    expect(part.got).toEqual([{ method: 'POST', url: '/api/x', login, body: '{"all":true}' }]);
  });

  it('is refused in the words of the API', async () => {
    await using part = await setup(400, '{"error":"since: expected a time"}');
    await expect(part.request('GET', '/api/x')).rejects.toMatchObject({
      name: 'ApiRefusal',
      status: 400,
      message: 'since: expected a time',
    });
  });

  it.each([
    { status: 401, answer: '{"error":"no"}', text: /refused user and password/ },
    { status: 503, answer: '{"error":"Redis is away"}', text: /answered 503 to \/api\/x: Redis is away$/ },
    { status: 502, answer: '<html>', text: /answered 502 to \/api\/x$/ },
  ])('fails with the address at $status', async ({ status, answer, text }) => {
    await using part = await setup(status, answer);
    await expect(part.request('GET', '/api/x')).rejects.toThrow(text);
    await expect(part.request('GET', '/api/x')).rejects.toThrow(part.url);
  });

  it('fails with the address when nobody answers', async () => {
    const request = createApiRequest({ url: 'http://127.0.0.1:9', user: 'u', password: 'p' }, 5_000);
    await expect(request('GET', '/api/x')).rejects.toThrow('the API at http://127.0.0.1:9 does not answer');
  });
});
