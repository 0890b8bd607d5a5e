// A TCP proxy on 127.0.0.1 that stands for the network between a worker and a server, and breaks as networks break: cut
// (resets), frozen (nothing comes through, nobody is told, and what was sent arrives after the heal, as TCP does it) and
// half-open (the server's side is gone, the client's side stays open without a word).
//
// open ──cut()──► cut ──heal()──► open · open ──freeze()──► frozen ──heal()──► open · open ──halve()──► half-open ──heal()──► open
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { isPortFree, pickPort } from '../stack/ports.ts';

export interface ProxyOptions {
  /** Port of the server on 127.0.0.1, asked for every new connection: it may be known later than the proxy's own. */
  readonly target: () => number;
  /** What every piece takes on its way, either way, in milliseconds. Default 0. */
  readonly delayMs?: number;
}

export type ProxyState = 'open' | 'cut' | 'frozen' | 'half-open';

export interface Proxy {
  readonly port: number;
  readonly state: () => ProxyState;
  /** Connections of clients that are open now. */
  readonly connections: () => number;
  /** Resets every connection, and every new one until the heal. */
  readonly cut: () => void;
  /** Nothing comes through; connections stay, new ones are taken. What was sent meanwhile arrives after the heal. */
  readonly freeze: () => void;
  /**
   * The server's side of every connection is reset; the client's side stays open, and what it sends is swallowed. After
   * the heal such a connection is reset when the client sends again, as a host that knows nothing of it answers.
   */
  readonly halve: () => void;
  readonly heal: () => void;
  /** Idempotent. */
  readonly stop: () => Promise<void>;
}

/** Both ends of a client's connection; `server` is null while none was made, and for an end that has lost its other. */
interface Link {
  readonly client: Socket;
  server: Socket | null;
  /** The client's side of a half-open connection. */
  isOrphan: boolean;
  /** It sent while half-open: TCP would send that again after the heal, and learn. */
  hasSpoken: boolean;
}

/** Starts a proxy on a free port. Throws what `listen` throws. */
export const startProxy = async (options: ProxyOptions): Promise<Proxy> => {
  const { target, delayMs = 0 } = options;
  const links = new Set<Link>();
  let state: ProxyState = 'open';

  const forward = (from: Socket, to: Socket, bytes: Buffer): void => {
    const write = (): void => {
      if (to.destroyed || to.write(bytes)) return;
      from.pause();
      to.once('drain', () => {
        if (state !== 'frozen') from.resume();
      });
    };
    if (delayMs === 0) write();
    else setTimeout(write, delayMs);
  };

  const open = (link: Link): void => {
    const server = connect({ port: target(), host: '127.0.0.1', noDelay: true });
    link.server = server;
    server.on('data', (bytes: Buffer) => forward(server, link.client, bytes));
    server.on('error', () => link.client.resetAndDestroy());
    server.on('close', () => {
      if (!link.isOrphan) link.client.destroySoon();
    });
  };

  const orphan = (link: Link): void => {
    link.isOrphan = true;
    link.server?.resetAndDestroy();
    link.server = null;
    link.client.resume();
  };

  const listener = createServer({ noDelay: true }, (client) => {
    const link: Link = { client, server: null, isOrphan: false, hasSpoken: false };
    links.add(link);
    client.on('error', () => {}); // 'close' follows
    client.on('close', () => {
      links.delete(link);
      link.server?.destroySoon();
    });
    if (state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    client.on('data', (bytes: Buffer) => {
      if (link.server !== null) forward(client, link.server, bytes);
      else if (state === 'half-open') link.hasSpoken = true;
      else client.resetAndDestroy();
    });
    if (state === 'open') open(link);
    else if (state === 'frozen') client.pause();
    else orphan(link);
  });

  const enter = (next: ProxyState, act: (link: Link) => void): void => {
    if (state !== 'open' && next !== 'open') throw new Error(`the proxy is ${state}: heal it first`);
    state = next;
    for (const link of links) act(link);
  };

  const port = await pickPort([], new Set(), isPortFree);
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port,
    state: () => state,
    connections: () => links.size,
    cut: () => enter('cut', ({ client }) => client.resetAndDestroy()),
    freeze: () =>
      enter('frozen', ({ client, server }) => {
        client.pause();
        server?.pause();
      }),
    halve: () => enter('half-open', orphan),
    heal: () =>
      enter('open', (link) => {
        if (link.hasSpoken) link.client.resetAndDestroy();
        else if (!link.isOrphan) {
          if (link.server === null) open(link);
          link.client.resume();
          link.server?.resume();
        }
      }),
    stop: async () => {
      for (const { client, server } of links) {
        client.destroy();
        server?.destroy();
      }
      if (!listener.listening) return;
      listener.close();
      await once(listener, 'close');
    },
  };
};
