// The HTTP client against servers of the tests' own: a bundle for what concerns hosts, credentials and connections.
import type { IncomingMessage } from 'node:http';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { after } from '@stream-manager/shared/ops/after';
import { expect } from 'vitest';
import { createHostShares } from '../../src/http/host-share.ts';
import type { HttpRequest, HttpResponse } from '../../src/http/http-client.ts';
import { createHttpClient, type HttpClientOptions } from '../../src/http/undici-client.ts';
import { resolvedSource } from '../sources/resolved-source.ts';
import { createOpenRateLimit, type OpenRateLimit } from './open-rate-limit.ts';

export interface ClientBundle extends AsyncDisposable {
  readonly rateLimit: OpenRateLimit;
  readonly stop: AbortController;
  /** GET of a path below `baseUrl`, or of a whole address. */
  get(path: string, more?: Partial<HttpRequest>): Promise<HttpResponse>;
  /** The same, read to its end. */
  read(path: string, more?: Partial<HttpRequest>): Promise<string>;
  /** A client for another poll of the source. */
  another(): Pick<ClientBundle, 'get' | 'stop'>;
}

/** A client of one source of type noaa-alerts with these keys in its entry. */
export const setupClient = (
  entry: { readonly baseUrl: string } & Readonly<Record<string, unknown>>,
  options: Partial<HttpClientOptions> = {},
): ClientBundle => {
  const source = resolvedSource({ type: 'noaa-alerts', timeoutSeconds: 10, params: { area: 'CA' }, ...entry });
  const rateLimit = createOpenRateLimit();
  const clients = createHttpClient({
    rateLimit,
    hostShares: createHostShares({ after }, { concurrency: 32 }),
    maxResponseBytes: 1_000_000,
    userAgent: 'StreamManager/0 (+test)',
    ...options,
  });
  const another = (): Pick<ClientBundle, 'get' | 'stop'> => {
    const stop = new AbortController();
    const http = clients.forPoll({ source, signal: stop.signal });
    return {
      stop,
      get: (path, more = {}) =>
        http.fetch({ url: new URL(path, entry.baseUrl), accept: 'application/json', credential: null, ...more }),
    };
  };
  const first = another();
  return {
    ...first,
    rateLimit,
    another,
    read: async (path, more) => (await first.get(path, more)).text(),
    [Symbol.asyncDispose]: () => clients.close(),
  };
};

/** The error of what must fail. */
export const errorOf = async (attempt: Promise<unknown>): Promise<StreamManagerError> => {
  const outcome = await attempt.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(StreamManagerError);
  return outcome as StreamManagerError;
};

/** Everything of an error that could reach a log. */
export const everythingOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.message} ${error.stack} ${JSON.stringify(error)} ${everythingOf(error.cause)}`
    : String(error);

/** The body of a request that arrived. */
export const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
};
