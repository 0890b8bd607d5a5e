import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { type ApiEvent, apiEvents } from '../../src/ops/api-events.ts';

/** Serves what `answer` writes; `await using` closes it. */
const serve = async (answer: (response: ServerResponse) => unknown) => {
  const logins: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    logins.push(request.headers.authorization);
    answer(response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const gone = new AbortController();
  const seen: ApiEvent[] = [];
  return {
    url,
    seen,
    logins,
    gone,
    read: async (onEvent: (event: ApiEvent) => void = () => {}): Promise<number> => {
      let opened = 0;
      const options = { signal: gone.signal, onOpen: () => void (opened += 1) };
      for await (const event of apiEvents({ url, user: 'u', password: 'p' }, '/x', options)) {
        seen.push(event);
        onEvent(event);
      }
      return opened;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

describe('events of the API', () => {
  it('come as they are sent, wherever the bytes are cut', async () => {
    const text = Buffer.from(': alive\n\nevent: record\ndata: {"a":"é"}\n\ndata: 2\n\n');
    await using part = await serve(async (response) => {
      response.writeHead(200);
      for (const byte of text) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => void setImmediate(resolve));
      }
      response.end();
    });
    expect(await part.read()).toBe(1);
    expect(part.seen).toEqual([
      { event: 'record', data: { a: 'é' } },
      { event: 'message', data: 2 },
    ]);
    expect(part.logins).toEqual([`Basic ${Buffer.from('u:p').toString('base64')}`]);
  });

  it('end quietly when whoever reads them goes', async () => {
    await using part = await serve((response) => void response.writeHead(200).write('data: 1\n\n'));
    await part.read(() => part.gone.abort());
    expect(part.seen).toHaveLength(1);
  });

  it.each([
    { name: 'refused', answer: { status: 409, body: '{"error":"10 taps are open"}' }, text: /^10 taps are open$/ },
    { name: 'behind a wrong login', answer: { status: 401, body: '{}' }, text: /refused user and password/ },
  ])('are told when they are $name', async ({ answer, text }) => {
    await using part = await serve((response) => response.writeHead(answer.status).end(answer.body));
    await expect(part.read()).rejects.toThrow(text);
  });

  it('are told when they break off', async () => {
    await using part = await serve((response) => {
      response.writeHead(200).write('data: 1\n\n');
      setImmediate(() => response.destroy());
    });
    await expect(part.read()).rejects.toThrow(/does not answer$/);
  });
});
