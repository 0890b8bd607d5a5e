import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { reachKafka, reachRedis, withoutCredentials } from '../../src/stack/given-servers.ts';
import { isPortFree, pickPort } from '../../src/stack/ports.ts';

const context = { say: () => {}, signal: new AbortController().signal, timeoutMs: 400 };

/** A server that answers whatever it is told with these bytes. */
const answering = async (bytes: string) => {
  const server = createServer((socket) => {
    socket.on('data', () => socket.write(bytes));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, [Symbol.dispose]: () => server.close() };
};

describe('reachRedis', () => {
  it('names the address without its password when nothing answers', async () => {
    const port = await pickPort([], new Set(), isPortFree);
    const failure = reachRedis(`redis://user:secret@127.0.0.1:${port}`, context);
    await expect(failure).rejects.toMatchObject({ code: 'unreachable', exitCode: 2 });
    await expect(failure).rejects.toThrow(`Redis at redis://127.0.0.1:${port}, given by REDIS_URL, does not answer`);
    await expect(failure).rejects.not.toThrow('secret');
  });

  it('gives up at once when the password is refused', async () => {
    using server = await answering('-WRONGPASS invalid username-password pair\r\n');
    await expect(reachRedis(`redis://:wrong@${server.address}`, { ...context, timeoutMs: 60_000 })).rejects.toThrow(
      'refuses the login',
    );
  });

  it('refuses what is no address without showing it', async () => {
    const failure = reachRedis('user:secret@host', context);
    await expect(failure).rejects.toMatchObject({ code: 'invalid' });
    await expect(failure).rejects.not.toThrow('secret');
  });

  it('ends with the signal', async () => {
    const port = await pickPort([], new Set(), isPortFree);
    const controller = new AbortController();
    const waiting = reachRedis(`redis://127.0.0.1:${port}`, {
      ...context,
      timeoutMs: 60_000,
      signal: controller.signal,
    });
    controller.abort(new Error('asked to stop'));
    await expect(waiting).rejects.toThrow('asked to stop');
  });
});

describe('reachKafka', () => {
  it('names the brokers when nothing answers', async () => {
    const port = await pickPort([], new Set(), isPortFree);
    await expect(reachKafka([`127.0.0.1:${port}`], context)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(`Kafka at 127.0.0.1:${port}, given by KAFKA_BROKERS, does not answer`),
    });
  });

  it('goes on, and says so, when connections are taken but no plain request is answered', async () => {
    using server = await answering('\u0015\u0003\u0003\u0000\u0002\u0002\u0046'); // a TLS alert
    const said: string[] = [];
    await reachKafka([server.address], { ...context, say: (line) => said.push(line), timeoutMs: 2_000 });
    expect(said).toContainEqual(expect.stringContaining('TLS or SASL'));
  });
});

describe('withoutCredentials', () => {
  it.each([
    { url: 'redis://user:secret@host:6379/2', shown: 'redis://host:6379/2' },
    { url: 'rediss://:secret@host', shown: 'rediss://host' },
    { url: 'redis://host:6379', shown: 'redis://host:6379' },
    { url: 'redis.example:6379', shown: null },
    { url: 'redis://:secret@ho st', shown: null },
  ])('shows $shown', ({ url, shown }) => {
    expect(withoutCredentials(url)).toBe(shown);
  });
});
