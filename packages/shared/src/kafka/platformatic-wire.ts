// The wire over @platformatic/kafka's requests: the versions that brokers from Kafka 3.0 on speak. Its parsers throw when an
// answer holds an error of one of many topics, and keep the whole answer in that error: that answer is what we take.
import type { Connection } from '@platformatic/kafka';
import type { BrokerLinks, Exchange } from './broker-links.ts';
import type { Platformatic } from './platformatic-internals.ts';
import { protocolError } from './protocol-error.ts';
import type { NumberedWire, PartitionBatch } from './wire.ts';

const acksAll = -1;
const produceKey = 0;
const produceVersion = 9;
const groupKey = 0;
const coordinatorNotAvailable = 15;
const noReplica = -1;
const noLeaderEpoch = -1;

/** Sentinels of ListOffsets. */
const timestamps = { latest: -1n, earliest: -2n } as const;

/** Consumers see records of open transactions only once these are committed, so their lag ends there too. */
const readCommitted = 1;

/** Only transactions have a use for it. */
const transactionTimeoutMs = 60_000;

/** The answer, also when the parser threw it. */
const answered = async <Answer>(asked: Promise<Answer>): Promise<Answer> => {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && 'response' in error && error.response !== undefined) {
      // A ResponseError carries what its parser would have returned.
      return error.response as Answer;
    }
    throw error;
  }
};

const exchange = <Answer>(
  name: string,
  ask: (connection: Connection) => Promise<Answer>,
): Exchange<Connection, Answer> => ({ name, send: (connection) => answered(ask(connection)) });

/** Their produce request takes records; ours takes batches that are encoded already, so that a repeated one is the same to the byte. */
const produceApi = ({ createAPI, Writer, produceV9 }: Platformatic) =>
  createAPI<
    [batches: readonly PartitionBatch[], timeoutMs: number],
    ReturnType<Platformatic['produceV9']['parseResponse']>
  >(
    produceKey,
    produceVersion,
    (batches: readonly PartitionBatch[], timeoutMs: number) =>
      Writer.create()
        .appendString(null)
        .appendInt16(acksAll)
        .appendInt32(timeoutMs)
        .appendArray([...Map.groupBy(batches, ({ topic }) => topic)], (topics, [topic, partitions]) =>
          topics
            .appendString(topic)
            .appendArray(partitions, (writer, { partition, batch }) =>
              writer.appendInt32(partition).appendBytes(batch),
            ),
        )
        .appendTaggedFields(),
    produceV9.parseResponse,
  );

