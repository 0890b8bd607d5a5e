// The HTTP server every process has: /livez, /readyz and /metrics without login, and whatever routes the process adds
// (the scheduler: dashboard and API). Listens on 127.0.0.1 unless HTTP_HOST says otherwise.
import { createServer, type Server } from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Metrics } from '../observability/metrics.ts';
import type { Health } from './health.ts';

/** A listening server. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Where to listen. `port` 0 = any free one. `nextFree`: take the next free port if it is in use. */
export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly nextFree?: boolean;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly addRoutes?: ((app: Express) => void) | undefined;
  /** Gets what failed while a request was answered. */
  readonly onError?: (error: unknown) => void;
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

/** The status an error asks for (Express gives 400 to an address that cannot be decoded), else 500. */
export const statusOf = (error: unknown): number => {
  const status: unknown = typeof error === 'object' && error !== null && 'status' in error ? error.status : 500;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
};

const isInUse = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

/** How long a scrape waits for gauges that have to be read, in milliseconds; then the old values are served. */
const scrapePatienceMs = 2_000;

/** The metrics of a process in Prometheus' text format, its gauges read anew. */
export const readMetrics = async (metrics: Metrics): Promise<string> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, scrapePatienceMs);
  });
  // A gauge that cannot be read keeps its last value; the process' own health says what is wrong.
  await Promise.race([Promise.allSettled([...metrics.beforeScrape].map((read) => read())), late]);
  clearTimeout(timer);
  return metrics.registry.metrics();
};

/** How many ports after the wanted one are tried. */
const nextFreeTries = 50;

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
    const text = await readMetrics(options.metrics);
    response.type(options.metrics.registry.contentType).send(text);
  });
  options.addRoutes?.(app);
  app.use((_request, response) => {
    response.status(404).type('text/plain').send('There is nothing at this address.\n');
  });
  // Express' own handler would show the stack to whoever asked.
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = statusOf(error);
    if (status >= 500) options.onError?.(error);
    response
      .status(status)
      .type('text/plain')
      .send(status < 500 ? 'This request makes no sense.\n' : 'Something failed here.\n');
  });

  const server = createServer(app);
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  let port = options.port;
  for (;;) {
    try {
      port = await listen(server, options.host, port);
      break;
    } catch (error) {
      if (!isInUse(error)) throw error;
      if (options.nextFree && port < options.port + nextFreeTries) port += 1;
      else
        throw new Error(`${options.host}:${port} is in use: set HTTP_PORT to a free port (0 takes any)`, {
          cause: error,
        });
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
