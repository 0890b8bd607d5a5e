// The connections to a cluster. One link per broker, made when it is needed and thrown away whole at its first failure:
// the next exchange makes a new one, so there is nothing to heal after an outage, however long.
// A new link carries nothing before its broker has answered a handshake (ApiVersions, SASL): a frozen broker's kernel
// accepts connections and data, and what it took while frozen is written when it wakes. A link whose answer did not come
// in time is cut for the same reason. So a request doubles at most once per cut, never once per try.
import net from 'node:net';
import tls from 'node:tls';
import { StreamManagerError } from '../failures/errors.ts';
import { bridgeLogger, type KafkaLogger } from './kafka-logger.ts';
import { type KafkajsBroker, kafkajs, type Protocol } from './kafkajs-internals.ts';

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** How long each step may take, in milliseconds. */
export interface LinkTimeouts {
  /** TCP and TLS. */
  readonly connectMs: number;
  /** TCP, TLS, ApiVersions and SASL together. */
  readonly handshakeMs: number;
  /** From handing a request over to its answer. Above the time that a Produce request gives the broker. */
  readonly requestMs: number;
}

/** What the links are made with. */
export interface BrokerLinksOptions {
  /** `host:port` of some brokers of the cluster. */
  readonly bootstrap: readonly string[];
  readonly clientId: string;
  /** true, or options of `tls.connect`. */
  readonly ssl: boolean | tls.ConnectionOptions;
  /** kafkajs' SASL options; null = none. */
  readonly sasl: object | null;
  readonly timeouts: LinkTimeouts;
  readonly logger: KafkaLogger;
}

/** Carries requests to brokers. Rejects with kafkajs' errors, or with `stopped` after close. */
export interface BrokerLinks {
  /** Sends to one broker. */
  send<Answer>(address: BrokerAddress, protocol: Protocol<Answer>): Promise<Answer>;
  /** Sends to any broker that answers: linked ones first, then those known, then the bootstrap list. For reads only. */
  sendToAny<Answer>(protocol: Protocol<Answer>): Promise<Answer>;
  /** Names the brokers that the cluster has now. */
  learn(addresses: readonly BrokerAddress[]): void;
  /** Whether the last exchange went well; null before the first. */
  isReachable(): boolean | null;
  /** Aborts when the links close. */
  readonly closing: AbortSignal;
  /** Waits for answers that are due, then closes. Safe to call again. */
  close(): Promise<void>;
}

interface Link {
  readonly broker: KafkajsBroker;
  readonly connected: Promise<void>;
}

const nameOf = ({ host, port }: BrokerAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Reads `host:port` or `[ipv6]:port`; without a port 9092. */
export const parseBrokerAddress = (text: string): BrokerAddress => {
  const parts = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]+))(?::(?<port>\d+))?$/.exec(text.trim());
  const host = parts?.groups?.['v6'] ?? parts?.groups?.['host'];
  if (host === undefined)
    throw new StreamManagerError('config_invalid', `a Kafka broker is host:port, found "${text}"`);
  return { host, port: Number(parts?.groups?.['port'] ?? 9092) };
};

/** kafkajs' socket factory, without Nagle's delay of the last packet of a request. */
const socketFactory = (options: {
  host: string;
  port: number;
  ssl: boolean | tls.ConnectionOptions;
  onConnect: () => void;
}): net.Socket => {
  const { host, port, ssl, onConnect } = options;
  const socket =
    ssl === false
      ? net.connect({ host, port }, onConnect)
      : tls.connect(
          { host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...(ssl === true ? {} : ssl) },
          onConnect,
        );
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
  return socket;
};

