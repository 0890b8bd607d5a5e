// The connections to a cluster. One link per broker, made when it is needed and thrown away whole at its first failure:
// the next exchange makes a new one, so there is nothing to heal after an outage, however long.
// A new link carries nothing before its broker has answered a handshake (ApiVersions, SASL): a frozen broker's kernel
// accepts connections and data, and what it took while frozen is written when it wakes. A link whose answer did not come
// in time is cut for the same reason. So a request doubles at most once per cut, never once per try.
// The same for every client library; `open` is what it brings.
import { StreamManagerError } from '../failures/errors.ts';
import type { KafkaLogger } from './kafka-logger.ts';

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

/** One connection of a client library to one broker, not connected yet. */
export interface ClientLink<Connection> {
  readonly connection: Connection;
  /** Connects: TCP, TLS, SASL and at least one request that the broker answers. */
  connect(): Promise<void>;
  isOpen(): boolean;
  /** Destroys the socket at once, so that nothing more can be written to a broker that is silent. */
  cut(reason: string): void;
  close(): Promise<void>;
}

/** What the links are made with. */
export interface BrokerLinksOptions<Connection> {
  /** `host:port` of some brokers of the cluster. */
  readonly bootstrap: readonly string[];
  readonly timeouts: LinkTimeouts;
  readonly logger: KafkaLogger;
  /** Makes a connection of the client library. */
  readonly open: (address: BrokerAddress) => ClientLink<Connection>;
}

/** One request on an open connection. `name` is Kafka's, for messages. */
export interface Exchange<Connection, Answer> {
  readonly name: string;
  readonly send: (connection: Connection) => Promise<Answer>;
}

/** Carries requests to brokers. Rejects with the client's errors, `ETIMEDOUT` for silence, or `stopped` after close. */
export interface BrokerLinks<Connection> {
  /** Sends to one broker. */
  send<Answer>(address: BrokerAddress, exchange: Exchange<Connection, Answer>): Promise<Answer>;
  /** Sends to any broker that answers: linked ones first, then those known, then the bootstrap list. For reads only. */
  sendToAny<Answer>(exchange: Exchange<Connection, Answer>): Promise<Answer>;
  /** Names the brokers that the cluster has now. */
  learn(addresses: readonly BrokerAddress[]): void;
  /** Whether the last exchange went well; null before the first. */
  isReachable(): boolean | null;
  /** Aborts when the links close. */
  readonly closing: AbortSignal;
  /** Waits for answers that are due, then closes. Safe to call again. */
  close(): Promise<void>;
}

interface Link<Connection> {
  readonly client: ClientLink<Connection>;
  readonly connected: Promise<void>;
  isConnected: boolean;
}

/** A failure of the network that no client reports in words of its own. */
const networkError = (code: 'ETIMEDOUT' | 'ECONNRESET', message: string): Error =>
  Object.assign(new Error(message), { code });

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

/** Creates the links; connects to nothing yet. Throws `config_invalid` for an address that is none. */
export const createBrokerLinks = <Connection>(options: BrokerLinksOptions<Connection>): BrokerLinks<Connection> => {
  const { timeouts, logger } = options;
  const bootstrap = options.bootstrap.map(parseBrokerAddress);
  if (bootstrap.length === 0) throw new StreamManagerError('config_invalid', 'kafka.brokers names no broker');
  const closing = new AbortController();
  const links = new Map<string, Link<Connection>>();
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
  const cut = (name: string, link: Link<Connection>, reason: string): void => {
    if (links.get(name) === link) links.delete(name);
    link.client.cut(reason);
  };

  /** Rejects, and cuts the link, when `work` takes longer than `ms`. */
  const withDeadline = async <Result>(
    name: string,
    link: Link<Connection>,
    what: string,
    ms: number,
    work: Promise<Result>,
  ): Promise<Result> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const message = `${name} did not answer ${what} within ${ms} ms`;
        reject(networkError('ETIMEDOUT', message));
        cut(name, link, message);
      }, ms);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  const makeLink = (address: BrokerAddress): Link<Connection> => {
    const name = nameOf(address);
    const connected = Promise.withResolvers<void>();
    // Whoever asked for the link waits for it; a rejection that nobody sees any more is nobody's.
    connected.promise.catch(() => {});
    const link: Link<Connection> = { client: options.open(address), connected: connected.promise, isConnected: false };
    links.set(name, link);
    withDeadline(name, link, 'the handshake', timeouts.handshakeMs, link.client.connect()).then(
      () => {
        link.isConnected = true;
        connected.resolve();
      },
      (error: unknown) => {
        cut(name, link, 'the handshake failed');
        connected.reject(error);
      },
    );
    return link;
  };

  const linkTo = (address: BrokerAddress): Link<Connection> => {
    const name = nameOf(address);
    const link = links.get(name);
    // Clients would connect again by themselves, and send without a handshake.
    if (link?.isConnected === true && !link.client.isOpen()) cut(name, link, 'the connection was closed');
    return links.get(name) ?? makeLink(address);
  };

  const exchangeWith = async <Answer>(
    address: BrokerAddress,
    exchange: Exchange<Connection, Answer>,
  ): Promise<Answer> => {
    if (closing.signal.aborted) throw new StreamManagerError('stopped', 'the Kafka client is closed');
    const name = nameOf(address);
    const link = linkTo(address);
    try {
      await link.connected;
      if (!link.client.isOpen()) throw networkError('ECONNRESET', `${name} closed the connection`);
      const sending = exchange.send(link.client.connection);
      const answer = await withDeadline(name, link, exchange.name, timeouts.requestMs, sending);
      reachable = true;
      report(false, { broker: name });
      return answer;
    } catch (error) {
      cut(name, link, 'an exchange failed');
      reachable = false;
      throw error;
    }
  };

  const send = <Answer>(address: BrokerAddress, exchange: Exchange<Connection, Answer>): Promise<Answer> => {
    const exchanging = exchangeWith(address, exchange);
    pending.add(exchanging);
    const forget = (): void => void pending.delete(exchanging);
    exchanging.then(forget, forget);
    return exchanging;
  };

  return {
    closing: closing.signal,
    send,
    sendToAny: async (exchange) => {
      const startedAt = performance.now();
      const isLinked = (address: BrokerAddress): boolean => links.get(nameOf(address))?.client.isOpen() ?? false;
      const addresses = [...known.filter(isLinked), ...known.filter((address) => !isLinked(address)), ...bootstrap];
      const tried = new Set<string>();
      let failure: unknown;
      for (const address of addresses) {
        if (tried.has(nameOf(address))) continue;
        tried.add(nameOf(address));
        try {
          return await send(address, exchange);
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
        // Brokers come and go; the links to those that went must not pile up. One that shakes hands ends by itself.
        if (!current.has(name) && link.isConnected && !link.client.isOpen()) cut(name, link, 'the broker went');
      }
    },
    isReachable: () => reachable,
    close: async () => {
      closing.abort();
      await Promise.allSettled(pending);
      const open = [...links.values()];
      links.clear();
      await Promise.allSettled(open.map(async ({ client }) => client.close()));
    },
  };
};
