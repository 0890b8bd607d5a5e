// kafkajs' connections as links to brokers: its network and SASL layers, with nothing of them left to itself.
import net from 'node:net';
import tls from 'node:tls';
import { type BrokerLinks, createBrokerLinks } from './broker-links.ts';
import type { ClientSettings } from './client-settings.ts';
import { bridgeLogger } from './kafka-logger.ts';
import { type KafkajsConnectionPool, kafkajs } from './kafkajs-internals.ts';

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
export const createKafkajsLinks = (settings: ClientSettings): BrokerLinks<KafkajsConnectionPool> => {
  const { timeouts, sasl } = settings;
  const logger = bridgeLogger(settings.logger);
  return createBrokerLinks({
    bootstrap: settings.brokers,
    timeouts,
    logger: settings.logger,
    open: (address) => {
      const connection = new kafkajs.ConnectionPool({
        ...address,
        clientId: settings.clientId,
        ssl: settings.ssl,
        // kafkajs writes its authenticator into the options it is given.
        sasl: sasl === null ? null : { ...sasl },
        socketFactory,
        connectionTimeout: timeouts.connectMs,
        requestTimeout: timeouts.requestMs,
        // Its own check is a timer every 100 ms per connection, and it leaves the silent connection in use.
        enforceRequestTimeout: false,
        logger,
      });
      const broker = new kafkajs.Broker({
        connectionPool: connection,
        logger,
        authenticationTimeout: timeouts.handshakeMs,
      });
      return {
        connection,
        // With ApiVersions.
        connect: () => broker.connect(),
        isOpen: () => connection.isConnected(),
        cut: (reason) => {
          for (const { socket } of connection.pool) socket?.destroy(new Error(reason));
        },
        close: () => broker.disconnect(),
      };
    },
  });
};