/** Creates the wire. */
export const createPlatformaticWire = (platformatic: Platformatic, links: BrokerLinks<Connection>): NumberedWire => {
  const produce = produceApi(platformatic);
  return {
    metadata: async (names) => {
      const answer = await links.sendToAny(
        exchange('Metadata', (connection) =>
          platformatic.metadataV9.api.async(connection, names.length === 0 ? null : [...names], false),
        ),
      );
      return {
        brokers: answer.brokers,
        controllerId: answer.controllerId,
        topics: answer.topics.map(({ name, errorCode, partitions }) => ({
          topic: name,
          errorCode,
          partitions: partitions.map((partition) => ({
            partition: partition.partitionIndex,
            errorCode: partition.errorCode,
            leader: partition.leaderId,
            replicas: partition.replicaNodes.length,
          })),
        })),
      };
    },
    topicConfigs: async (topics, names) => {
      const resources = topics.map((resourceName) => ({
        resourceType: platformatic.ConfigResourceTypes.TOPIC,
        resourceName,
        configurationKeys: names.length === 0 ? null : [...names],
      }));
      const { results } = await links.sendToAny(
        exchange('DescribeConfigs', (connection) => platformatic.describeConfigsV4.api.async(connection, resources)),
      );
      return results.map(({ resourceName, errorCode, configs }) => ({
        topic: resourceName,
        errorCode,
        entries: configs.map(({ name, value, isSensitive }) => ({ name, value: value ?? null, isSensitive })),
      }));
    },
    coordinator: async (group) => {
      const { coordinators } = await links.sendToAny(
        exchange('FindCoordinator', (connection) =>
          platformatic.findCoordinatorV4.api.async(connection, groupKey, [group]),
        ),
      );
      const { errorCode, host, port } = coordinators[0] ?? { errorCode: coordinatorNotAvailable, host: '', port: 0 };
      return { errorCode, address: { host, port } };
    },
    listOffsets: async (leader, topic, partitions, which) => {
      const wanted = partitions.map((partitionIndex) => ({
        partitionIndex,
        currentLeaderEpoch: noLeaderEpoch,
        timestamp: timestamps[which],
      }));
      const { topics } = await links.send(
        leader,
        exchange('ListOffsets', (connection) =>
          platformatic.listOffsetsV7.api.async(connection, noReplica, readCommitted, [
            { name: topic, partitions: wanted },
          ]),
        ),
      );
      return (topics[0]?.partitions ?? []).map(({ partitionIndex, errorCode, offset }) => ({
        partition: partitionIndex,
        errorCode,
        offset,
      }));
    },
    committedOffsets: async (coordinator, group, topics) => {
      const wanted = topics.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: [...partitions] }));
      const { groups } = await links.send(
        coordinator,
        exchange('OffsetFetch', (connection) =>
          platformatic.offsetFetchV8.api.async(
            connection,
            [{ groupId: group, memberEpoch: noLeaderEpoch, topics: wanted }],
            false,
          ),
        ),
      );
      return {
        errorCode: groups[0]?.errorCode ?? 0,
        topics: (groups[0]?.topics ?? []).map(({ name, partitions }) => ({
          topic: name,
          partitions: partitions.map(({ partitionIndex, errorCode, committedOffset }) => ({
            partition: partitionIndex,
            errorCode,
            offset: committedOffset,
          })),
        })),
      };
    },
    createTopics: async (controller, definitions, timeoutMs) => {
      const wanted = definitions.map(({ topic, partitions, replicationFactor, config }) => ({
        name: topic,
        numPartitions: partitions,
        replicationFactor,
        assignments: [],
        configs: Object.entries(config).map(([name, value]) => ({ name, value })),
      }));
      const { topics } = await links.send(
        controller,
        exchange('CreateTopics', (connection) =>
          platformatic.createTopicsV7.api.async(connection, wanted, timeoutMs, false),
        ),
      );
      return topics.map(({ name, errorCode, errorMessage }) => ({
        topic: name,
        errorCode,
        reason: errorMessage ?? null,
      }));
    },
    listGroups: async (broker) => {
      const { errorCode, groups } = await links.send(
        broker,
        exchange('ListGroups', (connection) => platformatic.listGroupsV4.api.async(connection, [], [])),
      );
      return { errorCode, groups: groups.map(({ groupId, protocolType }) => ({ group: groupId, protocolType })) };
    },
    produce: async (leader, batches, timeoutMs, onHandedOver) => {
      const { responses } = await links.send(
        leader,
        exchange('Produce', (connection) => {
          onHandedOver?.();
          return produce.async(connection, batches, timeoutMs);
        }),
      );
      return responses.flatMap(({ name, partitionResponses }) =>
        partitionResponses.map(({ index, errorCode }) => ({ topic: name, partition: index, errorCode })),
      );
    },
    newIdentity: async () => {
      const { errorCode, producerId, producerEpoch } = await links.sendToAny(
        exchange('InitProducerId', (connection) =>
          platformatic.initProducerIdV4.api.async(connection, null, transactionTimeoutMs),
        ),
      );
      if (errorCode !== 0) throw protocolError(errorCode, 'a producer id');
      return { producerId, epoch: producerEpoch };
    },
    learn: (addresses) => links.learn(addresses),
    isReachable: () => links.isReachable(),
    closing: links.closing,
    close: () => links.close(),
  };
};
