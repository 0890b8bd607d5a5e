// The server.properties of one Kafka node in KRaft mode, as text. Pure: the broker writes it anew before every start,
// since the ports may have changed.

export interface NodeAddress {
  readonly nodeId: number;
  /** Port of the clients' listener on 127.0.0.1. */
  readonly port: number;
  /** Port of the controllers' listener on 127.0.0.1. */
  readonly controllerPort: number;
}

/**
 * A node that is broker and controller in one. `overrides` win (`controller.quorum.voters` of a cluster of several nodes,
 * `message.max.bytes`, …).
 */
export const serverProperties = (
  { nodeId, port, controllerPort }: NodeAddress,
  logDir: string,
  overrides: Readonly<Record<string, string>> = {},
): string => {
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(nodeId),
    'controller.quorum.voters': `${nodeId}@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': logDir,
    ...singleNodeSettings,
    ...overrides,
  };
  return `${Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}`)
    .join('\n')}\n`;
};

/** What a cluster of one node needs, in a container as well as here, and what keeps it small. */
export const singleNodeSettings: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  // A killed broker is let in again only when its old session has run out: 9 s by default.
  'broker.session.timeout.ms': '4000',
  'broker.heartbeat.interval.ms': '500',
  // Fewer inner partitions than the default 50: the first commit of a group need not wait for their making.
  'offsets.topic.num.partitions': '8',
  'transaction.state.log.num.partitions': '8',
  // The cleaner of compacted topics reserves 128 MB of the heap by default.
  'log.cleaner.dedupe.buffer.size': '16777216',
};
