// A Kafka cluster of one's own for drills: three nodes, every topic on all of them, acknowledged by two.
import { join } from 'node:path';
import { waitUntil } from '../wait-until.ts';
import { type KafkaBroker, startKafkaBroker } from './kafka-broker.ts';
import { fetchClusterMetadata } from './kafka-metadata.ts';
import { newClusterId } from './kafka-storage.ts';
import { isPortFree, pickPort } from './ports.ts';
import type { Say } from './progress.ts';

export interface KafkaClusterOptions {
  /** Directory of the cluster; each node has one below it. */
  readonly dir: string;
  /** Settings of server.properties of every node, over ours. */
  readonly config?: Readonly<Record<string, string>>;
  readonly say?: Say;
  readonly signal?: AbortSignal;
}

export interface KafkaCluster {
  readonly nodes: readonly KafkaBroker[];
  /** Of all nodes. */
  readonly brokers: readonly string[];
  /** Kills what is left (a quorum cannot take leave of itself in time) and frees the directories. Idempotent. */
  readonly stop: () => Promise<void>;
}

const nodeCount = 3;

/** Three replicas of everything, of which two must have a record before it counts as written. */
const replicated: Readonly<Record<string, string>> = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'share.coordinator.state.topic.replication.factor': '3',
  'share.coordinator.state.topic.min.isr': '2',
};

/** Starts the cluster; resolves when all three nodes know each other. Throws as `startKafkaBroker` does; nothing stays. */
export const startKafkaCluster = async (options: KafkaClusterOptions): Promise<KafkaCluster> => {
  const { say = () => {}, signal } = options;
  const taken = new Set<number>();
  const pick = async (): Promise<number> => {
    const port = await pickPort([], taken, isPortFree);
    taken.add(port);
    return port;
  };
  const places: { readonly nodeId: number; readonly port: number; readonly controllerPort: number }[] = [];
  for (let nodeId = 1; nodeId <= nodeCount; nodeId += 1)
    places.push({ nodeId, port: await pick(), controllerPort: await pick() });
  const voters = places.map(({ nodeId, controllerPort }) => `${nodeId}@127.0.0.1:${controllerPort}`).join(',');
  const clusterId = newClusterId();
  const started = await Promise.allSettled(
    places.map((place) =>
      startKafkaBroker({
        ...place,
        clusterId,
        dir: join(options.dir, `node-${place.nodeId}`),
        config: { ...replicated, ...options.config, 'controller.quorum.voters': voters },
        say,
        ...(signal === undefined ? {} : { signal }),
      }),
    ),
  );
  const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const brokers = nodes.flatMap((node) => node.brokers);
  try {
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    const knowEachOther = async (): Promise<boolean> => {
      const answers = await Promise.all(brokers.map((broker) => fetchClusterMetadata(broker)));
      return answers.every(({ brokerIds }) => brokerIds.length === nodeCount);
    };
    await waitUntil('the nodes to know each other', knowEachOther, {
      timeoutMs: 60_000,
      intervalMs: 100,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, brokers, stop };
};