/** Creates the links; connects to nothing yet. Throws `config_invalid` for an address that is none. */
export const createBrokerLinks = (options: BrokerLinksOptions): BrokerLinks => {
  const { timeouts, logger } = options;
  const bootstrap = options.bootstrap.map(parseBrokerAddress);
  if (bootstrap.length === 0) throw new StreamManagerError('config_invalid', 'kafka.brokers names no broker');
  const kafkajsLogger = bridgeLogger(logger);
  const closing = new AbortController();
  const links = new Map<string, Link>();
  const pending = new Set<Promise<unknown>>();
  let known: readonly BrokerAddress[] = [];
  let reachable: boolean | null = null;
  let isReportedUnreachable = false;

  /** One log line when no broker answers any more, one when one does again. */
  const report = (isUnreachable: boolean, fields: object): void => {
    if (isUnreachable === isReportedUnreachable) return;
    isReportedUnreachable = isUnreachable;
    if (isUnreachable) logger.warn(fields, 'kafka unreachable');
    else logger.info(fields, 'kafka reachable again');
  };

  /** Takes a link out of use. Its socket dies at once, so that nothing more can be written to a broker that is silent. */
  const cut = (name: string, link: Link, reason: string): void => {
    if (links.get(name) === link) links.delete(name);
    for (const connection of link.broker.connectionPool.pool) connection.socket?.destroy(new Error(reason));
  };

  /** Rejects, and cuts the link, when `work` takes longer than `ms`. */
  const withDeadline = async <Result>(name: string, link: Link, what: string, ms: number, work: Promise<Result>) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const message = `${name} did not answer ${what} within ${ms} ms`;
        reject(new kafkajs.errors.KafkaJSRequestTimeoutError(message, { broker: name }));
        cut(name, link, message);
      }, ms);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  const makeLink = (address: BrokerAddress): Link => {
    const name = nameOf(address);
    const connectionPool = new kafkajs.ConnectionPool({
      ...address,
      clientId: options.clientId,
      ssl: options.ssl,
      // kafkajs writes its authenticator into the options it is given.
      sasl: options.sasl === null ? null : { ...options.sasl },
      socketFactory,
      connectionTimeout: timeouts.connectMs,
      requestTimeout: timeouts.requestMs,
      // Its own check is a timer every 100 ms per connection, and it leaves the silent connection in use.
      enforceRequestTimeout: false,
      logger: kafkajsLogger,
    });
    const broker = new kafkajs.Broker({
      connectionPool,
      logger: kafkajsLogger,
      authenticationTimeout: timeouts.handshakeMs,
    });
    const connected = Promise.withResolvers<void>();
    // Whoever asked for the link waits for it; a rejection that nobody sees any more is nobody's.
    connected.promise.catch(() => {});
    const link: Link = { broker, connected: connected.promise };
    links.set(name, link);
    withDeadline(name, link, 'the handshake', timeouts.handshakeMs, broker.connect()).then(
      connected.resolve,
      (error: unknown) => {
        cut(name, link, 'the handshake failed');
        connected.reject(error);
      },
    );
    return link;
  };

  const linkTo = (address: BrokerAddress): Link => {
    const name = nameOf(address);
    const link = links.get(name);
    // kafkajs would connect again by itself, and send without a handshake.
    if (link?.broker.versions && !link.broker.connectionPool.isConnected())
      cut(name, link, 'the connection was closed');
    return links.get(name) ?? makeLink(address);
  };

  const exchange = async <Answer>(address: BrokerAddress, protocol: Protocol<Answer>): Promise<Answer> => {
    if (closing.signal.aborted) throw new StreamManagerError('stopped', 'the Kafka client is closed');
    const name = nameOf(address);
    const link = linkTo(address);
    try {
      await link.connected;
      if (!link.broker.connectionPool.isConnected()) {
        throw new kafkajs.errors.KafkaJSConnectionError(`${name} closed the connection`, { broker: name });
      }
      const sending = link.broker.connectionPool.send(protocol);
      const answer = await withDeadline(name, link, protocol.request.apiName, timeouts.requestMs, sending);
      reachable = true;
      report(false, { broker: name });
      return answer;
    } catch (error) {
      cut(name, link, 'an exchange failed');
      reachable = false;
      throw error;
    }
  };

  const send = <Answer>(address: BrokerAddress, protocol: Protocol<Answer>): Promise<Answer> => {
    const exchanging = exchange(address, protocol);
    pending.add(exchanging);
    const forget = (): void => void pending.delete(exchanging);
    exchanging.then(forget, forget);
    return exchanging;
  };

  return {
    closing: closing.signal,
    send,
    sendToAny: async (protocol) => {
      const startedAt = performance.now();
      const isLinked = (address: BrokerAddress): boolean =>
        links.get(nameOf(address))?.broker.connectionPool.isConnected() ?? false;
      const addresses = [...known.filter(isLinked), ...known.filter((address) => !isLinked(address)), ...bootstrap];
      const tried = new Set<string>();
      let failure: unknown;
      for (const address of addresses) {
        if (tried.has(nameOf(address))) continue;
        tried.add(nameOf(address));
        try {
          return await send(address, protocol);
        } catch (error) {
          failure = error;
          if (performance.now() - startedAt >= timeouts.requestMs) break;
        }
      }
      if (!closing.signal.aborted) report(true, { brokers: [...tried], err: failure });
      throw failure;
    },
    learn: (addresses) => {
      known = addresses;
      const current = new Set([...addresses, ...bootstrap].map(nameOf));
      for (const [name, link] of links) {
        // Brokers come and go; the links to those that went must not pile up.
        if (!current.has(name) && !link.broker.connectionPool.isConnected()) links.delete(name);
      }
    },
    isReachable: () => reachable,
    close: async () => {
      closing.abort();
      await Promise.allSettled(pending);
      const open = [...links.values()];
      links.clear();
      await Promise.allSettled(open.map(async ({ broker }) => broker.disconnect()));
    },
  };
};
