import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Proxy, startProxy } from '../../src/network/proxy.ts';
import { waitUntil } from '../../src/wait-until.ts';

/** A client whose received text and end can be looked at. */
interface Client {
  readonly socket: Socket;
  readonly received: () => string;
  /** Code of the error that ended it (`end` without one); null while it is open. */
  readonly ended: () => string | null;
}

const clientOf = async (port: number): Promise<Client> => {
  const socket = connect({ port, host: '127.0.0.1' });
  let received = '';
  let ended: string | null = null;
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code ?? error.message;
  });
  socket.on('close', () => {
    ended ??= 'end';
  });
  await once(socket, 'connect');
  return { socket, received: () => received, ended: () => ended };
};

/** A server that answers each piece with itself, a proxy to it, and a client that has had one answer. */
const setup = async (delayMs = 0) => {
  const atServer = new Set<Socket>();
  const heard: string[] = [];
  const server = createServer((socket) => {
    atServer.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => atServer.delete(socket));
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard.push(text);
      socket.write(text);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = await startProxy({ target: () => port, delayMs });
  const client = await clientOf(proxy.port);
  client.socket.write('one ');
  await waitUntil('an answer', () => client.received() === 'one ');
  return {
    proxy,
    client,
    atServer,
    heard,
    [Symbol.asyncDispose]: async () => {
      client.socket.destroy();
      await proxy.stop();
      await proxy.stop();
      for (const socket of atServer) socket.destroy();
      server.close();
    },
  };
};

/** Until the proxy has surely read what a client sent before: another connection was made and taken after it. */
const roundTrip = async (proxy: Proxy): Promise<void> => {
  const before = proxy.connections();
  const other = await clientOf(proxy.port);
  await waitUntil('the connection to be taken', () => proxy.connections() > before || other.ended() !== null);
  other.socket.destroy();
};

describe('proxy', () => {
  it('forwards both ways in order, also when every piece takes its time', async () => {
    await using bundle = await setup(5);
    for (const piece of ['two ', 'three ', 'four']) bundle.client.socket.write(piece);
    await waitUntil('all answers', () => bundle.client.received() === 'one two three four');
    expect(bundle.heard.join('')).toBe('one two three four');
  });

  it('resets what is open and what comes while it is cut', async () => {
    await using bundle = await setup();
    bundle.proxy.cut();
    await waitUntil('the reset', () => bundle.client.ended() === 'ECONNRESET');
    await waitUntil('the server to notice', () => bundle.atServer.size === 0);
    // Reset before or after it could be told that it is connected.
    const late = clientOf(bundle.proxy.port).then(async (client) => {
      await waitUntil('the end', () => client.ended() !== null);
      return client.ended();
    });
    expect(await late.catch((error: NodeJS.ErrnoException) => error.code)).toBe('ECONNRESET');
    bundle.proxy.heal();
    const healed = await clientOf(bundle.proxy.port);
    healed.socket.write('again');
    await waitUntil('an answer', () => healed.received() === 'again');
    healed.socket.destroy();
  });

  it('holds everything while it is frozen, and delivers it after the heal', async () => {
    await using bundle = await setup();
    bundle.proxy.freeze();
    bundle.client.socket.write('held');
    const late = await clientOf(bundle.proxy.port);
    late.socket.write('late');
    await roundTrip(bundle.proxy);
    expect(bundle.heard).toEqual(['one ']);
    expect([bundle.client.ended(), late.ended()]).toEqual([null, null]);
    bundle.proxy.heal();
    await waitUntil('both answers', () => bundle.client.received() === 'one held' && late.received() === 'late');
    late.socket.destroy();
  });

  it('keeps only the client’s side open while it is half-open, and resets it once it speaks after the heal', async () => {
    await using bundle = await setup();
    const speaker = await clientOf(bundle.proxy.port);
    speaker.socket.write('hello');
    await waitUntil('an answer', () => speaker.received() === 'hello');
    bundle.proxy.halve();
    await waitUntil('the server’s side to go', () => bundle.atServer.size === 0);
    speaker.socket.write('into the void');
    await roundTrip(bundle.proxy);
    expect([bundle.client.ended(), speaker.ended()]).toEqual([null, null]);
    bundle.proxy.heal();
    await waitUntil('the one that spoke to be reset', () => speaker.ended() === 'ECONNRESET');
    expect(bundle.client.ended()).toBe(null);
    bundle.client.socket.write('anybody there?');
    await waitUntil('the silent one to be reset', () => bundle.client.ended() === 'ECONNRESET');
    expect(bundle.heard).toEqual(['one ', 'hello']);
  });

  it('refuses to break what is broken', async () => {
    await using bundle = await setup();
    bundle.proxy.freeze();
    expect(() => bundle.proxy.cut()).toThrow('the proxy is frozen');
    expect(bundle.proxy.state()).toBe('frozen');
  });
});
