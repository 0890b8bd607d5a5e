// A Kafka in memory behind the same port, for tests of what stands on the port. It passes the contract suite, so it can
// be trusted where the suite speaks: partitions, sizes, errors per topic, offsets, groups.

import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { partitionOfKey } from '@stream-manager/shared/kafka/partition-of-key';
import type {
  KafkaAdminPort,
  KafkaPort,
  KafkaProducerPort,
  OutgoingRecord,
  PublishFailure,
  TimestampBounds,
  TopicDefinition,
} from '@stream-manager/shared/kafka/port';
import { protocolError } from '@stream-manager/shared/kafka/protocol-error';
import { defaultMaxBatchBytes, unboundedTimestamps } from '@stream-manager/shared/kafka/topic-limits';
import type { StoredRecord } from '../accounting/stored-record.ts';
import type { KafkaUnderTest } from './kafka-under-test.ts';

interface MemoryTopic {
  readonly definition: TopicDefinition;
  readonly partitions: readonly { low: number; readonly records: StoredRecord[] }[];
}

const unknownTopic = 3;
const messageTooLarge = 10;
const invalidTopic = 17;
const invalidPartitions = 37;
const invalidTimestamp = 32;

const makeTopic = (definition: TopicDefinition): MemoryTopic => {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(definition.topic)) throw protocolError(invalidTopic, `topic ${definition.topic}`);
  if (definition.partitions < 1) throw protocolError(invalidPartitions, `topic ${definition.topic}`);
  return { definition, partitions: Array.from({ length: definition.partitions }, () => ({ low: 0, records: [] })) };
};

const boundsOf = (topic: MemoryTopic | undefined): TimestampBounds => {
  const config = topic?.definition.config ?? {};
  if (config['message.timestamp.type'] === 'LogAppendTime') return unboundedTimestamps;
  return {
    beforeMaxMs: Number(config['message.timestamp.before.max.ms'] ?? unboundedTimestamps.beforeMaxMs),
    afterMaxMs: Number(config['message.timestamp.after.max.ms'] ?? unboundedTimestamps.afterMaxMs),
  };
};

const parseJson = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    // Not JSON is a finding of the test that reads it.
    return undefined;
  }
};

const store = (topic: MemoryTopic, record: OutgoingRecord): void => {
  const partition = partitionOfKey(record.key, topic.partitions.length);
  const log = topic.partitions[partition];
  log?.records.push({
    topic: record.topic,
    partition,
    offset: log.records.length,
    key: record.key.toString(),
    headers: {
      'record-id': record.recordId,
      'source-id': record.sourceId,
      'schema-version': '1',
      ...(record.revision === undefined ? {} : { revision: record.revision }),
    },
    timestamp: record.timestampMs,
    value: parseJson(record.value),
  });
};

