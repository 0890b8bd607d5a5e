// A provider's host as clients meet it: it can serve, refuse every connection, or take connections and reset them, which
// counts who comes. The port stays the same.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The host. */
export interface HostSwitch {
  readonly port: number;
  /** Passes connections on to the provider. */
  serve(): Promise<void>;
  /** Nobody listens. */
  refuse(): Promise<void>;
  /** Every connection is reset; when each came, in epoch milliseconds, stands in `attempts`. */
  reset(): Promise<void>;
  readonly attempts: readonly number[];
  stop(): Promise<void>;
}

/** Starts serving on a free port. */
export const startHostSwitch = async (targetPort: number): Promise<HostSwitch> => {
  const sockets = new Set<Socket>();
  const attempts: number[] = [];
  let isServing = true;
  let server: Server | null = null;
  let port = 0;

  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => {}); // the other side went away: `close` follows
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const listen = async (): Promise<void> => {
    if (server !== null) return;
    const fresh = createServer((client) => {
      keep(client);
      if (!isServing) {
        attempts.push(Date.now());
        client.resetAndDestroy();
        return;
      }
      const provider = keep(connect(targetPort, '127.0.0.1'));
      client.pipe(provider).pipe(client);
      client.once('close', () => provider.destroy());
      provider.once('close', () => client.destroy());
    });
    fresh.listen(port, '127.0.0.1');
    await once(fresh, 'listening');
    const address = fresh.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    port = address.port;
    server = fresh;
  };
  const drop = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const refuse = async (): Promise<void> => {
    const old = server;
    server = null;
    drop();
    if (old !== null) await new Promise((resolve) => old.close(resolve));
  };

  await listen();
  return {
    port,
    attempts,
    serve: async () => {
      isServing = true;
      await listen();
    },
    refuse,
    reset: async () => {
      isServing = false;
      drop();
      await listen();
    },
    stop: refuse,
  };
};
