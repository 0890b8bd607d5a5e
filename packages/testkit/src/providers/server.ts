// The simulated providers as one local HTTP server: routes a request to its API, lets the fault of the moment do its
// work, and writes the ledger when the answer has been sent.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Answer, bareAnswer, plainText, type RouteRequest } from './answer.ts';
import { answerControl, isControlPath } from './control-route.ts';
import { createFaults, type FaultSettings, type RouteKind } from './faults.ts';
import { createFirmsRoute, firmsPathPrefix } from './firms-route.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { answerAlerts } from './nws-alerts-route.ts';
import { nwsForbidden } from './nws-answer.ts';
import { answerLatestObservation, answerStations } from './nws-stations-route.ts';
import { answerKeys, answerSensors } from './purpleair-route.ts';
import { createRequestLog, type LoggedRequest } from './request-log.ts';
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
  /** Which APIs send ETag and Last-Modified and answer 304. Default all three. */
  readonly validators?: { readonly firms?: boolean; readonly observations?: boolean; readonly alerts?: boolean };
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
  readonly urls: Readonly<Record<'firms' | 'nws' | 'purpleair', string>>;
  /** A FIRMS key that works. */
  readonly mapKey: string;
  /** A PurpleAir key that works. */
  readonly apiKey: string;
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
  } = options;
  const world = createWorld({ ...options, seed, startAt: options.startAt ?? now() });
  const ledger = createLedger(options.ledger !== 'off');
  const log = createRequestLog(options.requestLogLimit ?? 10_000);
  const faults = createFaults(seed);
  if (options.faults) faults.set(options.faults);
  const route = createRoutes(options, mapKeys, apiKeys);
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
    const kind = routeOf(url.pathname);
    const path = `${url.pathname}${url.search}`;
    const note = log.open({
      at,
      method: request.method ?? '',
      path,
      route: kind ?? 'other',
      headers: headersOf(request),
    });
    const fault = kind ? faults.next(kind) : faults.none;
    const atMs = world.timeAt(worldNow());
    const answer = route(kind, request.method, {
      url,
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
  const urls = options.separatePorts
    ? { firms: url, nws: await listen(0), purpleair: await listen(0) }
    : { firms: url, nws: url, purpleair: url };
  let stopped: Promise<void> | null = null;
  return {
    url,
    urls,
    mapKey: mapKeys[0] ?? '',
    apiKey: apiKeys[0] ?? '',
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

const observationPath = /^\/stations\/([^/]+)\/observations\/latest\/?$/;

const routeOf = (path: string): RouteKind | null => {
  if (path.startsWith(firmsPathPrefix)) return 'firms';
  if (path === '/stations') return 'stations';
  if (observationPath.test(path)) return 'observations';
  if (path === '/alerts/active') return 'alerts';
  if (path === '/v1/sensors') return 'purpleair';
  return path === '/v1/keys' ? 'keys' : null;
};

type Route = (kind: RouteKind | null, method: string | undefined, request: RouteRequest) => Answer;

const createRoutes = (options: ProviderOptions, mapKeys: readonly string[], apiKeys: readonly string[]): Route => {
  const { firms = true, observations = true, alerts = true } = options.validators ?? {};
  const answerFirms = createFirmsRoute({ mapKeys, hasValidators: firms });
  const qualityForm = options.stations?.qualityForm ?? 'plain';
  const answerRoute = (kind: RouteKind, request: RouteRequest): Answer => {
    switch (kind) {
      case 'firms':
        return answerFirms(request);
      case 'stations':
        return answerStations(request);
      case 'observations': {
        const stationId = observationPath.exec(request.url.pathname)?.[1] ?? '';
        return answerLatestObservation(request, stationId, { hasValidators: observations, qualityForm });
      }
      case 'alerts':
        return answerAlerts(request, { hasValidators: alerts });
      case 'purpleair':
        return answerSensors(request, { apiKeys });
      case 'keys':
        return answerKeys(request, { apiKeys });
    }
  };
  return (kind, method, request) => {
    if (kind === null) return bareAnswer(404, plainText, 'Not Found\n');
    if (method !== 'GET') return { ...bareAnswer(405, plainText, 'Method Not Allowed\n'), headers: { allow: 'GET' } };
    const isNws = kind === 'stations' || kind === 'observations' || kind === 'alerts';
    return isNws && !request.header('user-agent') ? nwsForbidden() : answerRoute(kind, request);
  };
};