/** Creates an empty Kafka. */
export const createMemoryKafka = (): KafkaUnderTest => {
  const topics = new Map<string, MemoryTopic>();
  const commits = new Map<string, Map<string, Map<number, number>>>();

  const publish = (record: OutgoingRecord): Error | null => {
    const topic = topics.get(record.topic);
    if (topic === undefined) return protocolError(unknownTopic, `topic ${record.topic}`);
    const limit = Number(topic.definition.config['max.message.bytes'] ?? defaultMaxBatchBytes);
    if (record.key.length + record.value.length > limit) return protocolError(messageTooLarge, `topic ${record.topic}`);
    const { beforeMaxMs, afterMaxMs } = boundsOf(topic);
    const ageMs = Date.now() - record.timestampMs;
    if (ageMs > beforeMaxMs || -ageMs > afterMaxMs) return protocolError(invalidTimestamp, `topic ${record.topic}`);
    store(topic, record);
    return null;
  };

  const createProducer = (): KafkaProducerPort => {
    let reachable: boolean | null = null;
    let isClosed = false;
    return {
      publish: async (records, { signal } = {}) => {
        const stopped = isClosed ? 'the Kafka producer is closed' : signal?.aborted && 'the publish was called off';
        if (stopped) {
          const indexes = records.map((_, index) => index);
          return { failures: [{ indexes, error: new StreamManagerError('stopped', stopped) }] };
        }
        reachable = true;
        const failures: PublishFailure[] = [];
        for (const [index, record] of records.entries()) {
          const error = publish(record);
          if (error !== null) failures.push({ indexes: [index], error });
        }
        return { failures };
      },
      timestampBounds: async (names) => new Map([...names].map((name) => [name, boundsOf(topics.get(name))])),
      isReachable: () => reachable,
      close: async () => {
        isClosed = true;
      },
    };
  };

  const createAdmin = (): KafkaAdminPort => ({
    listTopics: async () => [...topics.keys()],
    describeTopics: async (names) =>
      names.flatMap((name) => {
        const topic = topics.get(name);
        if (topic === undefined) return [];
        return [{ ...topic.definition, replicationFactor: 1 }];
      }),
    createTopics: async (definitions) =>
      new Map(
        definitions.map((definition) => {
          const isNew = !topics.has(definition.topic);
          if (isNew) topics.set(definition.topic, makeTopic(definition));
          return [definition.topic, isNew];
        }),
      ),
    endOffsets: async (name) =>
      topics.get(name)?.partitions.map(({ low, records }, partition) => ({
        partition,
        low: BigInt(low),
        high: BigInt(records.length),
      })) ?? null,
    listGroups: async () => [...commits.keys()],
    committedOffsets: async (group, names) =>
      new Map(
        names.flatMap((name) => {
          const topic = topics.get(name);
          if (topic === undefined) return [];
          const offsets = commits.get(group)?.get(name);
          const partitions = topic.partitions.map((_, partition) => {
            const offset = offsets?.get(partition);
            return { partition, offset: offset === undefined ? null : BigInt(offset) };
          });
          return [[name, partitions] as const];
        }),
      ),
    close: async () => {},
  });

  return {
    port: { createProducer, createAdmin },
    unreachablePort: unreachablePort(),
    readTopic: async (name) => (topics.get(name)?.partitions ?? []).flatMap(({ low, records }) => records.slice(low)),
    commit: async (group, name, offsets) => {
      const ofGroup = commits.get(group) ?? new Map<string, Map<number, number>>();
      commits.set(group, ofGroup);
      const ofTopic = ofGroup.get(name) ?? new Map<number, number>();
      ofGroup.set(name, ofTopic);
      for (const [partition, offset] of Object.entries(offsets)) ofTopic.set(Number(partition), offset);
    },
    deleteRecords: async (name, partition, before) => {
      const log = topics.get(name)?.partitions[partition];
      if (log !== undefined) log.low = before;
    },
    deleteTopic: async (name) => {
      topics.delete(name);
    },
    close: async () => {},
  };
};

/** What a client gives whose connections are refused. */
const noBroker = (): Error => Object.assign(new Error('no broker answers'), { code: 'ECONNREFUSED' });

const unreachablePort = (): KafkaPort => {
  const refuse = async (): Promise<never> => {
    throw noBroker();
  };
  return {
    createProducer: () => {
      let reachable: boolean | null = null;
      return {
        publish: async (records) => {
          reachable = false;
          const indexes = records.map((_, index) => index);
          return {
            failures: [{ indexes, error: noBroker() }],
          };
        },
        timestampBounds: async (names) => new Map([...names].map((name) => [name, unboundedTimestamps])),
        isReachable: () => reachable,
        close: async () => {},
      };
    },
    createAdmin: () => ({
      listTopics: refuse,
      describeTopics: refuse,
      createTopics: refuse,
      endOffsets: refuse,
      listGroups: refuse,
      committedOffsets: refuse,
      close: async () => {},
    }),
  };
};
