// The ways to a provider: directly or through a proxy, with a source's own trust and certificate or without, and guarded or
// not. A guarded way reaches public addresses only; it is the one on which a redirect is followed from a public address.
// What is checked is the address that is connected to: DNS may give another one a moment after a look-up of our own.

import { lookup as dnsLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { type AddressKind, bareHost, kindOfAddress, kindOfHost } from './addresses.ts';
import type { Proxies } from './proxy.ts';
import type { TlsOptions } from './tls-settings.ts';

/** How a request is to go out. */
export interface Way {
  readonly tls: TlsOptions | null;
  /** Public addresses only. */
  readonly isGuarded: boolean;
}

/** The connections of this process. */
export interface Connections {
  /** Where to send a request for this URL. Throws `fetch_redirect` when the way is guarded and its host must not be reached. */
  to(url: URL, way: Way): Dispatcher;
  /** Was this origin reached at a public address, or can that not be ruled out? */
  isPublic(url: URL): boolean;
  /** Ends idle connections after the exchanges that still go on. Idempotent. */
  close(): Promise<void>;
}

export interface ConnectionsOptions {
  readonly proxies: Proxies;
  /** Look-up of names; default that of the system. */
  readonly lookup?: LookupFunction;
  /** What an address is; tests, which have the loopback only, make public ones of some. */
  readonly kindOf?: (address: string) => AddressKind;
}

/** Origins of which it is known what they were reached at. One that is forgotten counts as public. */
const maxKnownOrigins = 1_000;

/** Creates the connections of this process: one pool for each distinct way, made when it is first used. */
export const createConnections = (options: ConnectionsOptions): Connections => {
  const { proxies, lookup = dnsLookup, kindOf = kindOfAddress } = options;
  const pools = new Map<string, Dispatcher>();
  const kinds = new Map<string, AddressKind>();
  let closing: Promise<unknown> | null = null;

  const note = (origin: string, address: string | undefined): void => {
    const kind = address === undefined ? 'public' : kindOf(address);
    // Once public is public: a name may lead to both.
    if (kinds.get(origin) !== 'public') kinds.set(origin, kind);
    const oldest = kinds.size > maxKnownOrigins ? kinds.keys().next().value : undefined;
    if (oldest !== undefined) kinds.delete(oldest);
  };

  const direct = ({ tls, isGuarded }: Way): Dispatcher => {
    const guarded = isGuarded ? { lookup: publicOnly(lookup, kindOf) } : { lookup };
    const connect = buildConnector({ ...tlsFor(tls), ...guarded, allowH2: false });
    return new Agent({
      allowH2: false,
      connect: (target, callback) => {
        // Node looks names up, and connects to addresses as they are.
        if (isGuarded && isIP(bareHost(target.hostname)) !== 0 && kindOf(bareHost(target.hostname)) === 'private') {
          queueMicrotask(() => callback(leadsInside(target.hostname), null));
          return;
        }
        connect(target, (...result) => {
          const [error, socket] = result;
          if (error === null) note(`${target.protocol}//${target.host}`, socket.remoteAddress);
          callback(...result);
        });
      },
    });
  };

  const through = (proxy: string, tls: TlsOptions | null): Dispatcher =>
    new ProxyAgent({ uri: proxy, allowH2: false, requestTls: { ...tlsFor(tls), allowH2: false } });

  return {
    to: (url, way) => {
      const proxy = proxies.of(url);
      // The proxy looks the name up, so all that can be judged is the name, or the address if it is one.
      if (proxy !== null && way.isGuarded && kindOfHost(url.hostname, kindOf) === 'private')
        throw leadsInside(url.hostname);
      const key = JSON.stringify([proxy, proxy === null && way.isGuarded, way.tls]);
      const pool = pools.get(key) ?? (proxy === null ? direct(way) : through(proxy, way.tls));
      pools.set(key, pool);
      return pool;
    },
    isPublic: (url) =>
      proxies.of(url) === null ? kinds.get(url.origin) !== 'private' : kindOfHost(url.hostname, kindOf) === 'public',
    close: async () => {
      closing ??= Promise.all([...pools.values()].map((pool) => pool.close()));
      await closing;
    },
  };
};

/** Node's options are arrays that may be written to. */
const tlsFor = (
  tls: TlsOptions | null,
): { ca?: string | string[]; cert?: string; key?: string; passphrase?: string } => {
  if (tls === null) return {};
  const { ca, ...rest } = tls;
  return ca === undefined ? rest : { ...rest, ca: typeof ca === 'string' ? ca : [...ca] };
};

const leadsInside = (host: string): StreamManagerError =>
  new StreamManagerError(
    'fetch_redirect',
    `a redirect from a public address leads to ${bareHost(host).slice(0, 100)}, which is none: private addresses are reached only where the config names them`,
  );

/** A look-up that knows public addresses only: the connection is made to those that it gives, and to no others. */
const publicOnly =
  (lookup: LookupFunction, kindOf: (address: string) => AddressKind): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, options, (error, found, family) => {
      if (error !== null) {
        callback(error, found, family);
        return;
      }
      const addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address);
      // One private address among public ones is no accident either.
      if (addresses.some((address) => kindOf(address) === 'private')) callback(leadsInside(hostname), '');
      else callback(null, found, family);
    });
  };
