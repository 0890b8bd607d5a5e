// The HTTP server every process has: /livez, /readyz and /metrics without login, and whatever routes the process adds
// (the scheduler: dashboard and API). Listens on 127.0.0.1 unless HTTP_HOST says otherwise.
import { createServer, type Server } from 'node:http';
import express, { type Express } from 'express';
import type { Metrics } from '../observability/metrics.ts';
import type { Health } from './health.ts';

/** A listening server. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Where to listen. `port` 0 = any free one. `nextFree`: take the next free port (up to 50 on) if it is in use. */
export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly nextFree?: boolean;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly addRoutes?: ((app: Express) => void) | undefined;
}

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });

const isInUse = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

/** How long a scrape waits for gauges that have to be read, in milliseconds; then the old values are served. */
const scrapePatienceMs = 2_000;

const readGauges = async (metrics: Metrics): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, scrapePatienceMs);
  });
  // A gauge that cannot be read keeps its last value; the process' own health says what is wrong.
  await Promise.race([Promise.allSettled([...metrics.beforeScrape].map((read) => read())), late]);
  clearTimeout(timer);
};

/** Starts the server; rejects when the port cannot be had. */
export const startHttpServer = async (options: HttpServerOptions): Promise<HttpServer> => {
  const app = express();
  app.disable('x-powered-by');
  app.get('/livez', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const report = options.health.report();
    response.status(report.ready ? 200 : 503).json(report);
  });
  app.get('/metrics', async (_request, response) => {
    await readGauges(options.metrics);
    response.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics());
  });
  options.addRoutes?.(app);

  const server = createServer(app);
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  let port = options.port;
  for (;;) {
    try {
      port = await listen(server, options.host, port);
      break;
    } catch (error) {
      const isLast = port >= options.port + 50;
      if (!isInUse(error) || !options.nextFree || isLast) throw error;
      port += 1;
    }
  }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
