// @platformatic/kafka's connections as links to brokers. Its connection pool is left out: it hands a silent connection out
// again, and its client tries on by itself.
import net from 'node:net';
import type { Connection, SASLOptions } from '@platformatic/kafka';
import { type BrokerLinks, createBrokerLinks } from './broker-links.ts';
import type { ClientSettings, KafkaSasl } from './client-settings.ts';
import type { Platformatic } from './platformatic-internals.ts';

const mechanisms = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const satisfies Record<KafkaSasl['mechanism'], SASLOptions['mechanism']>;

/** What the broker's request metrics call this client: name and version. */
const software = ['stream-manager', '1'] as const;

/** Our own deadline comes first and cuts the link; theirs is for what ours does not see. */
const backstopMs = 1_000;

/** Creates the links; connects to nothing yet. Throws `config_invalid` for an address that is none. */
export const createPlatformaticLinks = (
  platformatic: Platformatic,
  settings: ClientSettings,
): BrokerLinks<Connection> => {
  const { timeouts, ssl, sasl, clientId } = settings;
  return createBrokerLinks({
    bootstrap: settings.brokers,
    timeouts,
    logger: settings.logger,
    open: ({ host, port }) => {
      const servername = net.isIP(host) === 0 ? { servername: host } : {};
      const connection = new platformatic.Connection(clientId, {
        connectTimeout: timeouts.connectMs,
        requestTimeout: timeouts.requestMs + backstopMs,
        ...(ssl === false ? {} : { tls: { ...servername, ...(ssl === true ? {} : ssl) } }),
        ...(sasl === null
          ? {}
          : { sasl: { mechanism: mechanisms[sasl.mechanism], username: sasl.username, password: sasl.password } }),
      });
      // Node throws an 'error' event that nobody hears; every request that it concerns is rejected besides.
      connection.on('error', () => {});
      return {
        connection,
        connect: async () => {
          await connection.connect(host, port);
          await platformatic.apiVersionsV3.api.async(connection, ...software);
        },
        // A connection that renews its login carries requests meanwhile.
        isOpen: () =>
          connection.isConnected() || connection.status === platformatic.ConnectionStatuses.REAUTHENTICATING,
        cut: (reason) => connection.socket?.destroy(new Error(reason)),
        close: () => connection.close(),
      };
    },
  });
};
