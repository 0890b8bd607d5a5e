// The wire over kafkajs' requests, each in the newest version that kafkajs has.
import type { BrokerLinks, Exchange } from './broker-links.ts';
import { type KafkajsConnectionPool, kafkajs, type Protocol, withoutThrowing } from './kafkajs-internals.ts';
import { produceRequest } from './produce-request.ts';
import type { KafkaWire } from './wire.ts';

const topicResource = 2;

/** Sentinels of ListOffsets. */
const timestamps = { latest: -1, earliest: -2 } as const;

/** Consumers see records of open transactions only once these are committed, so their lag ends there too. */
const readCommitted = 1;

const exchange = <Answer>(protocol: Protocol<Answer>): Exchange<KafkajsConnectionPool, Answer> => ({
  name: protocol.request.apiName,
  send: (connection) => connection.send(withoutThrowing(protocol)),
});

/** Creates the wire. */
export const createKafkajsWire = (links: BrokerLinks<KafkajsConnectionPool>): KafkaWire => ({
  metadata: async (topics) => {
    const answer = await links.sendToAny(exchange(kafkajs.metadata({ topics, allowAutoTopicCreation: false })));
    return {
      brokers: answer.brokers,
      controllerId: answer.controllerId,
      topics: answer.topicMetadata.map(({ topic, topicErrorCode, partitionMetadata }) => ({
        topic,
        errorCode: topicErrorCode,
        partitions: partitionMetadata.map(({ partitionId, partitionErrorCode, leader, replicas }) => ({
          partition: partitionId,
          errorCode: partitionErrorCode,
          leader,
          replicas: replicas.length,
        })),
      })),
    };
  },
  topicConfigs: async (topics, configNames) => {
    const resources = topics.map((name) => ({ type: topicResource, name, configNames }));
    const answer = await links.sendToAny(exchange(kafkajs.describeConfigs({ resources })));
    return answer.resources.map(({ resourceName, errorCode, configEntries }) => ({
      topic: resourceName,
      errorCode,
      entries: configEntries.map(({ configName, configValue, isSensitive }) => ({
        name: configName,
        value: configValue,
        isSensitive,
      })),
    }));
  },
  coordinator: async (groupId) => {
    const { errorCode, coordinator } = await links.sendToAny(exchange(kafkajs.findCoordinator({ groupId })));
    return { errorCode, address: { host: coordinator.host, port: coordinator.port } };
  },
  listOffsets: async (leader, topic, partitions, which) => {
    const wanted = partitions.map((partition) => ({ partition, timestamp: timestamps[which] }));
    const request = kafkajs.listOffsets({
      isolationLevel: readCommitted,
      topics: [{ topic, partitions: wanted }],
    });
    const { responses } = await links.send(leader, exchange(request));
    return (responses[0]?.partitions ?? []).map((answer) => ({ ...answer, offset: BigInt(answer.offset) }));
  },
  committedOffsets: async (coordinator, groupId, topics) => {
    const wanted = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => ({ partition })),
    }));
    const answer = await links.send(coordinator, exchange(kafkajs.offsetFetch({ groupId, topics: wanted })));
    return {
      errorCode: answer.errorCode,
      topics: answer.responses.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((one) => ({ ...one, offset: BigInt(one.offset) })),
      })),
    };
  },
  createTopics: async (controller, definitions, timeout) => {
    const topics = definitions.map(({ topic, partitions, replicationFactor, config }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    }));
    const answer = await links.send(controller, exchange(kafkajs.createTopics({ topics, timeout })));
    return answer.topicErrors.map(({ topic, errorCode, errorMessage }) => ({ topic, errorCode, reason: errorMessage }));
  },
  listGroups: async (broker) => {
    const { errorCode, groups } = await links.send(broker, exchange(kafkajs.listGroups(undefined)));
    return { errorCode, groups: groups.map(({ groupId, protocolType }) => ({ group: groupId, protocolType })) };
  },
  produce: async (leader, batches, timeoutMs, onHandedOver) => {
    const { name, send } = exchange(produceRequest(batches, timeoutMs));
    const answer = await links.send(leader, {
      name,
      send: (connection) => {
        onHandedOver?.();
        return send(connection);
      },
    });
    return answer.topics.flatMap(({ topicName, partitions }) =>
      partitions.map(({ partition, errorCode }) => ({ topic: topicName, partition, errorCode })),
    );
  },
  learn: (addresses) => links.learn(addresses),
  isReachable: () => links.isReachable(),
  closing: links.closing,
  close: () => links.close(),
});
