// The simulated providers as one local HTTP server: routes a request to its API, lets the fault of the moment do its
// work, and writes the ledger when the answer has been sent.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerControl, bodyOf, isControlPath } from './control-route.ts';
import { createFaults, type FaultSettings } from './faults.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createRequestLog, type LoggedRequest } from './request-log.ts';
import {
  answerRequest,
  createRoutes,
  findRoute,
  type ProviderName,
  providerNames,
  type RouteOptions,
} from './routes.ts';
import { type SendOptions, sendAnswer } from './send-answer.ts';
import { createValidatorMemory } from './validators.ts';
import { wireAnswer } from './wire-answer.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

export interface ProviderOptions extends Omit<WorldOptions, 'startAt' | 'seed'> {
  /** Default 1. */
  readonly seed?: number;
  /** Epoch milliseconds; default: the clock's time at the start. */
  readonly startAt?: number;
  /** The clock, epoch milliseconds. Default `Date.now`. Pauses of slow answers always take real time. */
  readonly now?: () => number;
  /** The time in the world, if it is not that of the clock: it may stand still, or leap. Default: `now`. */
  readonly worldNow?: () => number;
  /** Port on 127.0.0.1; default 0, a free one. */
  readonly port?: number;
  /** Give each provider a port of its own, so that what a client keeps per host and port stays apart. Default false. */
  readonly separatePorts?: boolean;
  readonly faults?: FaultSettings;
  /** FIRMS keys that are known. Default one. */
  readonly mapKeys?: readonly string[];
  /** PurpleAir keys that are known. Default one. */
  readonly apiKeys?: readonly string[];
  /** AirNow keys that are known. Default one. */
  readonly airNowKeys?: readonly string[];
  /** Which APIs send ETag and Last-Modified and answer 304. Default: all that are named here. */
  readonly validators?: Partial<RouteOptions['validators']>;
  /** Compress when asked. Default true. */
  readonly gzip?: boolean;
  /** Default `auto`: chunked above 256 KB. */
  readonly transfer?: SendOptions['transfer'];
  /** `off` keeps no rows, for runs that only need load: memory stays flat. Default `on`. */
  readonly ledger?: 'on' | 'off';
  /** How many requests the log keeps. Default 10,000. */
  readonly requestLogLimit?: number;
}

export interface Providers {
  /** `http://127.0.0.1:port`, good for all providers. */
  readonly url: string;
  /** The address of each provider: all the same unless `separatePorts`. */
  readonly urls: Readonly<Record<ProviderName, string>>;
  /** A FIRMS key that works. */
  readonly mapKey: string;
  /** A PurpleAir key that works. */
  readonly apiKey: string;
  /** An AirNow key that works. */
  readonly airNowKey: string;
  readonly world: World;
  readonly ledger: Ledger;
  /** The newest requests, oldest first. */
  requests(): readonly LoggedRequest[];
  /** Replaces all faults. Throws a RangeError on settings that make no sense. */
  setFaults(settings: FaultSettings): void;
  /** Closes every connection and stops listening; idempotent. */
  stop(): Promise<void>;
}

const headersOfInterest = [
  'user-agent',
  'accept',
  'accept-encoding',
  'if-none-match',
  'if-modified-since',
  'x-api-key',
] as const;

