// A plain HTTP server of the tests' own, so that the client is held against HTTP and not against our simulator.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer extends AsyncDisposable {
  readonly origin: string;
  /** Path and time of arrival (performance.now) of each request, in order. */
  readonly arrivals: readonly {
    readonly path: string;
    readonly at: number;
    readonly headers: IncomingMessage['headers'];
  }[];
}

/** Listens on a free port of the loopback address until disposed. */
export const startTestServer = async (
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestServer> => {
  const arrivals: { path: string; at: number; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    arrivals.push({ path: request.url ?? '', at: performance.now(), headers: request.headers });
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    arrivals,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
