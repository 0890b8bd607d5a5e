// A real cluster for the contract suite.
import { createRequire } from 'node:module';
import { defaultKafkaTimeouts } from '@stream-manager/shared/kafka/client-settings';
import { createClusterMetadata, topicIn } from '@stream-manager/shared/kafka/cluster-metadata';
import { silentLogger } from '@stream-manager/shared/kafka/kafka-logger';
import type { KafkajsConnectionPool, Protocol } from '@stream-manager/shared/kafka/kafkajs-internals';
import { createKafkajsLinks } from '@stream-manager/shared/kafka/kafkajs-links';
import { createKafkajsWire } from '@stream-manager/shared/kafka/kafkajs-wire';
import type { KafkaPort } from '@stream-manager/shared/kafka/port';
import { Kafka, logLevel } from 'kafkajs';
import { readTopics } from '../accounting/read-topics.ts';
import { waitUntil } from '../wait-until.ts';
import type { KafkaUnderTest } from './kafka-under-test.ts';

interface OffsetCommitOptions {
  readonly groupId: string;
  readonly groupGenerationId: number;
  readonly memberId: string;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }[];
}

interface DeleteRecordsOptions {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }[];
  readonly timeout: number;
}

interface RequestModule<Options> {
  readonly protocol: (version: { readonly version: number }) => (options: Options) => Protocol<unknown>;
}

const require = createRequire(import.meta.url);
// Requests that only consumers and operators send; kafkajs has no types for them.
const offsetCommit = require('kafkajs/src/protocol/requests/offsetCommit') as RequestModule<OffsetCommitOptions>;
const deleteRecords = require('kafkajs/src/protocol/requests/deleteRecords') as RequestModule<DeleteRecordsOptions>;

const exchange = (name: string, protocol: Protocol<unknown>) => ({
  name,
  send: (connection: KafkajsConnectionPool) => connection.send(protocol),
});

/** Opens a cluster. `portTo` makes the port under test for a list of brokers. */
export const openRealKafka = (
  brokers: readonly string[],
  portTo: (brokers: readonly string[]) => KafkaPort,
): KafkaUnderTest => {
  const links = createKafkajsLinks({
    brokers,
    clientId: 'contract',
    ssl: false,
    sasl: null,
    timeouts: defaultKafkaTimeouts,
    logger: silentLogger,
  });
  const wire = createKafkajsWire(links);
  const metadata = createClusterMetadata(wire, { maxAgeMs: 60_000, now: () => performance.now() });
  return {
    port: portTo(brokers),
    // Nothing listens on port 1.
    unreachablePort: portTo(['127.0.0.1:1']),
    // kafkajs' admin, which the reader asks for the ends, gives up on a topic that was made a moment ago.
    readTopic: (topic) => waitUntil(`topic ${topic} can be read`, () => readTopics({ brokers, topics: [topic] })),
    commit: async (groupId, topic, offsets) => {
      const partitions = Object.entries(offsets).map(([partition, offset]) => ({
        partition: Number(partition),
        offset: String(offset),
      }));
      // Generation −1 and no member: commits as a tool, not as a consumer (kafkajs' setOffsets joins the group, 5 s).
      const commit = { groupId, groupGenerationId: -1, memberId: '', topics: [{ topic, partitions }] };
      const { address } = await wire.coordinator(groupId);
      await links.send(address, exchange('OffsetCommit', offsetCommit.protocol({ version: 5 })(commit)));
    },
    deleteRecords: async (topic, partition, before) => {
      const partitions = [{ partition, offset: String(before) }];
      const view = topicIn(await metadata.topics([topic]), topic);
      const leader = view instanceof Error ? null : view.partitions[partition]?.leader;
      if (!leader) throw new Error(`partition ${partition} of topic ${topic} has no leader`);
      const request = deleteRecords.protocol({ version: 1 })({ topics: [{ topic, partitions }], timeout: 5_000 });
      await links.send(leader, exchange('DeleteRecords', request));
    },
    deleteTopic: async (topic) => {
      // A new admin each time: kafkajs' is of no use any more after a topic that it used is deleted.
      const admin = new Kafka({ clientId: 'contract', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [topic] });
      await admin.disconnect();
      // The controller has deleted it; the broker goes on taking records for it until it has heard of that.
      await waitUntil(`topic ${topic} is gone`, async () => {
        const { topics } = await wire.metadata([topic]);
        return topics.every(({ errorCode }) => errorCode !== 0);
      });
    },
    close: () => links.close(),
  };
};