/** Starts the providers. Throws what `listen` throws, for example when `port` is taken. */
export const startProviders = async (options: ProviderOptions = {}): Promise<Providers> => {
  const {
    seed = 1,
    now = Date.now,
    worldNow = now,
    mapKeys = ['simulated-map-key'],
    apiKeys = ['SIMULATED-READ-KEY'],
    airNowKeys = ['SIMULATED-AIRNOW-KEY'],
  } = options;
  const world = createWorld({ ...options, seed, startAt: options.startAt ?? now() });
  const ledger = createLedger(options.ledger !== 'off');
  const log = createRequestLog(options.requestLogLimit ?? 10_000);
  const faults = createFaults(seed);
  if (options.faults) faults.set(options.faults);
  const routes = createRoutes({
    mapKeys,
    apiKeys,
    airNowKeys,
    validators: {
      firms: true,
      observations: true,
      alerts: true,
      forecasts: true,
      airnow: true,
      metar: true,
      earthquakes: true,
      ...options.validators,
    },
    qualityForm: options.stations?.qualityForm ?? 'plain',
  });
  const validatorMemory = createValidatorMemory();
  const sending = { canGzip: options.gzip ?? true, transfer: options.transfer ?? 'auto' };
  const stopping = new AbortController();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = parseUrl(request);
    if (isControlPath(url.pathname)) {
      await answerControl(request, response, url, { ledger, faults, log });
      return;
    }
    const at = now();
    const found = findRoute(routes, url.pathname);
    const path = `${url.pathname}${url.search}`;
    const note = log.open({
      at,
      method: request.method ?? '',
      path,
      route: found?.route.kind ?? 'other',
      headers: headersOf(request),
    });
    const fault = found ? faults.next(found.route.kind) : faults.none;
    const atMs = world.timeAt(worldNow());
    const body = request.method === 'POST' ? await bodyOf(request) : '';
    const answer = answerRequest(found, request.method, {
      url,
      body,
      header: (name) => headerOf(request, name),
      world,
      atMs,
      clockMs: at,
      baseUrl: url.origin,
      fault,
    });
    const wire = wireAnswer(answer, fault, at);
    note({ fault: fault.name });
    const validators = answer.hasValidators ? validatorMemory : undefined;
    const sent = await sendAnswer(request, response, wire, {
      ...sending,
      validators,
      clockMs: at,
      signal: stopping.signal,
    });
    const hasRows = wire.rows !== 'none' && sent.status === 200;
    if (hasRows) ledger.note(answer.truths, answer.broken, sent.isComplete && wire.rows === 'due', now());
    note({
      status: sent.status,
      aborted: sent.isAborted,
      finishedAt: now(),
      rows: hasRows ? answer.truths.length : 0,
      bodyBytes: sent.bodyBytes,
    });
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch((error: unknown) => {
      // A mistake of the simulator must not look like a provider's fault: say it, and end the connection.
      console.error('simulated provider failed', error);
      response.destroy();
    });
  };
  const servers: Server[] = [];
  const listen = async (port: number): Promise<string> => {
    const server = createServer(listener);
    // Longer than any client keeps an idle connection: a server that closes first makes clients fail at random.
    server.keepAliveTimeout = 120_000;
    servers.push(server);
    return listenOn(server, port);
  };

  const url = await listen(options.port ?? 0);
  const separate = async (name: ProviderName): Promise<readonly [ProviderName, string]> => [name, await listen(0)];
  const apart = options.separatePorts
    ? await Promise.all(providerNames.filter((name) => name !== 'firms').map(separate))
    : [];
  // Every name of a provider is a key: first all with the common address, then those with one of their own.
  const urls = {
    ...Object.fromEntries(providerNames.map((name) => [name, url])),
    ...Object.fromEntries(apart),
  } as Record<ProviderName, string>;
  let stopped: Promise<void> | null = null;
  return {
    url,
    urls,
    mapKey: mapKeys[0] ?? '',
    apiKey: apiKeys[0] ?? '',
    airNowKey: airNowKeys[0] ?? '',
    world,
    ledger,
    requests: () => log.all(),
    setFaults: (settings) => faults.set(settings),
    stop: () => {
      stopping.abort();
      stopped ??= Promise.all(servers.map(closeServer)).then(() => {});
      return stopped;
    },
  };
};

const listenOn = (server: Server, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the server has no port'));
      else resolve(`http://127.0.0.1:${address.port}`);
    });
  });

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

const parseUrl = (request: IncomingMessage): URL => {
  const host = `http://${request.headers.host ?? '127.0.0.1'}`;
  return URL.parse(request.url ?? '/', host) ?? new URL(host);
};

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
};

const headersOf = (request: IncomingMessage): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const name of headersOfInterest) {
    const value = headerOf(request, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
};
